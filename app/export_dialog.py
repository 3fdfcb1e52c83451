"""Decides what can be chosen of a list to be exported: in which frame, which detections, and what its format leaves open.

What stands there first is, of a list to drive to, the confirmed defects; else what the gallery shows, where somebody has narrowed
that; of pages and pictures then the confirmed defects; and all above the threshold where there is nothing of the kind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from app.combo import ComboBox
from app.forms import ParameterForm
from app.layout import muted
from app.measure_text import bytes_text
from app.theme import SPACE
from core.counting import counted
from core.detection import STATUS_NAMES, STATUSES, Status
from core.errors import UsageError
from core.export.base import ExporterSpec
from core.export.choosing import shown_count
from core.export.document import FRAMES, Frame
from core.parameters import resolve

_NOTHING: Mapping[str, object] = {}
MANY_BYTES, MANY_CROPS = 100_000_000, 2000  # more are warned of


@dataclass(frozen=True)
class Choice:
    """Detections that can be exported. `statuses`: of these (none: all); `only`: those with these ids (None: all)."""

    name: str
    count: int
    statuses: tuple[Status, ...] = ()
    only: tuple[int, ...] | None = None


def choices_of(counts: Mapping[Status, int], in_gallery: Sequence[int] | None) -> list[Choice]:
    """What there is to choose of a scan, by how many of it have which status; `in_gallery`: what is shown there, None
    where that is all of it."""
    found = [Choice("all above the threshold", sum(counts.values()))]
    found += [Choice(STATUS_NAMES[one].lower(), counts.get(one, 0), (one,)) for one in STATUSES]
    return (
        found
        if in_gallery is None
        else [Choice("as the gallery shows", len(in_gallery), only=tuple(in_gallery)), *found]
    )


class ExportDialog(QDialog):
    """`frame`, `choice` and `settings` are what was chosen, once it is accepted.

    Args:
        known: the frames in which the open section's places are known.
        before: `settings` as they were chosen the last time.
    """

    def __init__(
        self,
        parent: QWidget,
        spec: ExporterSpec,
        known: Collection[Frame],
        choices: Sequence[Choice],
        before: Mapping[str, object] = _NOTHING,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Export {spec.name}")
        self.frames, self.which = ComboBox(), ComboBox()
        self.form = ParameterForm(spec.parameters)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.amount = muted()
        self._spec, self._choices = spec, choices
        self._fill(spec, known)
        if spec.purpose == "drive":  # the farthest on the way to the SEM
            self.frames.setCurrentIndex(self.frames.count() - 1)
        self.which.setCurrentIndex(_offered(spec, choices))
        with suppress(UsageError):  # settings of an older version
            self.form.set_values(resolve(spec.parameters, before))
        self._lay_out(spec, known)
        self.which.currentIndexChanged.connect(lambda _: self._count())
        self.form.changed.connect(self._count)
        self._count()

    @property
    def frame(self) -> Frame:
        return self.frames.currentData()

    @property
    def choice(self) -> Choice:
        return self._choices[self.which.currentIndex()]

    @property
    def settings(self) -> dict[str, object]:
        """Raises UsageError for a text outside its choices."""
        return self.form.values()

    def _fill(self, spec: ExporterSpec, known: Collection[Frame]) -> None:
        for frame in spec.frames:
            if frame in known:
                self.frames.addItem(FRAMES[frame], frame)
        for choice in self._choices:
            self.which.addItem(f"{choice.name} ({choice.count:,})")

    def _lay_out(self, spec: ExporterSpec, known: Collection[Frame]) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        about = QLabel(spec.help, wordWrap=True)
        about.setMinimumWidth(56 * self.fontMetrics().averageCharWidth())
        column.addWidget(about)
        self.form.add_above(0, "Places", self.frames)
        self.form.add_above(1, "Detections", self.which)
        column.addWidget(self.form)
        column.addWidget(self.amount)
        if missing := [FRAMES[frame] for frame in spec.frames if frame not in known]:
            column.addWidget(muted(f"Places {' and '.join(missing)} are not known of this section."))
        column.addWidget(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Choose file…")
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.frames.count() > 0)

    def _count(self) -> None:
        """How many it will be, and how much, before anything is written."""
        with suppress(UsageError):  # a text that is being typed
            text, is_much = amount_of(self._spec, self.choice.count, self.settings)
            self.amount.setText(text)
            self.amount.setForegroundRole(
                QPalette.ColorRole.WindowText if is_much else QPalette.ColorRole.PlaceholderText
            )


def amount_of(spec: ExporterSpec, count: int, settings: Mapping[str, object]) -> tuple[str, bool]:
    """What will be written of so many detections, in words, and whether that is much."""
    shown = shown_count(count, settings)
    told = counted(count, "detection")
    if shown < count:
        told = f"The {shown:,} worst of {told}"
    if spec.bytes_each is None:
        return f"{told}.", False
    size = shown * spec.bytes_each(settings)
    is_much = shown > MANY_CROPS or size > MANY_BYTES
    return f"{told}, about {bytes_text(size)}." + (
        " That takes a while; it can be stopped." if is_much else ""
    ), is_much


def _offered(spec: ExporterSpec, choices: Sequence[Choice]) -> int:
    """Which choice stands there first."""
    defects = next((place for place, one in enumerate(choices) if one.statuses == ("defect",) and one.count), None)
    narrowed = next((place for place, one in enumerate(choices) if one.only is not None), None)
    wished = {"drive": (defects, narrowed), "show": (narrowed, defects), "exchange": (narrowed,)}[spec.purpose]
    return next((place for place in wished if place is not None), 0)
