"""Decides what is asked before what people decided is written as a training set, and how it is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from app.combo import ComboBox
from app.jobs import Job
from app.layout import muted
from app.progress_dialog import ProgressDialog
from app.session import Session
from app.theme import SPACE
from core.counting import counted
from core.data.writing.tiles import DEFAULT_TILE_PX, LEAST_TILE_PX, MOST_TILE_PX

if TYPE_CHECKING:
    from core.data.writing.base import WrittenSet

_WHAT = (
    "Every judged place as a picture with its labels: defects and artefacts as marks, false alarms and what "
    "was drawn as normal as pictures without one. What is unsure or not reviewed teaches nothing. Beside the pictures "
    "stands which scan and which person each label came from."
)


class DataDialog(QDialog):
    """Format, size of the pictures, and then the folder."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Training set")
        self.format = ComboBox()
        self.tile = QSpinBox(
            minimum=LEAST_TILE_PX, maximum=MOST_TILE_PX, value=DEFAULT_TILE_PX, singleStep=64, suffix=" px"
        )
        self._lay_out()

    def accept(self) -> None:
        """Asks where to, then writes in the background."""
        project = self._session.project
        if project is None:
            return
        offered = project.path.with_name(f"{project.path.stem}-{self.format.currentData()}")
        name, _ = QFileDialog.getSaveFileName(self, "New folder for the training set", str(offered))
        if name:
            super().accept()
            self.write(Path(name))

    def write(self, out: Path) -> None:
        """Into a new folder."""
        from core.data.writing.base import write_data

        session, project = self._session, self._session.project
        if project is None:
            return
        format_id, tile = self.format.currentData(), self.tile.value()
        job = Job(lambda progress, cancel: write_data(project, format_id, out, tile, progress, cancel), "Training set")
        job.finished.connect(self._written)
        parent = self.parentWidget()
        if parent is not None:
            ProgressDialog(parent, job, f"Writing {out.name}…").show()
        session.run_io(job)

    def _written(self, done: WrittenSet) -> None:
        marks = sum(done.marks.values())
        without = f", {done.empty:,} without a defect" if done.empty else ""
        self._session.message.emit(
            "info", f"{counted(done.tiles, 'picture')} with {counted(marks, 'mark')}{without}: {done.path}"
        )

    def _lay_out(self) -> None:
        from core.data.writing.base import data_writers

        for writer in data_writers():
            self.format.addItem(writer.name, writer.id)
        self.format.setCurrentIndex(self.format.findData("schliff"))
        self.format.setToolTip("Schliff's own says all that is known; the others are read by other tools too")
        self.tile.setToolTip("The side of a picture; what is larger gets a larger one")
        form = QFormLayout()
        form.setSpacing(SPACE)
        form.addRow("Format", self.format)
        form.addRow("Pictures", self.tile)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("Write…", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(muted(_WHAT))
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)
