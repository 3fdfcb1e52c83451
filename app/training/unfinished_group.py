"""Decides how trainings that were not ended are offered: each can be gone on with, or its leavings thrown away."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QToolButton, QWidget

from app.elided import ElidedLabel
from app.jobs import Job
from app.layout import Group, tool_button
from app.session import Session
from app.theme import SPACE
from app.training.wording import model_name

if TYPE_CHECKING:
    from core.train.request import TrainRequest


class UnfinishedGroup(Group):
    """One line for each training in the user's folder of models that was begun and is neither ended nor running."""

    go_on_requested = Signal(object)  # TrainRequest

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Not finished", parent)
        self._session = session
        self._rows: list[QWidget] = []
        self.requests: list[TrainRequest] = []
        self.buttons: dict[str, tuple[QToolButton, QToolButton]] = {}  # by folder name: go on, discard
        self.hide()

    def refresh(self) -> None:
        """Looks again, in the background."""
        from core.train.running import unfinished_in
        from core.userdirs import models_dir

        job = Job(lambda progress, cancel: unfinished_in(models_dir()), "Looking for trainings")
        job.finished.connect(self._show)
        self._session.lanes.data.submit(job)

    def discard(self, request: TrainRequest) -> None:
        """After asking."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Discard the training")
        box.setText(f"What “{model_name(request)}” has learnt so far will be lost.")
        box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
        box.addButton("Discard", QMessageBox.ButtonRole.DestructiveRole).clicked.connect(lambda: self._discard(request))
        box.open()

    def _discard(self, request: TrainRequest) -> None:
        from core.train.running import discard

        self._session.run_io(Job(lambda progress, cancel: discard(request.out), "Discarding")).ended.connect(
            self.refresh
        )

    def _show(self, requests: list[TrainRequest]) -> None:
        running = self._session.training.request if self._session.training.running else None
        self.requests = [one for one in requests if running is None or one.out != running.out]
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self.buttons = {}
        self._rows = [self._row(request) for request in self.requests]
        for row in self._rows:
            self.add_wide(row)
        self.setVisible(bool(self._rows))

    def _row(self, request: TrainRequest) -> QWidget:
        row, name = QWidget(), ElidedLabel()
        name.setText(model_name(request))
        name.setToolTip(f"{request.trainer} from {request.data}")
        go_on = tool_button(
            "play", f"Go on training {model_name(request)}", partial(self.go_on_requested.emit, request)
        )
        discard = tool_button("delete", f"Discard {model_name(request)}", partial(self.discard, request))
        self.buttons[request.out.name] = go_on, discard
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE // 2)
        line.addWidget(name, 1)
        line.addWidget(go_on)
        line.addWidget(discard)
        return row
