"""Decides how a training is asked for: what, from which data, under which name, with which settings; and what it will cost."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from app.layout import FootedPanel, Group, muted
from app.panels.model_group import ListModels, list_models
from app.session import Session
from app.settings import Settings
from app.theme import SPACE, tokens
from app.training.data_group import DataGroup
from app.training.normal_group import NormalGroup
from app.training.trainer_group import SettingsGroup, TrainerGroup
from app.training.unfinished_group import UnfinishedGroup
from core.data.drawn_normal import window_side_px
from core.errors import SchliffError, UsageError
from core.jobs import Step
from core.models.base import ModelSpec
from core.parameters import resolve
from core.train.base import ASKED_ELSEWHERE
from core.train.cost import Cost, cheaper
from core.train.naming import free_name, new_folder
from core.train.request import TrainRequest
from core.train.trainers import find_trainer
from core.userdirs import models_dir


class FormPage(FootedPanel):
    """`start_requested(TrainRequest)` when everything is chosen and the button is pressed."""

    start_requested = Signal(object)

    def __init__(self, session: Session, list_them: ListModels = list_models, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._list_them = session, list_them
        self._models: list[ModelSpec] = []
        self._named = ""  # what was put into the field and not typed
        self._told: Cost | Exception | None = None
        self.unfinished = UnfinishedGroup(session)
        self.marked, self.normal = DataGroup(session), NormalGroup(session)
        self.trainer = TrainerGroup()
        self.settings = SettingsGroup()
        self.name = QLineEdit()
        self.folder = muted()
        self.note, self.cost = QLabel(), QLabel()
        self.cheaper_button = QPushButton("Use the lighter settings")
        self.cost_button = QPushButton("How long will it take?")
        self.start_button = QPushButton("Train")
        self._lay_out()
        self._connect()
        self.refresh()

    # -- for the panel ----------------------------------------------------------------------------

    def remember_in(self, settings: Settings) -> None:
        """Offers data that was chosen before, and keeps what is chosen from now on."""
        for group in (self.marked, self.normal):
            group.remember_in(settings)

    def refresh(self) -> None:
        """There may be other models by now, and other trainings to go on with."""
        self._models = self._list_them()
        self.unfinished.refresh()
        chosen = self._chosen()
        self._trainer_changed()
        self.settings.set_values(chosen)

    @property
    def data(self) -> DataGroup:
        """Where the data is chosen for what is to be trained."""
        return self.normal if self.trainer.learns_normal else self.marked

    def further(self, spec: ModelSpec) -> None:
        """Fills in what goes on from a model: the way it was trained, its settings, its weights where that is possible."""
        card = spec.card
        self.trainer.choose(str(card.get("network", {}).get("method", "")), str(card.get("kind", "")), spec.family)
        known = {p.name for p in self.trainer.spec.parameters} - ASKED_ELSEWHERE
        stored = card.get("training", {}).get("settings", {})
        with suppress(UsageError):
            settings = {name: value for name, value in stored.items() if name in known}
            resolve(self.trainer.spec.parameters, settings)
            self.settings.set_values(settings)
        if self.trainer.spec.goes_on:
            self.settings.set_values({self.trainer.spec.goes_on: str(spec.path)})

    def request(self) -> TrainRequest:
        """What is asked for. Raises UsageError saying what is missing or wrong."""
        data, summary = self.data.path, self.data.summary
        if data is None:
            raise UsageError("choose the data to learn from")
        if summary is None:
            raise UsageError("the data is being read" if self.data.reading else "the data can't be used")
        settings = self.settings.values()
        spec = find_trainer(self.trainer.spec.id, summary.kind, frozenset(settings))
        typed = self.name.text().strip()
        folder = new_folder(typed, models_dir(), (model.id for model in self._models))
        if typed != folder.name:
            settings["name"] = typed
        device = self.settings.device.currentData()
        return TrainRequest(spec.id, data, folder, settings, self.settings.seed, device)

    # -- following --------------------------------------------------------------------------------

    def _data_changed(self) -> None:
        if self.data is self.marked and self.marked.summary is not None:
            self.trainer.suit(self.marked.summary.kind)
        self._suggest_name()
        self._changed()

    def _trainer_changed(self) -> None:
        for group in (self.marked, self.normal):
            group.setVisible(group is self.data)
        self.settings.show_for(self.trainer.spec, self._models)
        self._suggest_name()

    def _chosen(self) -> dict[str, object]:
        """The settings that were made, as far as they hold."""
        try:
            return self.settings.values()
        except UsageError:
            return {}

    def _suggest_name(self) -> None:
        """After the data and what is trained, as long as nobody typed one."""
        if self.name.text() != self._named:
            return
        path = self.data.path
        words = [path.name.removesuffix(path.suffix), self.trainer.spec.family] if path is not None else []
        self._named = free_name(" ".join(words), models_dir(), [model.id for model in self._models]) if words else ""
        self.name.setText(self._named)

    def _changed(self) -> None:
        """Something was chosen or typed: what was measured holds no longer."""
        self._told = None
        self._session.training.break_off_cost()
        self._tell_window()
        self._show()

    def _tell_window(self) -> None:
        section = self._session.section
        size = section.info.pixel_size_um if section is not None else None
        try:
            values = resolve(self.trainer.spec.parameters, self.settings.values())
        except UsageError:
            return
        self.normal.set_window(window_side_px(values, size))

    def _show(self) -> None:
        training = self._session.training
        problem, folder = "", ""
        try:
            request = self.request()
            folder = f"Goes to {request.out}"
        except SchliffError as error:
            problem = str(error)
        problem = "Another training is running." if training.running else problem[:1].upper() + problem[1:]
        reading = self.data.path is None or self.data.reading or bool(self.data.error)
        self.folder.setText(folder)
        self.folder.setVisible(bool(folder))
        self.note.setText(problem)
        self.note.setVisible(bool(problem) and not reading)
        self.note.setStyleSheet(f"color: {tokens().warning}")
        self.start_button.setEnabled(not problem)
        self.cost_button.setEnabled(not problem or training.is_costing)
        self.cost_button.setText("Don’t measure" if training.is_costing else "How long will it take?")
        self._show_cost()

    # -- what it will cost ------------------------------------------------------------------------

    def _ask_cost(self) -> None:
        training = self._session.training
        if training.is_costing:
            training.break_off_cost()
            return
        try:
            self._told = None
            training.cost(self.request())
        except SchliffError as error:
            self._told = error
        self._show()

    def _costing(self, step: Step) -> None:
        share = f" {step.done} of {step.total}" if step.total else ""
        self.cost.setText(f"{step.message or 'Getting ready'}{share}…")
        self.cost.setVisible(True)

    def _costed(self, told: Cost | Exception | None) -> None:
        self._told = told
        self._show()

    def _show_cost(self) -> None:
        """What was measured, or why it could not be."""
        told, text = self._told, ""
        if isinstance(told, Cost):
            text = told.text
        elif told is not None:
            text = str(told)
        elif self._session.training.is_costing:
            text = "Beginning it to see how long it takes…"
        self.cost.setText(text)
        self.cost.setVisible(bool(text))
        self.cost.setStyleSheet(f"color: {tokens().error}" if isinstance(told, Exception) else "")
        lighter = self._lighter()
        words = ", ".join(f"{name} {value}" for name, value in lighter.items()).replace("_", " ")
        self.cheaper_button.setText(f"Make it lighter: {words}")
        self.cheaper_button.setVisible(bool(lighter))

    def _lighter(self) -> dict[str, object]:
        told = self._told
        return cheaper(told, self.trainer.spec, self.settings.values()) if isinstance(told, Cost) else {}

    def _start(self) -> None:
        try:
            self.start_requested.emit(self.request())
        except SchliffError as error:
            self._told = error
            self._show()

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.name.setMaxLength(100)
        model = Group("New model")
        model.add_row("Name", self.name)
        model.add_wide(self.folder)
        for group in (self.unfinished, self.trainer, self.marked, self.normal, model, self.settings):
            self.column.addWidget(group)
        self.column.addStretch(1)
        for label in (self.note, self.cost):
            label.setWordWrap(True)
        self.start_button.setDefault(True)
        self.start_button.setAccessibleName("Start the training")
        self.cost_button.setToolTip("Begins it for a moment and measures; nothing of that is kept")
        self.cheaper_button.setToolTip("It takes hours on a processor; a smaller network learns most of it in far less")
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.cost_button)
        buttons.addStretch(1)
        buttons.addWidget(self.start_button)
        for widget in (self.note, self.cost, self.cheaper_button):
            self.foot.addWidget(widget)
        self.foot.addLayout(buttons)

    def _connect(self) -> None:
        training = self._session.training
        for group in (self.marked, self.normal):
            group.changed.connect(self._data_changed)
        self.trainer.changed.connect(self._trainer_changed)
        self.settings.changed.connect(self._changed)
        self.name.textChanged.connect(lambda _: self._changed())
        self.cost_button.clicked.connect(self._ask_cost)
        self.cheaper_button.clicked.connect(lambda: self.settings.set_values(self._lighter()))
        self.start_button.clicked.connect(self._start)
        self.unfinished.go_on_requested.connect(self.start_requested)
        training.costing.connect(self._costing)
        training.costed.connect(self._costed)
        training.changed.connect(self._show)
