"""Decides how a profile is drawn: grey value over distance, one curve per channel, with what is under the pointer."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import SPACE, is_dark
from core.profile import Profile

_DARK = {"red": "#ff6b6b", "green": "#51cf66", "blue": "#74a9ff"}
_LIGHT = {"red": "#c92a2a", "green": "#2b8a3e", "blue": "#1c5fc4"}
_OTHERS_DARK = ("#38e0d0", "#f2a516", "#d982b5", "#56b4e9")
_OTHERS_LIGHT = ("#0b7a75", "#a15c00", "#9c3a78", "#1c6ea4")
_LEFT, _BOTTOM, _TOP = 44, 34, 22


class ProfilePlot(QWidget):
    """`hovered(index)`: the sample under the pointer, -1 for none."""

    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._profile: Profile | None = None
        self._low, self._high = 0.0, 1.0
        self.index = -1
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Grey values along the profile")

    def show_profile(self, profile: Profile | None) -> None:
        self._profile, self.index = profile, -1
        known = profile.values[np.isfinite(profile.values)] if profile is not None else np.zeros(0)
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        pad = (high - low) * 0.06 or 1.0
        self._low, self._high = low - pad, high + pad
        self.update()

    @property
    def text(self) -> str:
        """What is under the pointer: distance and grey values."""
        profile = self._profile
        if profile is None or not 0 <= self.index < len(profile.distance_px):
            return ""
        distance = f"{profile.distance_px[self.index]:.1f} px"
        if profile.distance_um is not None:
            distance = f"{profile.distance_um[self.index]:.2f} µm"
        values = ["–" if math.isnan(v) else f"{v:.1f}" for v in profile.values[self.index]]
        return f"{distance}   {'  '.join(values)}"

    def sizeHint(self) -> QSize:
        return QSize(260, 170)

    # -- the mouse --------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        profile, area = self._profile, self._area()
        if profile is None or area.width() <= 0:
            return
        share = (event.position().x() - area.left()) / area.width()
        self._hover(round(min(max(share, 0.0), 1.0) * (len(profile.distance_px) - 1)))

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def _hover(self, index: int) -> None:
        if index != self.index:
            self.index = index
            self.hovered.emit(index)
            self.update()

    # -- painting ---------------------------------------------------------------------------------

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, self.width() - _LEFT - SPACE, self.height() - _TOP - _BOTTOM)

    def paintEvent(self, event: QPaintEvent) -> None:
        profile, area = self._profile, self._area()
        if profile is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        self._paint_axes(painter, profile, area)
        for _, colour, values in self._curves(profile):
            painter.setPen(QPen(colour, 1.4))
            for part in _points(values, area, self._low, self._high):
                painter.drawPolyline(part)
            if len(profile.names) > 1 and 0 <= self.index < len(values) and not math.isnan(values[self.index]):
                painter.drawEllipse(self._place(values, area), 2.5, 2.5)
        self._paint_pointer(painter, area)

    def _curves(self, profile: Profile) -> list[tuple[str, QColor, np.ndarray]]:
        dark = is_dark(self.palette())
        named, others = (_DARK, _OTHERS_DARK) if dark else (_LIGHT, _OTHERS_LIGHT)
        colours = [named.get(name, others[i % len(others)]) for i, name in enumerate(profile.names)]
        return [
            (n, QColor(c), profile.values[:, i]) for i, (n, c) in enumerate(zip(profile.names, colours, strict=True))
        ]

    def _paint_axes(self, painter: QPainter, profile: Profile, area: QRectF) -> None:
        text, line = (
            self.palette().color(QPalette.ColorRole.PlaceholderText),
            self.palette().color(QPalette.ColorRole.Mid),
        )
        line.setAlpha(120)
        height = painter.fontMetrics().height()
        for value in _ticks(self._low, self._high, 4):
            y = area.bottom() - (value - self._low) / (self._high - self._low) * area.height()
            painter.setPen(QPen(line, 1))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(text)
            where = QRectF(0, y - height / 2, _LEFT - 6, height)
            painter.drawText(where, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        unit, long = self._distance(profile)
        for value in _ticks(0, long, 5):
            x = area.left() + value / long * area.width() if long else area.left()
            painter.setPen(QPen(line, 1))
            painter.drawLine(QLineF(x, area.bottom(), x, area.bottom() + 4))
            painter.setPen(text)
            painter.drawText(QRectF(x - 40, area.bottom() + 4, 80, height), Qt.AlignmentFlag.AlignCenter, f"{value:g}")
        painter.drawText(
            QRectF(area.left(), self.height() - height - 1, area.width(), height), Qt.AlignmentFlag.AlignCenter, unit
        )
        painter.drawText(QRectF(2, 1, _LEFT + 60, height), Qt.AlignmentFlag.AlignLeft, "Grey value")

    @staticmethod
    def _distance(profile: Profile) -> tuple[str, float]:
        if profile.distance_um is not None:
            return "Distance in µm", float(profile.distance_um[-1])
        return "Distance in px", float(profile.distance_px[-1])

    def _place(self, values: np.ndarray, area: QRectF) -> QPointF:
        share = (values[self.index] - self._low) / (self._high - self._low)
        return QPointF(self._x(area), area.bottom() - share * area.height())

    def _x(self, area: QRectF) -> float:
        count = len(self._profile.distance_px) if self._profile is not None else 2
        return area.left() + self.index / max(count - 1, 1) * area.width()

    def _paint_pointer(self, painter: QPainter, area: QRectF) -> None:
        if self.index < 0:
            self._paint_legend(painter, area)
            return
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(self._x(area), area.top(), self._x(area), area.bottom()))
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        height = painter.fontMetrics().height()
        painter.drawText(QRectF(_LEFT + 60, 1, area.width() - 60, height), Qt.AlignmentFlag.AlignRight, self.text)

    def _paint_legend(self, painter: QPainter, area: QRectF) -> None:
        """The curves' names, each in its colour, from the right."""
        if self._profile is None or len(self._profile.names) < 2:
            return
        right, height = area.right(), painter.fontMetrics().height()
        for name, colour, _ in reversed(self._curves(self._profile)):
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.setPen(colour)
            painter.drawText(QRectF(right - width, 1, width + 1, height), Qt.AlignmentFlag.AlignLeft, name)
            right -= width + SPACE


def _points(values: np.ndarray, area: QRectF, low: float, high: float) -> list[QPolygonF]:
    """The curve in the widget's px, in parts where there are no values in between."""
    x = area.left() + np.linspace(0, 1, len(values)) * area.width()
    y = area.bottom() - (values - low) / (high - low) * area.height()
    known = np.isfinite(values)
    breaks = np.flatnonzero(np.diff(known.astype(int))) + 1
    parts = np.split(np.arange(len(values)), breaks)
    return [QPolygonF([QPointF(x[i], y[i]) for i in part]) for part in parts if known[part[0]]]


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Nice values between the two: 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next(s * decade for s in (1, 2, 5, 10) if s * decade >= raw)
    first = math.ceil(low / step)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]
