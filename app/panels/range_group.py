"""Decides how it is chosen which grey values of the section are shown black and white."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QSpinBox, QWidget

from app.jobs import Job
from app.panels.layout import Group
from app.session import Session
from app.theme import SPACE
from core.look import Curve, Look
from core.looks.auto import with_auto_curves

SETTLE_MS = 60  # while a slider moves, the viewer is told at most so often


class RangeGroup(Group):
    """Follows and sets `session.look`: the curve of the chosen channel."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Brightness", parent)
        self._session = session
        self._following = False
        self.low, self.high = _Level("Grey value shown black"), _Level("Grey value shown white")
        self.auto = QPushButton("Auto")
        self.auto.setToolTip("Black and white at the darkest and brightest tenth of a percent")
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._lay_out()
        self._connect()
        self._section_changed()

    def _lay_out(self) -> None:
        self.add_row("Black", self.low.slider, self.low.spin)
        self.add_row("White", self.high.slider, self.high.spin)
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        line.addStretch(1)
        line.addWidget(self.auto)
        self.add_wide(buttons)

    def _connect(self) -> None:
        session = self._session
        session.section_changed.connect(self._section_changed)
        session.display_changed.connect(self.follow)
        self._settle.timeout.connect(self._tell_range)
        for level in (self.low, self.high):
            level.spin.valueChanged.connect(lambda _, moved=level: self._moved(moved))
        self.auto.clicked.connect(self._find_range)

    # -- following the session --------------------------------------------------------------------

    def follow(self) -> None:
        """Shows the session's values without setting them again."""
        session = self._session
        if session.section is None:
            return
        self._following = True
        curves = session.look.channel(session.plane.c).curves
        shown = curves[0] if curves else Curve(0, self._largest)
        self.low.spin.setValue(round(shown.low))
        self.high.spin.setValue(round(shown.high))
        self._following = False

    @property
    def _largest(self) -> int:
        section = self._session.section
        return int(np.iinfo(section.info.dtype).max) if section is not None else 255

    def _section_changed(self) -> None:
        section = self._session.section
        self._settle.stop()
        self.setEnabled(section is not None)
        self._following = True
        for level in (self.low, self.high):
            level.set_largest(self._largest)
        self._following = False
        self.follow()

    # -- following the user -----------------------------------------------------------------------

    def _moved(self, level: _Level) -> None:
        """Black stays below white: the one that isn't moved gives way."""
        if self._following:
            return
        self._following = True
        if level is self.low and self.low.spin.value() >= self.high.spin.value():
            self.low.spin.setValue(min(self.low.spin.value(), self._largest - 1))
            self.high.spin.setValue(self.low.spin.value() + 1)
        elif level is self.high and self.high.spin.value() <= self.low.spin.value():
            self.high.spin.setValue(max(self.high.spin.value(), 1))
            self.low.spin.setValue(self.high.spin.value() - 1)
        self._following = False
        if not self._settle.isActive():
            self._settle.start()

    def _tell_range(self) -> None:
        session = self._session
        low, high = self.low.spin.value(), self.high.spin.value()
        session.set_look(session.look.with_curve(low, high, channel=session.plane.c))

    def _find_range(self) -> None:
        """An overview is read for it, so it is done in the background."""
        session = self._session
        section, plane = session.section, session.plane
        if section is None:
            return
        self.auto.setEnabled(False)
        job = Job(lambda progress, cancel: with_auto_curves(section, [plane], Look()), "Finding the display range")
        job.finished.connect(lambda found: self._found(section, found))
        job.ended.connect(lambda: self.auto.setEnabled(True))
        session.run_io(job)

    def _found(self, section: object, found: Look) -> None:
        session = self._session
        if section is session.section:
            session.set_look(session.look.with_channel(session.plane.c, curves=found.channel(session.plane.c).curves))


class _Level:
    """A slider and a number that move together."""

    def __init__(self, tool_tip: str) -> None:
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.spin = QSpinBox()
        self.spin.setKeyboardTracking(False)
        self.spin.setAlignment(Qt.AlignmentFlag.AlignRight)
        for control in (self.slider, self.spin):
            control.setToolTip(tool_tip)
            control.setAccessibleName(tool_tip)
        self.slider.valueChanged.connect(self.spin.setValue)
        self.spin.valueChanged.connect(self.slider.setValue)

    def set_largest(self, largest: int) -> None:
        self.slider.setRange(0, largest)
        self.slider.setPageStep(max(1, largest // 32))
        self.spin.setRange(0, largest)
