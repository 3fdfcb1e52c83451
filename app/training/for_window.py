"""Decides what a window does for trainings: it asks when it is closed meanwhile, and reminds of broken-off ones at the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox, QPushButton, QWidget

from app.jobs import Job
from app.training.wording import model_name

if TYPE_CHECKING:
    from app.session import Session
    from core.train.request import TrainRequest


class WindowTraining:
    """The training of a session, as far as it needs a window."""

    def __init__(self, window: QWidget, session: Session) -> None:
        self._window, self._session = window, session
        session.training.ended.connect(self._ended)

    def may_close(self) -> bool:
        """Asks while a training runs; False when the window is to stay."""
        training = self._session.training
        if not training.running or training.request is None:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Close Schliff")
        box.setText(f"“{model_name(training.request)}” is still being trained.")
        box.setInformativeText("What it has learnt is kept. Train ▸ Train a model goes on with it.")
        stay = box.addButton("Don't close", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(box.addButton("Close and go on later", QMessageBox.ButtonRole.AcceptRole))
        box.setEscapeButton(stay)
        return self.ask(box) not in (stay, None)

    @staticmethod
    def ask(box: QMessageBox) -> QPushButton | None:
        """The button that was pressed."""
        box.exec()
        pressed = box.clickedButton()
        return pressed if isinstance(pressed, QPushButton) else None

    def tell_at_start(self) -> None:
        """That there are trainings to go on with; nothing goes on unasked."""
        session = self._session

        def look(progress: object, cancel: object) -> list[TrainRequest]:
            from core.train.running import unfinished_in
            from core.userdirs import models_dir

            return unfinished_in(models_dir())

        job = Job(look, "Looking for trainings")
        job.finished.connect(self._remind)
        session.lanes.data.submit(job)

    def _remind(self, requests: list[TrainRequest]) -> None:
        if requests and not self._session.training.running:
            names = ", ".join(model_name(request) for request in requests)
            self._session.message.emit(
                "info", f"Not trained to the end: {names}. Train ▸ Train a model goes on with it."
            )

    def _ended(self) -> None:
        """Whoever looks elsewhere hears of it, too."""
        training, session = self._session.training, self._session
        name = model_name(training.request) if training.request is not None else ""
        if training.state == "done":
            session.message.emit("info", f"“{name}” is trained and can be scanned with.")
        elif training.state == "failed":
            session.message.emit("error", f"Training “{name}”: {training.error}")
