"""Decides how a chart of `core.evaluation.charts` is drawn in the window. Loads pyqtgraph: import late."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QWheelEvent

from app.theme import is_dark, tokens
from core.evaluation.charts import LINES, Chart
from core.evaluation.page_look import DARK_LINES, LIGHT_LINES

WIDTH, HEIGHT = 360, 300


class ChartView(pg.PlotWidget):
    """One chart; `mark` moves with the threshold."""

    chart: Chart | None = None  # asked for before `__init__` is over

    def __init__(self) -> None:
        super().__init__(enableMenu=False)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.setMinimumWidth(WIDTH)
        self.setFixedHeight(HEIGHT)
        self.setBackground(None)
        self.setFrameShape(self.Shape.NoFrame)
        self._mark = pg.ScatterPlotItem(size=10)

    def show_chart(self, chart: Chart) -> None:
        self.chart = chart
        self._draw()

    def move_mark(self, chart: Chart) -> None:
        """Takes the stressed point of a chart that is the same otherwise."""
        self.chart = chart
        self._mark.setData(*([[v] for v in chart.mark] if chart.mark else ([], [])))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # what it lies in scrolls

    def _draw(self) -> None:
        chart, theme = self.chart, tokens()
        if chart is None:
            return
        colours = DARK_LINES if is_dark(self.palette()) else LIGHT_LINES
        self.clear()
        self.setTitle(chart.title, color=theme.text, size="10pt")
        for side, title in (("left", chart.y_title), ("bottom", chart.x_title)):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setLabel(title)
        self.showGrid(x=False, y=True, alpha=0.15)
        lines = {name: points for name, points in chart.lines.items() if points}
        if len(lines) > 1:
            corner = (-8, -8) if chart.guide else (8, -8)
            self.addLegend(offset=corner, labelTextColor=theme.muted, verSpacing=-6)
        for place, (name, points) in enumerate(lines.items()):
            colour = colours[place % LINES]
            dots = {"symbol": "o", "symbolSize": 6, "symbolBrush": colour, "symbolPen": None} if chart.dots else {}
            xs, ys = zip(*points, strict=True)
            self.plot(xs, ys, pen=pg.mkPen(colour, width=2), antialias=True, name=name, **dots)
        for x, low, high in chart.ranges:
            self.plot([x, x], [low, high], pen=pg.mkPen(theme.muted))
        right = chart.x_max or max((x for points in lines.values() for x, _ in points), default=1.0) or 1.0
        if chart.guide:
            self.plot([0, right], [0, 1], pen=pg.mkPen(theme.muted, style=pg.QtCore.Qt.PenStyle.DashLine))
        self._mark.setBrush(QColor(theme.text))
        self._mark.setPen(None)
        self.addItem(self._mark)
        self.move_mark(chart)
        self.setXRange(0, right, padding=0.02)
        self.setYRange(0, 1, padding=0.02)
        self.setAccessibleName(chart.title)
