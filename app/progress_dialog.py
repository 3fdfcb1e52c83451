"""Decides how long work that a person has asked for is watched: how far it is, how long it takes yet, and a way out."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QProgressBar, QVBoxLayout, QWidget

from app.jobs import Job
from app.theme import SPACE
from core.jobs import Step
from core.timing import TimeLeft, spoken_seconds

_STEPS = 1000  # of the bar, whatever the job counts


class ProgressDialog(QDialog):
    """Follows one job and goes with it. The window can be used meanwhile; closing this cancels the job."""

    def __init__(self, parent: QWidget, job: Job, what: str) -> None:
        super().__init__(parent)
        self._job, self._what = job, what
        self._time_left = TimeLeft()
        self.setWindowTitle(job.title)
        self.text = QLabel(what)
        self.text.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)  # it is too thin for one
        self.left = QLabel(" ")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        for widget in (self.text, self.bar, self.left, self.buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(420)
        self.buttons.rejected.connect(self.reject)
        job.progress.connect(self._show_step)
        job.ended.connect(self._end)

    def reject(self) -> None:
        """It goes when the job has really ended."""
        self._job.cancel()
        self.left.setText("Stopping…")
        self.buttons.setEnabled(False)

    def _show_step(self, step: Step) -> None:
        if step.total:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(_STEPS * step.done // step.total)
        left = self._time_left.update(step)
        if step.total and not self._job.cancel_token.cancelled:
            share = f"{100 * step.done // step.total} %"
            self.left.setText(share if left is None else f"{share} · about {spoken_seconds(left)} left")

    def _end(self) -> None:
        self.hide()
        self.deleteLater()
