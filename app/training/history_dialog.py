"""Decides what is shown of how a model was trained: its curves, what it came to, and with which settings from which data."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from app.jobs import Job, Lane
from app.layout import Panel, muted
from app.theme import SPACE
from app.training.wording import learnt_text
from core.models.base import ModelSpec
from core.timing import spoken_seconds
from core.train.curves import Curves, curves_of_model

if TYPE_CHECKING:
    from app.training.curves_view import CurvesView

SIZE = (560, 640)
_MOST_NAMES = 4  # of sections that are listed by name


class HistoryDialog(QDialog):
    """One model's training. What draws the curves is loaded in `lane`."""

    def __init__(self, parent: QWidget, spec: ModelSpec, lane: Lane) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"How {spec.name} was trained")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.curves: CurvesView | None = None
        self.learnt, self.facts = QLabel(), muted()
        self._place = QVBoxLayout()
        self._lay_out(spec)
        job = Job(
            lambda progress, cancel: (
                importlib.import_module("app.training.curves_view").CurvesView,
                curves_of_model(spec.path, spec.card),
            ),
            "Reading curves",
        )
        job.finished.connect(lambda read: self._show_curves(*read))
        self._job = lane.submit(job)
        self.finished.connect(lambda _: job.silence())
        self.resize(*SIZE)

    def _show_curves(self, kind: type[CurvesView], curves: Curves) -> None:
        if not curves.names:
            self._place.addWidget(muted("Its curves were not kept."))
            return
        self.curves = kind(self)
        self._place.addWidget(self.curves)
        self.curves.show_curves(curves)

    def _lay_out(self, spec: ModelSpec) -> None:
        training = spec.card.get("training", {})
        self.learnt.setText("\n".join(learnt_text(spec.card.get("metrics", {}), training)))
        self.facts.setText("\n".join(facts(training)))
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        panel = Panel()
        for label in (self.learnt, self.facts):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setVisible(bool(label.text()))
        panel.column.addWidget(self.learnt)
        panel.column.addLayout(self._place)
        panel.column.addWidget(self.facts)
        panel.column.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        layout.addWidget(panel, 1)
        layout.addWidget(buttons)


def facts(training: Any) -> Iterator[str]:
    """What a card says of its training, a line each; cards come from anywhere."""
    if not isinstance(training, Mapping):
        return
    if isinstance(training.get("seconds"), int | float):
        yield f"Took {spoken_seconds(training['seconds'])} on {training.get('device', 'a device')}."
    for key, what in (("marked", "Marks"), ("images", "Images")):
        counts = training.get(key)
        if isinstance(counts, Mapping):
            yield f"{what}: " + ", ".join(f"{label} {count}" for label, count in counts.items()) + "."
    sections = training.get("sections")
    if isinstance(sections, list) and sections:
        more = f" and {len(sections) - _MOST_NAMES} more" if len(sections) > _MOST_NAMES else ""
        yield "From " + ", ".join(map(str, sections[:_MOST_NAMES])) + more + "."
    settings = training.get("settings")
    if isinstance(settings, Mapping):
        yield "Settings: " + ", ".join(f"{name} {value}" for name, value in settings.items() if value != "") + "."
    if "seed" in training:
        yield f"Seed {training['seed']}."
    commands = training.get("commands")
    if isinstance(commands, list):
        yield from (str(command) for command in commands)
