"""Decides how the spread of scores is drawn: bars, those above the threshold in the accent colour, and its line."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QLineF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOptionSlider, QWidget

BINS = 56


class ScoreHistogram(QWidget):
    """Scores from `low` to `high`; clicking or dragging in it asks for a threshold with `picked(score)`.

    Heights are logarithmic, so that few bad places show beside thousands of harmless ones.
    """

    picked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scores: list[float] = []
        self._counts: list[int] = []
        self.low, self.high, self.threshold = 0.0, 1.0, 0.5
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName("Spread of scores")

    def set_scores(self, scores: Sequence[float], low: float, high: float) -> None:
        self._scores = sorted(scores)
        self.low, self.high = low, high if high > low else low + 1.0
        edges = [self.low + (self.high - self.low) * i / BINS for i in range(1, BINS)]
        places = [0, *(bisect.bisect_left(self._scores, edge) for edge in edges), len(self._scores)]
        self._counts = [after - before for before, after in pairwise(places)]
        self.update()

    def set_threshold(self, value: float) -> None:
        self.threshold = value
        self.update()

    def above(self, threshold: float) -> int:
        """How many scores are at or above it."""
        return len(self._scores) - bisect.bisect_left(self._scores, threshold)

    def sizeHint(self) -> QSize:
        return QSize(160, round(self.fontMetrics().height() * 3.2))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pick(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(event.position().x())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = self._area()
        palette = self.palette()
        quiet = palette.color(QPalette.ColorRole.Mid)
        loud = palette.color(QPalette.ColorRole.Highlight if self.isEnabled() else QPalette.ColorRole.Mid)
        highest = math.log1p(max(self._counts, default=0)) or 1.0
        width = area.width() / BINS
        line = self._x(self.threshold, area)
        for place, count in enumerate(self._counts):
            if not count:
                continue
            height = max(2.0, area.height() * math.log1p(count) / highest)
            bar = QRectF(area.x() + place * width, area.bottom() - height, max(width - 1, 1), height)
            painter.fillRect(bar, loud if bar.right() > line else quiet)
        painter.fillRect(QRectF(area.x(), area.bottom(), area.width(), 1), quiet)
        painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1.5))
        painter.drawLine(QLineF(line, 0, line, self.height()))
        painter.end()

    def _pick(self, x: float) -> None:
        area = self._area()
        share = min(max((x - area.x()) / area.width(), 0.0), 1.0)
        self.picked.emit(self.low + share * (self.high - self.low))

    def _x(self, score: float, area: QRectF) -> float:
        share = (score - self.low) / (self.high - self.low)
        return area.x() + min(max(share, 0.0), 1.0) * area.width()

    def _area(self) -> QRectF:
        """Inset by half a slider's handle, so that a slider below points at the same place."""
        inset = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, QStyleOptionSlider(), self) / 2
        return QRectF(self.rect()).adjusted(inset, 2, -inset, -1)
