"""Decides how the curves of a training are drawn: the loss above, what it is judged by below. Loads pyqtgraph: import late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.theme import SPACE, is_dark, tokens
from app.training.wording import figure_name
from core.train.curves import Curves

# By place in a plot, so that neighbours differ in lightness too; those of the dark theme stand on nearly black.
_DARK = ("#3fb8ae", "#f2a516", "#d982b5", "#74a9ff", "#e4e7ea")
_LIGHT = ("#0b7a75", "#a15c00", "#9c3a78", "#1c5fc4", "#1c2126")
_FEW = 60  # points that are also drawn as dots
_EARLIER = 90  # alpha of the curves of phases that are over
HEIGHT = 160  # px, of one plot


class CurvesView(QWidget):
    """Two plots over the steps. `show_curves` may be called as often as there is something new."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss, self.judged = _Plot("Loss"), _Plot("Validation")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.loss)
        layout.addWidget(self.judged)

    def show_curves(self, curves: Curves) -> None:
        """Figures called a loss above, all others below; a plot without any is not there."""
        losses = [name for name in curves.names if "loss" in name]
        self.loss.draw(curves, losses)
        self.judged.draw(curves, [name for name in curves.names if name not in losses])


class _Plot(QWidget):
    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._curves, self._names = Curves(), ()  # type: tuple[Curves, Sequence[str]]
        self.heading = QLabel()
        self.heading.setTextFormat(Qt.TextFormat.RichText)
        self.heading.setWordWrap(True)
        self.plot = _Canvas(enableMenu=False)
        self.plot.setMouseEnabled(False, False)
        self.plot.hideButtons()
        self.plot.setMinimumHeight(HEIGHT)
        self.plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.plot.setAccessibleName(f"{title} over the steps of the training")
        self.plot.getAxis("left").setWidth(40)
        self.lines: list[Any] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE // 2)
        layout.addWidget(self.heading)
        layout.addWidget(self.plot, 1)
        self._dress()

    def draw(self, curves: Curves, names: Sequence[str]) -> None:
        self._curves, self._names = curves, names
        self.setVisible(bool(names))
        self.plot.clear()
        self.lines = []
        colours = _DARK if is_dark(self.palette()) else _LIGHT
        chips, values = [], []
        for place, name in enumerate(names):
            colour = QColor(colours[place % len(colours)])
            phases = curves.phases(name)
            for phase in phases:
                at, measured = curves.points(name, phase)
                values += measured
                self._line(at, measured, colour, is_last=phase == phases[-1])
            last = curves.last(name)
            chips.append(f'<span style="color:{colour.name()}">■</span>&nbsp;{figure_name(name)} <b>{last:.3g}</b>')
        self.heading.setText(f"{self._title} &nbsp; " + " &nbsp; ".join(chips))
        self.plot.setXRange(0, max(curves.last_step, 1), padding=0.02)
        self.plot.setLabel("bottom", "Epoch" if curves.unit == "epoch" else "Step")
        if values and "loss" not in names[0] and min(values) >= 0 and max(values) <= 1:
            self.plot.setYRange(0, 1, padding=0.04)  # shares
        else:
            self.plot.enableAutoRange("y")

    def _line(self, at: Sequence[int], values: Sequence[float], colour: QColor, *, is_last: bool) -> None:
        colour = QColor(colour)
        colour.setAlpha(255 if is_last else _EARLIER)
        dots = {"symbol": "o", "symbolSize": 5, "symbolBrush": colour, "symbolPen": None} if len(at) <= _FEW else {}
        self.lines.append(self.plot.plot(at, values, pen=pg.mkPen(colour, width=2), antialias=True, **dots))

    def _dress(self) -> None:
        theme = tokens()
        self.plot.setBackground(theme.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.plot.showGrid(x=False, y=True, alpha=0.15)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
            self.draw(self._curves, self._names)


class _Canvas(pg.PlotWidget):
    """Lets the panel scroll, and asks for no more room than two of them have in it."""

    def sizeHint(self) -> QSize:
        return QSize(2 * HEIGHT, HEIGHT)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
