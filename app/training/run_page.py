"""Decides what is shown of a training while it runs and when it is over: how far, its curves, what came of it, what to do next."""

from __future__ import annotations

import importlib
from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.elided import ElidedLabel
from app.jobs import Job
from app.layout import FootedPanel, Group, muted
from app.session import Session
from app.theme import SPACE, tokens
from app.training.preview_view import PreviewView
from app.training.wording import class_rows, learnt_text, model_name, step_text
from core.errors import SchliffError
from core.train.base import PREVIEW_NAME
from core.train.trainers import trainers

if TYPE_CHECKING:
    from app.training.curves_view import CurvesView
    from core.train.request import TrainRequest

DRAW_MS = 250  # how long new points are gathered
SPEAK_MS = 500  # numbers that change faster can't be read


class RunPage(FootedPanel):
    """The training of `session.training`. `again_requested()` for another one, `scan_requested(id)` with its model."""

    again_requested = Signal()
    scan_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._training = session, session.training
        self.title, self.subject = QLabel(), ElidedLabel()
        self.bar = QProgressBar()
        self.headline, self.beside = QLabel(), muted()
        self.detail = ElidedLabel(Qt.TextElideMode.ElideRight)
        self.learnt, self.classes = QLabel(), QLabel()
        self.preview = PreviewView()
        self.curves: CurvesView | None = None
        self._place = QVBoxLayout()
        self.pause_button, self.stop_button = QPushButton("Pause"), QPushButton("Stop")
        self.go_on_button, self.again_button = QPushButton("Go on"), QPushButton("Train another")
        self.scan_button = QPushButton("Scan with it…")
        self.folder_link = QLabel('<a href="folder">Open folder</a>')
        self._drawing = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._drawing.timeout.connect(self._draw)
        self._speaking = QTimer(self, singleShot=True, interval=SPEAK_MS)
        self._speaking.timeout.connect(self._speak)
        self._loading: Job | None = None
        self._lay_out()
        self._connect()
        self.follow()

    def follow(self) -> None:
        """How the training stands now."""
        training = self._training
        state, running = training.state, training.running
        self.bar.setVisible(running)
        self.pause_button.setVisible(running)
        self.pause_button.setText("Go on" if training.paused else "Pause")
        self.pause_button.setEnabled(not training.stopping)
        self.stop_button.setVisible(running)
        self.stop_button.setEnabled(not training.stopping)
        self.go_on_button.setVisible(state in ("stopped", "failed"))
        self.again_button.setVisible(not running)
        for widget in (self.scan_button, self.folder_link):
            widget.setVisible(state == "done")
        self.scan_button.setEnabled(self._session.section is not None)
        is_open = self._session.section is not None
        self.scan_button.setToolTip("Chooses it in the Scan panel" if is_open else "Open a section first")
        self._show_beside()
        if training.request is not None:
            self._name(training.request)
            self._show_learnt()
            self._speak()
            self._load_curves()

    def _name(self, request: TrainRequest) -> None:
        spec = trainers().get(request.trainer)
        self.title.setText(model_name(request))
        self.subject.setText(f"{spec.name if spec else request.trainer} from {request.data.name}")
        self.subject.setToolTip(str(request.data))

    # -- what is said -----------------------------------------------------------------------------

    def _speak(self) -> None:
        training, theme = self._training, tokens()
        headline, detail, colour = "", "", ""
        if training.state == "running":
            step = training.step
            self.bar.setRange(0, step.total)
            self.bar.setValue(step.done)
            headline, detail = step_text(step, training.seconds_left)
            if training.stopping:
                headline, detail = "Stopping", ""
            elif training.paused:
                headline = "Paused"
        elif training.state == "done":
            headline = "The model is ready."
        elif training.state == "stopped":
            headline, detail = (
                "Stopped. What it has learnt is kept; Go on takes it up again.",
                "",
            )
        elif training.error is not None:
            headline, colour = self._error_text(training.error), theme.error
        self.headline.setText(headline)
        self.headline.setStyleSheet(f"color: {colour}" if colour else "")
        self.headline.setAccessibleDescription(headline)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))

    @staticmethod
    def _error_text(error: Exception) -> str:
        return str(error) if isinstance(error, SchliffError) else f"Something went wrong: {error}"

    def _show_learnt(self) -> None:
        metrics = self._training.metrics
        self.learnt.setText("\n".join(learnt_text(metrics, self._training.record)))
        self.learnt.setVisible(bool(self.learnt.text()))
        rows = class_rows(metrics)
        cells = "".join(
            f"<tr><td>{escape(name)}</td><td align='right'>{right}</td><td align='right'>{found}</td></tr>"
            for name, right, found in rows
        )
        heads = "<tr><td></td><td align='right'>Right</td><td align='right'>Found</td></tr>"
        self.classes.setText(f"<table width='100%' cellpadding='2'>{heads}{cells}</table>")
        self.classes.setVisible(bool(rows))

    def _show_beside(self) -> None:
        """A scan is not kept waiting for hours; but both take longer."""
        both = self._training.running and self._session.scanning
        self.beside.setText("A scan is running, too: both are slower." if both else "")
        self.beside.setVisible(both)

    # -- curves -----------------------------------------------------------------------------------

    def _load_curves(self) -> None:
        """Loads what draws them in the background, once: that takes a second or two."""
        if self._loading is None:
            job = self._loading = Job(
                lambda progress, cancel: importlib.import_module("app.training.curves_view"), "Loading"
            )
            job.finished.connect(lambda module: self._make_curves(module.CurvesView))
            self._session.lanes.data.submit(job)
        self._drawing.start()

    def _make_curves(self, kind: type[CurvesView]) -> None:
        self.curves = kind()
        self._place.addWidget(self.curves)
        self._draw()

    def _draw(self) -> None:
        curves = self._training.curves
        if self.curves is not None and curves is not None:
            self.curves.show_curves(curves)
        self._show_preview()

    def _show_preview(self) -> None:
        request = self._training.request
        spec = trainers().get(request.trainer) if request is not None else None
        titles = spec.preview if spec is not None else ()
        self.preview.show_file(request.out / PREVIEW_NAME if request is not None and titles else None, titles)

    # -- by hand ----------------------------------------------------------------------------------

    def _pause(self) -> None:
        self._training.go_on() if self._training.paused else self._training.pause()

    def _go_on(self) -> None:
        if self._training.request is not None:
            self._training.start(self._training.request)

    def _scan(self) -> None:
        request = self._training.request
        if request is not None:
            self.scan_requested.emit(str(request.settings.get("id", "")) or request.out.name)

    def _open_folder(self) -> None:
        if self._training.request is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._training.request.out)))

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        font = self.title.font()
        font.setWeight(font.Weight.DemiBold)
        self.title.setFont(font)
        for quiet in (self.subject, self.detail):
            quiet.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Training progress")
        for label in (self.title, self.headline, self.learnt):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.classes.setTextFormat(Qt.TextFormat.RichText)
        self.classes.setToolTip("Right: of what it calls so, how much is. Found: of what is there, how much it finds.")
        self.scan_button.setDefault(True)
        self.stop_button.setToolTip("What was learnt is kept; it can be gone on with")
        self.pause_button.setToolTip("Stands still until Go on")
        top = Group("")
        top.heading.hide()
        for widget in (self.title, self.subject, self.bar, self.headline, self.detail, self.beside):
            top.add_wide(widget)
        self.column.addWidget(top)
        for label in (self.learnt, self.classes, self.folder_link):
            self.column.addWidget(label)
        self.column.addWidget(self.preview)
        self.column.addLayout(self._place)
        self.column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.again_button)
        buttons.addStretch(1)
        for button in (self.pause_button, self.stop_button, self.go_on_button, self.scan_button):
            buttons.addWidget(button)
        self.foot.addLayout(buttons)

    def _connect(self) -> None:
        training, session = self._training, self._session
        training.changed.connect(self.follow)
        training.progressed.connect(lambda step: self._speaking.isActive() or self._speaking.start())
        training.measured.connect(lambda: self._drawing.isActive() or self._drawing.start())
        session.section_changed.connect(self.follow)
        session.queue.changed.connect(self._show_beside)
        self.pause_button.clicked.connect(self._pause)
        self.stop_button.clicked.connect(training.cancel)
        self.go_on_button.clicked.connect(self._go_on)
        self.again_button.clicked.connect(self.again_requested)
        self.scan_button.clicked.connect(self._scan)
        self.folder_link.linkActivated.connect(lambda _: self._open_folder())
