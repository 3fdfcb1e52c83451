"""Decides what is asked of a list of positions whose columns don't say it: the unit, and what µm and mm count from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QVBoxLayout, QWidget

from app.combo import ComboBox
from app.layout import muted
from app.theme import SPACE
from core.errors import SchliffError
from core.inspection_csv import PlaceFrame, Unit, said_by_header
from core.project import SectionRecord

_UNITS: dict[Unit, str] = {"px": "px of the section", "um": "µm", "mm": "mm"}
_ORIGINS: dict[PlaceFrame, str] = {"stage": "the microscope's stage", "corner": "the section's top-left corner"}


class PositionsDialog(QDialog):
    """`is_needed`: whether the header leaves anything open. `unit` and `origin`: what was chosen."""

    def __init__(self, path: Path, section: SectionRecord | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import positions")
        try:
            self._said_unit, says_stage = said_by_header(path)
        except SchliffError:  # told when it is read
            self._said_unit, says_stage = "px", False
        has_stage = section is not None and section.stage.affine is not None
        self._asks_origin = self._said_unit != "px" and not says_stage and has_stage
        self.is_needed = self._said_unit is None or self._asks_origin
        self.units, self.origins = ComboBox(), ComboBox()
        for unit, name in _UNITS.items():
            self.units.addItem(name, unit)
        for origin, name in _ORIGINS.items():
            if origin == "corner" or has_stage:
                self.origins.addItem(name, origin)
        form = QFormLayout()
        form.setSpacing(SPACE)
        if self._said_unit is None:
            form.addRow("Numbers are", self.units)
        if self._asks_origin:
            form.addRow("Counted from", self.origins)
            self.units.currentIndexChanged.connect(lambda _: self._follow())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(muted(f"{path.name} doesn't say this."))
        layout.addLayout(form)
        layout.addWidget(buttons)
        self.setMinimumWidth(360)
        self._follow()

    @property
    def unit(self) -> Unit | None:
        return self.units.currentData() if self._said_unit is None else None

    @property
    def origin(self) -> PlaceFrame | None:
        return self.origins.currentData() if self._asks_origin else None

    def _follow(self) -> None:
        self.origins.setEnabled(self._said_unit is not None or self.units.currentData() != "px")
