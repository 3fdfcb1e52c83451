"""Decides what can be chosen of a list to be exported: in which frame, which detections, and what its format leaves open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from app.combo import ComboBox
from app.forms import ParameterForm
from app.layout import muted
from app.theme import SPACE
from core.detection import STATUS_NAMES, STATUSES
from core.errors import UsageError
from core.export.base import ExporterSpec
from core.export.document import Frame
from core.parameters import resolve

FRAMES: dict[Frame, str] = {
    "pixel": "on the section",
    "stage": "on the microscope's stage",
    "sem": "on the SEM's stage",
}
_NOTHING: Mapping[str, object] = {}
_EVERYTHING = "all above the threshold"


class ExportDialog(QDialog):
    """`frame`, `statuses` and `settings` are what was chosen, once it is accepted.

    Args:
        known: the frames in which the open section's places are known.
        has_defects: somebody has confirmed some; a list to drive to is offered for those only.
        before: `settings` as they were chosen the last time.
    """

    def __init__(
        self,
        parent: QWidget,
        spec: ExporterSpec,
        known: Collection[Frame],
        has_defects: bool = False,
        before: Mapping[str, object] = _NOTHING,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Export {spec.name}")
        self.frames, self.which = ComboBox(), ComboBox()
        self.form = ParameterForm(spec.parameters)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._fill(spec, known)
        if spec.purpose == "drive":  # the farthest on the way to the SEM
            self.frames.setCurrentIndex(self.frames.count() - 1)
            self.which.setCurrentIndex(self.which.findData("defect" if has_defects else ""))
        with suppress(UsageError):  # settings of an older version
            self.form.set_values(resolve(spec.parameters, before))
        self._lay_out(spec, known)

    @property
    def frame(self) -> Frame:
        return self.frames.currentData()

    @property
    def statuses(self) -> list[str]:
        return [self.which.currentData()] if self.which.currentData() else []

    @property
    def settings(self) -> dict[str, object]:
        """Raises UsageError for a text outside its choices."""
        return self.form.values()

    def _fill(self, spec: ExporterSpec, known: Collection[Frame]) -> None:
        for frame in spec.frames:
            if frame in known:
                self.frames.addItem(FRAMES[frame], frame)
        self.which.addItem(_EVERYTHING, "")
        for status in STATUSES:
            self.which.addItem(STATUS_NAMES[status], status)

    def _lay_out(self, spec: ExporterSpec, known: Collection[Frame]) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(2 * SPACE)
        about = QLabel(spec.help, wordWrap=True)
        about.setMinimumWidth(56 * self.fontMetrics().averageCharWidth())
        column.addWidget(about)
        self.form.add_above(0, "Places", self.frames)
        self.form.add_above(1, "Detections", self.which)
        column.addWidget(self.form)
        if missing := [FRAMES[frame] for frame in spec.frames if frame not in known]:
            column.addWidget(muted(f"Places {' and '.join(missing)} are not known of this section."))
        column.addWidget(self.buttons)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Choose file…")
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.frames.count() > 0)
