"""Decides how it is chosen what to train, with which settings: whatever trainers are declared, the main settings in sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QToolButton, QWidget

from app.combo import ComboBox
from app.forms import ParameterForm
from app.layout import Group, muted
from app.panels.scan_panel import DEVICE_NAMES
from core.data.labelled import DataKind
from core.devices import DEVICES
from core.models.base import ModelSpec
from core.parameters import Parameter
from core.train.base import ASKED_ELSEWHERE, TrainerSpec
from core.train.trainers import trainers

# Not a trainer's own: part of the request. Another one gives a model that is as good, yet not the same.
SEED = Parameter(
    "seed", int, 0, "where chance begins: the same seed, data and settings give the same model", 0, 2**31 - 1
)


class TrainerGroup(Group):
    """What comes out: a choice of trainers, each with a line about it. `changed()` when another one is chosen."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What to train", parent)
        self._specs = list(trainers().values())
        self._by_hand = False
        self.choice = ComboBox()
        self.choice.setAccessibleName("What to train")
        self.choice.setToolTip("What comes out, and so what it learns from")
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.choice.setMinimumContentsLength(12)
        for spec in self._specs:
            self.choice.addItem(spec.name, spec.id)
            self.choice.setItemData(self.choice.count() - 1, spec.description, Qt.ItemDataRole.ToolTipRole)
        self.description = muted()
        self.add_wide(self.choice)
        self.add_wide(self.description)
        self.choice.currentIndexChanged.connect(lambda _: self._changed())
        self.choice.activated.connect(self._chosen)
        self._changed()

    @property
    def spec(self) -> TrainerSpec:
        return self._specs[self.choice.currentIndex()]

    @property
    def learns_normal(self) -> bool:
        """Whether it needs no marks, only to know what is normal."""
        return self.spec.data == ("normal",)

    def choose(self, *wanted: str) -> None:
        """The first that there is of some ids and families, as if by hand."""
        found = (at for name in wanted for at, spec in enumerate(self._specs) if name in (spec.id, spec.family))
        self._by_hand = True
        self.choice.setCurrentIndex(next(found, self.choice.currentIndex()))

    def fitting(self, kind: DataKind) -> list[TrainerSpec]:
        """Those that learn from such data, the ones that were made for it first."""
        return sorted((spec for spec in self._specs if kind in spec.data), key=lambda spec: spec.data.index(kind))

    def suit(self, kind: DataKind) -> None:
        """Unless somebody chose one: a trainer for such data."""
        if not self._by_hand and kind not in self.spec.data and self.fitting(kind):
            self.choice.setCurrentIndex(self._specs.index(self.fitting(kind)[0]))

    def _chosen(self, index: int) -> None:
        self._by_hand = True

    def _changed(self) -> None:
        self.description.setText(self.spec.description)
        self.changed.emit()


class SettingsGroup(Group):
    """The main settings of a trainer, and the others behind "More". `changed()` after each edit."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Settings", parent)
        self._family = ""
        self.main, self.others = ParameterForm(), ParameterForm()
        self.device = QComboBox()
        for device in DEVICES:
            self.device.addItem(DEVICE_NAMES.get(device, device), device)
        self.device.setToolTip("Where it computes; Automatic takes the fastest there is")
        self.more = QToolButton()
        self.more.setText("More")
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.toggled.connect(self._unfold)
        self.add_wide(self.main)
        self._device_name = self.add_row("Device", self.device)
        self.add_wide(self.more)
        self.add_wide(self.others)
        self._unfold(False)
        for form in (self.main, self.others):
            form.changed.connect(self.changed)
        self.device.currentIndexChanged.connect(lambda _: self.changed.emit())

    def show_for(self, spec: TrainerSpec, models: list[ModelSpec]) -> None:
        """The settings of a trainer at their defaults. `models` of its family are offered to start from."""
        own = [p for p in spec.parameters if p.name not in ASKED_ELSEWHERE]
        offered = tuple((str(model.path), model.name) for model in models if model.path and model.family == spec.family)
        own = [replace(p, offers=(*p.offers, *offered)) if p.takes_model and p.offers else p for p in own]
        self.main.set_parameters([p for p in own if p.main])
        self.others.set_parameters([*(p for p in own if not p.main), SEED])
        width = max(self.main.names_width, self.others.names_width, self._device_name.sizeHint().width())
        self.grid.setColumnMinimumWidth(0, width)
        for form in (self.main, self.others):
            form.widen_names(width)
        self.changed.emit()

    @property
    def seed(self) -> int:
        return self.others.values()[SEED.name]

    def values(self) -> dict[str, Any]:
        """What differs from the defaults. Raises UsageError."""
        values = {**self.main.values(), **self.others.values()}
        declared = [p for p in (*self.main.parameters, *self.others.parameters) if p is not SEED]
        return {p.name: values[p.name] for p in declared if values[p.name] != p.default}

    def set_values(self, values: Mapping[str, Any]) -> None:
        for form in (self.main, self.others):
            form.set_values(values)

    def _unfold(self, on: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        self.others.setVisible(on)
