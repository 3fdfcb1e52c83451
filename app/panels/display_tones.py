"""Decides how brightness is chosen: histogram, black, gamma and white of a channel, or of red, green and blue."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QWidget,
)

from app.combo import ComboBox
from app.layout import Group
from app.panels.display_histogram import ToneHistogram
from app.panels.region_group import VisibleRegion
from app.session import Session
from app.session_look import largest_value
from app.theme import SPACE
from core.look import LEAST_GAMMA, MOST_GAMMA, Curve
from core.section import Array

SETTLE_MS = 40  # while something is dragged, the viewer is told at most so often


class TonesGroup(Group):
    """Follows and sets the curves of `session.look`; the channel is that of `session.plane`."""

    def __init__(self, session: Session, visible_region: VisibleRegion, parent: QWidget | None = None) -> None:
        super().__init__("Brightness", parent)
        self._session, self._visible_region = session, visible_region
        self._following = False
        self.samples = ComboBox()
        for name, sample in (("Red, green and blue together", None), ("Red", 0), ("Green", 1), ("Blue", 2)):
            self.samples.addItem(name, sample)
        self.histogram = ToneHistogram()
        self.black, self.white = (
            _value_spin("Values up to this one are black"),
            _value_spin("Values from this one on are white"),
        )
        self.gamma = QDoubleSpinBox()
        self.gamma.setRange(LEAST_GAMMA, MOST_GAMMA)
        self.gamma.setSingleStep(0.05)
        self.gamma.setToolTip("Below 1, dark areas become brighter; above 1, darker")
        self.logarithmic = QCheckBox("Logarithmic")
        self.logarithmic.setToolTip("Heights of the histogram by their logarithm: shows what is rare")
        self.inverted = QCheckBox("Invert")
        self.inverted.setToolTip("Swap black and white")
        self.of_section, self.of_view, self.reset = QPushButton("Section"), QPushButton("View"), QPushButton("Reset")
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._lay_out()
        self._connect()
        self._section_changed()

    def show_counts(self, counts: Array | None) -> None:
        self.histogram.show_counts(counts)

    @property
    def sample(self) -> int | None:
        """Which of red, green and blue is changed; None: all."""
        chosen: int | None = self.samples.currentData()
        return chosen if self.samples.isVisibleTo(self) else None

    def _lay_out(self) -> None:
        self.samples.setToolTip("Whose brightness is changed")
        self.samples.setAccessibleName("Whose brightness is changed")
        self.of_section.setToolTip(
            "Black and white at the darkest and brightest tenth of a percent of the whole section"
        )
        self.of_view.setToolTip("Black and white at the darkest and brightest tenth of a percent of what is in sight")
        self.reset.setToolTip("Show the section as it was when it was opened first")
        self.add_wide(self.samples)
        self.add_wide(self.histogram)
        self.add_wide(self._numbers())
        self.add_wide(_line(self.logarithmic, self.inverted))
        self.add_wide(_line(QLabel("Automatic"), self.of_section, self.of_view, None, self.reset))

    def _numbers(self) -> QWidget:
        numbers = QWidget()
        grid = QGridLayout(numbers)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        for column, (name, spin) in enumerate((("Black", self.black), ("Gamma", self.gamma), ("White", self.white))):
            label = QLabel(name)
            label.setBuddy(spin)
            spin.setAccessibleName(name)
            spin.setKeyboardTracking(False)
            spin.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(label, 0, column)
            grid.addWidget(spin, 1, column)
            grid.setColumnStretch(column, 1)
        return numbers

    def _connect(self) -> None:
        session = self._session
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self.follow)
        session.looks.busy_changed.connect(self._busy_changed)
        self._settle.timeout.connect(self._tell)
        self.histogram.curve_changed.connect(self._dragged)
        self.black.valueChanged.connect(lambda: self._typed(self.black))
        self.white.valueChanged.connect(lambda: self._typed(self.white))
        self.gamma.valueChanged.connect(lambda: self._typed(self.gamma))
        self.logarithmic.toggled.connect(self.histogram.set_logarithmic)
        self.samples.activated.connect(self.follow)
        self.inverted.toggled.connect(self._set_inverted)
        self.of_section.clicked.connect(lambda: self._find(whole=True))
        self.of_view.clicked.connect(lambda: self._find(whole=False))
        self.reset.clicked.connect(session.looks.reset)

    # -- following the session --------------------------------------------------------------------

    def follow(self) -> None:
        """Shows the session's look without setting it again; not while the user's hand is ahead of it."""
        if self._session.section is None or self._settle.isActive():
            return
        look, channel = self._session.look, self._session.plane.c
        self._following = True
        self._show(look.curve(channel, self.sample, self._largest))
        self.inverted.setChecked(look.inverted)
        self._following = False

    @property
    def _largest(self) -> int:
        section = self._session.section
        return largest_value(section) if section is not None else 255

    def _show(self, curve: Curve) -> None:
        self.histogram.show_curve(curve, self.sample, self._largest)
        self.black.setValue(curve.low)
        self.white.setValue(curve.high)
        self.gamma.setValue(curve.gamma)

    def _section_changed(self) -> None:
        section = self._session.section
        self._settle.stop()
        self.setEnabled(section is not None)
        self.samples.setVisible(section is not None and section.info.samples == 3)
        self.samples.setCurrentIndex(0)
        self.histogram.show_counts(None)
        self._following = True
        for spin in (self.black, self.white):
            spin.setRange(0, self._largest)
        self._following = False
        self.follow()

    def _busy_changed(self, busy: bool) -> None:
        for button in (self.of_section, self.of_view, self.reset):
            button.setEnabled(not busy)

    # -- following the user -----------------------------------------------------------------------

    def _typed(self, spin: QWidget) -> None:
        """Black stays below white: the one that isn't typed gives way. A gamma shown rounded stays what it is."""
        if self._following:
            return
        low, high, gamma = self.black.value(), self.white.value(), self.histogram.curve.gamma
        if spin is self.gamma:
            gamma = self.gamma.value()
        elif spin is self.black:
            low = min(low, self._largest - 1)
            high = max(high, low + 1)
        else:
            high = max(high, 1)
            low = min(low, high - 1)
        self._dragged(Curve(low, high, gamma))

    def _dragged(self, curve: Curve) -> None:
        self._following = True
        self._show(curve)
        self._following = False
        if not self._settle.isActive():
            self._settle.start()

    def _tell(self) -> None:
        session = self._session
        if session.section is not None:
            curve = self.histogram.curve
            session.set_look(session.look.with_sample_curve(curve, session.plane.c, self.sample, self._largest))

    def _set_inverted(self, on: bool) -> None:
        if not self._following:
            self._session.set_look(replace(self._session.look, inverted=on))

    def _find(self, *, whole: bool) -> None:
        self._session.looks.find_curves(None if whole else self._visible_region(), each=self.sample is not None)


def _value_spin(tip: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setToolTip(tip)
    return spin


def _line(*widgets: QWidget | None) -> QWidget:
    """Side by side; None is a stretch."""
    line = QWidget()
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    if None not in widgets:
        layout.addStretch(1)
    return line
