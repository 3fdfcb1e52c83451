"""Decides what the bottom line says: what is under the pointer, what works in the background, the zoom."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QToolButton, QWidget

from app.icons import set_icon
from app.session import Session
from app.session_overviews import BUILDING
from app.theme import SPACE
from app.training.wording import model_name, short_text
from app.viewer.readout import zoom_text
from core.timing import spoken_seconds


class StatusBar(QStatusBar):
    """Pointer on the left; on the right what is being opened, else the scan, else the file work, then the project and the zoom."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._doing = "", 0, 0  # beside scans
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
        self.training = QLabel()
        self.project = QLabel()
        self.zoom = QLabel()
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("6400 %") + 2 * SPACE)
        self.addWidget(self.pointer, 1)
        for widget in (self.work, self.progress, self.stop, self.training, self.project, self.zoom):
            self.addPermanentWidget(widget)
        session.scan_progress.connect(lambda step: self._follow())
        session.queue.changed.connect(self._follow)
        session.scan_finished.connect(lambda summary: self._follow())
        session.training.changed.connect(self._show_training)
        session.training.progressed.connect(lambda step: self._show_training())
        session.activity_changed.connect(self._activity)
        session.section_changed.connect(self._section_changed)
        session.project_changed.connect(self._project_changed)
        self._follow()
        self._show_training()
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
        if project is not None and project.look_only is not None:
            self.project.setText(f"{project.path.name} (only to look at)")
            self.project.setToolTip(f"Nothing can be stored: {project.look_only.what}. {project.look_only.remedy}")

    def _activity(self, text: str, done: int, total: int) -> None:
        self._doing = text, done, total
        self._follow()

    def _follow(self) -> None:
        """What somebody waits for comes first, then the scan, then what is done by itself."""
        text, done, total = self._doing
        builds = text.startswith(BUILDING)
        if self._session.scanning and (builds or not text):
            self._show_scan()
        elif text:
            self._show(text, done, total)
            self.stop.setVisible(builds)
            self.stop.setToolTip("Stop building overviews; it goes on when the section is opened again")
        else:
            for widget in (self.work, self.progress, self.stop):
                widget.hide()

    def _show_training(self) -> None:
        """Beside all else: it goes on for hours."""
        training = self._session.training
        self.training.setVisible(training.running)
        if training.running and training.request is not None:
            self.training.setText(
                f"Training {'paused' if training.paused else short_text(training.step, training.seconds_left)}"
            )
            self.training.setToolTip(f"Training {model_name(training.request)}; the panel Train tells more")

    def _show_scan(self) -> None:
        queue = self._session.queue
        step, left = queue.step, None if queue.paused else queue.seconds_left
        text = "Scanning paused" if queue.paused else step.message or "Scanning"
        if step.total:
            text = f"{text}  {step.done} / {step.total}"
        if left is not None:
            text += f"  about {spoken_seconds(left)} left"
        self._show(text, step.done, step.total)
        self.stop.setToolTip("Stop the scan; what was found stays")
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
