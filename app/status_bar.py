"""Decides what the bottom line says: what is under the pointer, what works in the background, the zoom."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from app.icons import set_icon
from app.session import Session
from app.session_overviews import BUILDING
from app.theme import SPACE
from app.viewer.readout import zoom_text
from core.jobs import Step
from core.timing import spoken_seconds


class StatusBar(QStatusBar):
    """Pointer on the left; on the right the scan, else the file work, then the project and the zoom."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setSizeGripEnabled(False)
        self.setContentsMargins(SPACE, 0, SPACE, 0)
        self.pointer = QLabel()
        self.work = QLabel()
        self.progress = QProgressBar()
        self.progress.setFixedWidth(140)
        self.progress.setTextVisible(False)
        self.stop = QToolButton()
        set_icon(self.stop, "stop")
        self.stop.setAutoRaise(True)
        self.stop.clicked.connect(self._stop)
        self.project = QLabel()
        self.zoom = QLabel()
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("6400 %") + 2 * SPACE)
        self.addWidget(self.pointer, 1)
        for widget in (self.work, self.progress, self.stop, self.project, self.zoom):
            self.addPermanentWidget(widget)
        session.scan_progress.connect(self._scanning)
        session.queue.changed.connect(self._queue_changed)
        session.scan_finished.connect(lambda summary: self._idle())
        session.activity_changed.connect(self._activity)
        session.section_changed.connect(self._section_changed)
        session.project_changed.connect(self._project_changed)
        self._idle()
        self._section_changed()

    def show_zoom(self, zoom: float) -> None:
        """`zoom`: device px per level-0 px."""
        self.zoom.setText(zoom_text(zoom))

    def _section_changed(self) -> None:
        self.pointer.clear()
        if self._session.section is None:
            self.zoom.clear()

    def _project_changed(self) -> None:
        project = self._session.project
        self.project.setText(project.path.name if project is not None else "")
        self.project.setToolTip(f"Decisions and scans are kept in {project.path}" if project is not None else "")

    def _scanning(self, step: Step) -> None:
        queue = self._session.queue
        left = None if queue.paused else queue.seconds_left
        text = "Scanning paused" if queue.paused else step.message or "Scanning"
        if step.total:
            text = f"{text}  {step.done} / {step.total}"
        if left is not None:
            text += f"  about {spoken_seconds(left)} left"
        self._show(text, step.done, step.total)
        self._offer_stop("Stop the scan; what was found stays")

    def _queue_changed(self) -> None:
        if self._session.scanning:
            self._scanning(self._session.queue.step)

    def _activity(self, text: str, done: int, total: int) -> None:
        if self._session.scanning:
            return
        if text:
            self._show(text, done, total)
            if text.startswith(BUILDING):
                self._offer_stop("Stop building overviews; it goes on when the section is opened again")
            else:
                self.stop.hide()
        else:
            self._idle()

    def _offer_stop(self, tip: str) -> None:
        self.stop.setToolTip(tip)
        self.stop.show()

    def _stop(self) -> None:
        if self._session.scanning:
            self._session.cancel_scan()
        else:
            self._session.overviews.cancel()

    def _show(self, text: str, done: int, total: int) -> None:
        self.work.setText(text)
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.work.show()
        self.progress.show()

    def _idle(self) -> None:
        for widget in (self.work, self.progress, self.stop):
            widget.hide()
