"""Decides how the look of the heat map is chosen: shown or not, opacity, colours, and which class's scores."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QSizePolicy, QSlider, QWidget

from app.colour_maps import COLOUR_MAPS, colour_table
from app.combo import ComboBox
from app.layout import CheckGroup, value_label
from app.panels.heat_legend import HeatLegend
from app.session import Session
from app.theme import SPACE
from core.class_colours import class_name
from core.project.evidence_map import has_evidence

SWATCH = QSize(44, 14)
_KINDS = (
    ("scores", "Window scores", "How sure the model is of the window around each place"),
    ("activation", "Class activation", "What speaks for the class, place by place (CAM), from the stored map"),
)
_RANGES = (
    (
        "scale",
        "The model's scale",
        "The same on every section: from 0 to 1 for probabilities, to 3 for times the limit of what is normal. "
        "Where a model’s scores mean something else on each section: to the highest found",
    ),
    ("auto", "Automatic", "From the lowest to the highest scores found"),
    ("fixed", "Fixed", "From one score to another, the same for every scan"),
)


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
        self.shows = _combo("What is shown of each place")
        for kind, name, tip in _KINDS:
            self.shows.addItem(name, kind)
            self.shows.setItemData(self.shows.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.label = _combo("Whose scores are shown")
        self.add_row("Opacity", self.opacity, self._percent)
        self.add_row("Colours", self.colours)
        self._shows_name = self.add_row("Shows", self.shows)
        self.add_row("Of", self.label)
        self._add_range()
        self.check.setToolTip("Show the scores of the whole scan over the section")
        self.check.toggled.connect(lambda on: self._set_layer(visible=on))
        self.opacity.valueChanged.connect(lambda percent: self._set_layer(opacity=percent / 100))
        self.colours.activated.connect(lambda _: self._set_heat(colour_map=self.colours.currentData()))
        self.shows.activated.connect(lambda _: self._set_heat(shows=self.shows.currentData()))
        self.label.activated.connect(lambda _: self._set_heat(label_index=self.label.currentData()))
        session.layers_changed.connect(self.follow)
        session.visible_changed.connect(self._follow_range)
        session.scans_changed.connect(self._labels_changed)
        self._labels_changed()

    def _add_range(self) -> None:
        self.range = _combo("Which scores the first and the last colour stand for")
        for mode, name, tip in _RANGES:
            self.range.addItem(name, mode)
            self.range.setItemData(self.range.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.low, self.high = _score_spin("Score of the first colour"), _score_spin("Score of the last colour")
        self._ends = QWidget()
        line = QHBoxLayout(self._ends)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        for spin in (self.low, self.high):
            line.addWidget(spin, 1)
        self.own_floor = QCheckBox("Clear below")
        self.own_floor.setToolTip("Scores below this are not coloured; without it, those below the threshold are not")
        self.floor = _score_spin("Lowest score that is coloured")
        self.legend = HeatLegend()
        self.add_wide(self.legend)
        self.add_row("Range", self.range)
        self._ends_name = self.add_row("From, to", self._ends)
        row = self.grid.rowCount()
        self.grid.addWidget(self.own_floor, row, 0)
        self.grid.addWidget(self.floor, row, 1, 1, 2)
        self.range.activated.connect(lambda _: self._set_heat(range_mode=self.range.currentData()))
        self.low.valueChanged.connect(self._set_ends)
        self.high.valueChanged.connect(self._set_ends)
        self.own_floor.toggled.connect(self._set_floor)
        self.floor.valueChanged.connect(self._set_floor)

    def _set_ends(self) -> None:
        """The last colour stands for a higher score than the first, whatever was typed."""
        low = self.low.value()
        self._set_heat(low=low, high=max(self.high.value(), low + 0.001))

    def _set_floor(self) -> None:
        chosen = self.floor.value() if self._session.layers.heat.floor is not None else self._session.threshold
        self._set_heat(floor=chosen if self.own_floor.isChecked() else None)

    def _follow_range(self) -> None:
        heat = self._session.layers.heat
        controls = (self.low, self.high, self.own_floor, self.floor)
        for control in controls:
            control.blockSignals(True)
        self.range.setCurrentIndex(self.range.findData(heat.range_mode))
        self.low.setValue(heat.low)
        self.high.setValue(heat.high)
        self.own_floor.setChecked(heat.floor is not None)
        self.floor.setEnabled(heat.floor is not None)
        self.floor.setValue(self._session.threshold if heat.floor is None else heat.floor)
        for control in controls:
            control.blockSignals(False)
        for widget in (self._ends, self._ends_name):
            widget.setVisible(heat.range_mode == "fixed")
        scan = self._session.scan
        self.legend.show_style(heat, scan.score_unit if scan is not None else "", self._session.threshold)

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        self._follow_range()
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
        self.shows.setCurrentIndex(max(0, self.shows.findData(heat.shows)))
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
        for widget in (self.shows, self._shows_name):
            widget.setVisible(scan is not None and has_evidence(scan))
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


def _score_spin(tool_tip: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(-1e4, 1e4)
    spin.setDecimals(3)
    spin.setSingleStep(0.05)
    spin.setKeyboardTracking(False)
    spin.setToolTip(tool_tip)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setAccessibleName(tool_tip)
    return spin
