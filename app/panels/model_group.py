"""Decides how a model is chosen and what the user is told of it before a scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.combo import ComboBox
from app.layout import Group, muted
from core.class_colours import class_hex, class_name
from core.models.base import ModelSpec, Source

SOURCES: dict[Source, str] = {"bundled": "Comes with Schliff", "trained": "Trained here", "imported": "Imported"}

AT_A_GLANCE = 180  # characters of a description, about five lines; whoever wants more asks for it

ListModels = Callable[[], list[ModelSpec]]


def list_models() -> list[ModelSpec]:
    """Every model that can be used."""
    from core.models.catalog import list_models as catalog

    return catalog()


class ModelGroup(Group):
    """A choice of models, with what each finds. `model_changed()` when another one is chosen, `history_requested()` when
    it is asked how the chosen one was trained."""

    model_changed = Signal()
    history_requested = Signal()

    def __init__(self, list_them: ListModels = list_models, parent: QWidget | None = None) -> None:
        super().__init__("Model", parent)
        self._list_them = list_them
        self._specs: list[ModelSpec] = []
        self.choice = ComboBox()
        self.choice.setAccessibleName("Model")
        self.choice.setToolTip("What looks for defects")
        self.choice.setMinimumContentsLength(12)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.description = QLabel()
        self.finds = QLabel()
        self.facts = muted()
        self.trained = QLabel('<a href="trained">Show how it was trained…</a>')
        self.trained.linkActivated.connect(lambda _: self.history_requested.emit())
        for label in (self.description, self.finds, self.facts):
            label.setWordWrap(True)
        self.description.setTextFormat(Qt.TextFormat.RichText)
        self.description.linkActivated.connect(lambda _: self._describe(whole=True))
        self.finds.setTextFormat(Qt.TextFormat.RichText)
        for widget in (self.choice, self.description, self.finds, self.facts, self.trained):
            self.add_wide(widget)
        self.choice.currentIndexChanged.connect(self._changed)

    @property
    def spec(self) -> ModelSpec | None:
        """The chosen model, None when there are none."""
        index = self.choice.currentIndex()
        return self._specs[index] if 0 <= index < len(self._specs) else None

    def refresh(self, prefer: str | None = None) -> None:
        """Lists the models again and chooses `prefer`, else the one chosen before, else one that works anywhere."""
        before = self.spec
        self._specs = self._list_them()
        self.choice.blockSignals(True)
        self.choice.clear()
        for spec in self._specs:
            self.choice.addItem(spec.name, spec.id)
            self.choice.setItemData(self.choice.count() - 1, spec.description, Qt.ItemDataRole.ToolTipRole)
        self.choice.setCurrentIndex(_first_of(self._specs, prefer, before.id if before else None))
        self.choice.blockSignals(False)
        if before is None or self.spec != before:
            self._changed()

    def choose(self, model_id: str) -> None:
        index = self.choice.findData(model_id)
        if index >= 0:
            self.choice.setCurrentIndex(index)

    def choose_for(self, scanned_with: str | None) -> None:
        """For another section: the model that it was scanned with, else the one that works anywhere."""
        self.choice.setCurrentIndex(_first_of(self._specs, scanned_with))

    def _changed(self) -> None:
        spec = self.spec
        if spec is None:
            self.description.setText("There is no model to scan with.")
            self.finds.clear()
            self.facts.clear()
        else:
            self._describe()
            self.finds.setText(_findings(spec))
            self.facts.setText(_facts(spec))
        for label in (self.description, self.finds, self.facts):
            label.setVisible(bool(label.text()))
        self.trained.setVisible(spec is not None and bool(spec.card.get("training")))
        self.model_changed.emit()

    def _describe(self, *, whole: bool = False) -> None:
        assert self.spec is not None
        text = self.spec.description if whole else _beginning(self.spec.description)
        more = "" if text == self.spec.description else ' <a href="more">More…</a>'
        self.description.setText(escape(text) + more)


def _beginning(text: str) -> str:
    """Its first sentences, at least one, as many as are read at a glance."""
    sentences = text.split(". ")
    shown = sentences[0]
    for sentence in sentences[1:]:
        if len(shown) + len(sentence) > AT_A_GLANCE:
            return shown + "."
        shown += ". " + sentence
    return shown


def _first_of(specs: Sequence[ModelSpec], *wanted: str | None) -> int:
    """Training-free texture is what a user's own file gets: it works on any micrograph."""
    ids = [spec.id for spec in specs]
    for model_id in wanted:
        if model_id in ids:
            return ids.index(model_id)
    return next((index for index, model_id in enumerate(ids) if model_id.startswith("texture")), 0)


def _findings(spec: ModelSpec) -> str:
    """Its classes with their colours, defects first."""
    if spec.labels == ("anomaly",):
        return ""
    colours = class_hex(spec.labels)
    ordered = sorted(spec.labels, key=lambda label: label in spec.artefact_labels)
    chips = (f'<span style="color:{colours[label]}">■</span>&nbsp;{_unbroken(label)}' for label in ordered)
    return " &nbsp; ".join(chips)


def _unbroken(label: str) -> str:
    return class_name(label).replace(" ", "&nbsp;")


def _facts(spec: ModelSpec) -> str:
    scale = "any scale" if spec.um_per_px is None else f"{spec.um_per_px:g} µm per px"
    parts = [SOURCES[spec.source], scale, "needs no training" if spec.path is None else ""]
    return " · ".join(part for part in parts if part)
