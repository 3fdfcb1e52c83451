"""Decides how the look of the heat map is chosen: shown or not, opacity, colours, and which class's scores."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from app.combo import ComboBox
from app.panels.layout import CheckGroup, value_label
from app.session import Session
from app.viewer.colour_maps import COLOUR_MAPS, colour_table
from core.class_colours import class_name

SWATCH = QSize(72, 14)


class HeatGroup(CheckGroup):
    """Follows and sets the session's heat map layer."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Heat map", parent)
        self._session = session
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setToolTip("How much of the heat map covers the section")
        self._percent = value_label("100 %")
        self.colours = _combo("Colours from low to high scores")
        self.colours.setIconSize(SWATCH)
        for name in COLOUR_MAPS:
            self.colours.addItem(swatch(name), name.capitalize(), name)
        self.label = _combo("Whose scores are shown")
        self.add_row("Opacity", self.opacity, self._percent)
        self.add_row("Colours", self.colours)
        self.add_row("Scores of", self.label)
        self.check.setToolTip("Show the scores of the whole scan over the section")
        self.check.toggled.connect(lambda on: self._set_layer(visible=on))
        self.opacity.valueChanged.connect(lambda percent: self._set_layer(opacity=percent / 100))
        self.colours.activated.connect(lambda _: self._set_heat(colour_map=self.colours.currentData()))
        self.label.activated.connect(lambda _: self._set_heat(label_index=self.label.currentData()))
        session.layers_changed.connect(self.follow)
        session.scans_changed.connect(self._labels_changed)
        self._labels_changed()

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        layer, heat = self._session.layers.layer("heat"), self._session.layers.heat
        for control in (self.check, self.opacity):
            control.blockSignals(True)
        self.check.setChecked(layer.visible)
        self.body.setEnabled(layer.visible)
        self.opacity.setValue(round(100 * layer.opacity))
        for control in (self.check, self.opacity):
            control.blockSignals(False)
        self._percent.setText(f"{round(100 * layer.opacity)} %")
        self.colours.setCurrentIndex(max(0, self.colours.findData(heat.colour_map)))
        self.label.setCurrentIndex(max(0, self.label.findData(heat.label_index)))

    def _set_layer(self, **changes: Any) -> None:
        self._session.set_layers(self._session.layers.styled("heat", **changes))

    def _set_heat(self, **changes: Any) -> None:
        self._session.set_layers(self._session.layers.with_heat(**changes))

    def _labels_changed(self) -> None:
        scan = self._session.scan
        labels = scan.labels if scan is not None else ()
        self.label.clear()
        self.label.addItem("The highest class", None)
        for index, label in enumerate(labels):
            self.label.addItem(class_name(label), index)
        self.label.setEnabled(len(labels) > 1)
        self.follow()


def swatch(name: str) -> QIcon:
    """A colour map as a strip from low to high."""
    table = colour_table(name)
    strip = QImage(table.tobytes(), len(table), 1, 3 * len(table), QImage.Format.Format_RGB888).copy()
    return QIcon(QPixmap.fromImage(strip.scaled(SWATCH)))


def _combo(tool_tip: str) -> ComboBox:
    combo = ComboBox()
    combo.setToolTip(tool_tip)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo
