"""Decides which page of the dock "Train" is shown: the form, or the training that runs or has just ended."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.panels.model_group import ListModels, list_models
from app.session import Session
from app.training.form_page import FormPage
from app.training.run_page import RunPage
from core.models.base import ModelSpec


class TrainPanel(QWidget):
    """Asks for trainings and follows them. `scan_requested(model id)` when a new model is to be used at once."""

    scan_requested = Signal(str)

    def __init__(self, session: Session, list_them: ListModels = list_models, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = session.training
        self.form, self.run = FormPage(session, list_them), RunPage(session)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.form)
        self._pages.addWidget(self.run)
        self.form.start_requested.connect(self._training.start)
        self.run.again_requested.connect(self._ask_anew)
        self.run.scan_requested.connect(self.scan_requested)
        self._training.changed.connect(self._follow)
        self._follow()

    def further(self, spec: ModelSpec) -> None:
        """Asks for a training that goes on from a model; one that runs stays in sight."""
        if not self._training.running:
            self._training.forget()
            self.form.further(spec)

    def _follow(self) -> None:
        self._pages.setCurrentWidget(self.form if self._training.state == "none" else self.run)

    def _ask_anew(self) -> None:
        self._training.forget()
        self.form.refresh()
