"""Decides how the spacing of the grid is chosen: a nice one for every zoom, or one that is typed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QWidget

from app.combo import ComboBox
from app.layer_styles import GridStyle, GridUnit
from app.layout import Group
from app.session import Session

_FIRST = 100.0  # the spacing that is offered when it isn't automatic any more


class GridGroup(Group):
    """Follows and sets `session.layers.grid`; shown while the grid is."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Grid", parent)
        self._session = session
        self.auto = QCheckBox("Automatic spacing")
        self.auto.setToolTip("Lines at 1, 2 or 5 times a power of ten, never too close on the screen")
        self.spacing = QDoubleSpinBox()
        self.spacing.setRange(0.1, 1e6)
        self.spacing.setDecimals(1)
        self.spacing.setValue(_FIRST)
        self.spacing.setKeyboardTracking(False)
        self.spacing.setToolTip("Distance between lines")
        self.spacing.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.unit = ComboBox()
        self.unit.setMinimumContentsLength(4)
        self.unit.addItem("µm", "um")
        self.unit.addItem("px", "px")
        self.unit.setToolTip("A section without calibration has its grid in px")
        self.unit.setAccessibleName("Unit of the grid")
        self.add_wide(self.auto)
        self.add_row("Spacing", self.spacing, self.unit)
        self.auto.toggled.connect(self._choose)
        self.spacing.valueChanged.connect(self._choose)
        self.unit.activated.connect(self._choose)
        session.layers_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        layers = self._session.layers
        style = layers.grid
        self.setVisible(layers.layer("grid").visible)
        for control in (self.auto, self.spacing):
            control.blockSignals(True)
        self.auto.setChecked(style.spacing is None)
        self.spacing.setEnabled(style.spacing is not None)
        if style.spacing is not None:
            self.spacing.setValue(style.spacing)
        for control in (self.auto, self.spacing):
            control.blockSignals(False)
        self.unit.setCurrentIndex(self.unit.findData(style.unit))

    def _choose(self, *_: object) -> None:
        unit: GridUnit = self.unit.currentData()
        typed = self.spacing.value() if self._session.layers.grid.spacing is not None else _FIRST
        style = GridStyle(None if self.auto.isChecked() else typed, unit)
        self._session.set_layers(replace(self._session.layers, grid=style))
