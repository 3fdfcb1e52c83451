"""Decides how the spread of scores is drawn to choose a threshold by: bars, what was judged above them, a line to drag.

Loads pyqtgraph: import late.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gallery.badges import STATUS_COLOURS
from app.theme import is_dark, tokens
from core.detection import Status
from core.score_spread import ScoreSpread, heights, least_share, scale_marks

HEIGHT = 132  # px
_BAND = 0.09  # of the bars' height, for each status that was judged
_NORMAL, _SECTION = 0, 1
# What was learnt as normal, and the section.
_DARK, _LIGHT = ("#9aa3ad", "#3fb8ae"), ("#7d8791", "#0b7a75")
_LIGHTER = 140  # % of a status's colour on a dark surface


class ThresholdPlot(pg.PlotWidget):
    """`moved(score)` where somebody clicks, and while they drag from there."""

    moved = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, enableMenu=False)
        self.spread: ScoreSpread | None = None
        self.is_logarithmic = False
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.setMinimumHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Spread of scores, and the threshold")
        self.getAxis("left").setWidth(56)
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.setFrameShape(self.Shape.NoFrame)
        self.line = pg.InfiniteLine(angle=90)
        self.line.setZValue(10)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.dress()

    def show_spread(self, spread: ScoreSpread | None, unit: str, threshold: float, logarithmic: bool) -> None:
        self.spread, self.is_logarithmic = spread, logarithmic
        self.clear()
        if spread is None:
            return
        colours = colours_of_bars(self)
        least = least_share(spread) if logarithmic else 0.0
        highest = max((float(one.max()) for one in (spread.normal, spread.section) if one is not None), default=1.0)
        top = float(heights(np.array(highest), least)) if highest > 0 else 1.0
        for shares, place in ((spread.normal, _NORMAL), (spread.section, _SECTION)):
            if shares is not None:
                self._bars(spread, heights(shares, least), QColor(colours[place]))
        self._judged(spread, top)
        # One above the bars would be cut in two by the border.
        self.getAxis("left").setTicks([[mark for mark in scale_marks(least, highest) if mark[0] <= top]])
        self.setLabel("bottom", unit[:1].upper() + unit[1:])
        self.setXRange(float(spread.edges[0]), float(spread.edges[-1]), padding=0.02)
        self.setYRange(0, top * (1.06 + _BAND * len(spread.judged)), padding=0)
        self.addItem(self.line)
        self.show_threshold(threshold)

    def show_threshold(self, threshold: float) -> None:
        self.line.setValue(threshold)

    def _bars(self, spread: ScoreSpread, tall: object, colour: QColor) -> None:
        area = QColor(colour)
        area.setAlpha(70)
        pen = pg.mkPen(colour, width=1.6)
        self.plot(spread.edges, tall, stepMode="center", fillLevel=0, brush=area, pen=pen, antialias=True)

    def _judged(self, spread: ScoreSpread, top: float) -> None:
        """A row of dots for each status, above the bars."""
        for row, (status, scores) in enumerate(spread.judged.items()):
            colour = status_colour(self, status)
            level = top * (1.06 + _BAND * row)
            self.addItem(pg.ScatterPlotItem(scores, [level] * len(scores), size=7, brush=colour, pen=None))

    def dress(self) -> None:
        """In the colours of the theme in use."""
        theme = tokens()
        self.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.line.setPen(pg.mkPen(theme.text, width=2))

    # -- by hand ----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pick(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """The line lies where it was let go."""

    def _pick(self, event: QMouseEvent) -> None:
        if self.spread is not None:
            at = self.getViewBox().mapSceneToView(self.mapToScene(event.position().toPoint())).x()
            self.moved.emit(min(max(at, float(self.spread.edges[0])), float(self.spread.edges[-1])))

    def sizeHint(self) -> QSize:
        return QSize(2 * HEIGHT, HEIGHT)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def colours_of_bars(widget: QWidget) -> tuple[str, str]:
    """Of what is normal, and of the section."""
    return _DARK if is_dark(widget.palette()) else _LIGHT


def status_colour(widget: QWidget, status: Status) -> QColor:
    """A status's colour, so that it is seen on the surface that plots have."""
    colour = QColor(STATUS_COLOURS[status])
    return colour.lighter(_LIGHTER) if is_dark(widget.palette()) else colour
