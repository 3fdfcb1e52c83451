"""Decides how the colours of the heat map are explained: which scores they stand for, and from which one on they show."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.colour_maps import colour_table
from app.layer_styles import HeatStyle
from app.scores import PROBABILITY, format_score, scale_of
from app.theme import RADIUS

_STRIP = 10  # px
_FAINT = 60  # alpha of the colours below the score from which on the map shows


class HeatLegend(QWidget):
    """A strip of the colours with the scores of its ends below; a line stands at the score from which on places are
    coloured."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = "inferno"
        self.ends: tuple[float, float] | None = None
        self.texts = ("", "", "")  # left, in the middle, right
        self._floor = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours of the heat map")

    def show_style(self, heat: HeatStyle, unit: str, threshold: float) -> None:
        """`unit`: of the scan's scores; `threshold`: from which on places are coloured, where nothing else was chosen."""
        scale = scale_of(unit) if heat.range_mode == "scale" else (heat.low, heat.high)
        self.ends = None if heat.range_mode == "auto" else scale
        self._colours, self._floor = heat.colour_map, threshold if heat.floor is None else heat.floor
        same = "same on every section" if heat.range_mode == "scale" and self.ends is not None else ""
        if self.ends is None:
            self.texts = ("lowest found" if heat.range_mode == "auto" else "0", "", "highest found")
        else:
            low, high = (f"{end:g}" for end in self.ends)
            self.texts = low, same, high if unit == PROBABILITY else f"{high} and more"
        of_unit = f"Scores in {unit}. " if unit else ""
        self.setToolTip(f"{of_unit}Places that score {format_score(self._floor, unit)} or more are coloured.")
        self.setAccessibleDescription(f"{', '.join(filter(None, self.texts))}. {self.toolTip()}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(160, _STRIP + 4 + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strip = QRectF(0, 0, self.width(), _STRIP)
        edge = QPainterPath()
        edge.addRoundedRect(strip, RADIUS / 2, RADIUS / 2)
        painter.setClipPath(edge)
        table = colour_table(self._colours)
        painter.drawImage(strip, QImage(table.tobytes(), len(table), 1, 3 * len(table), QImage.Format.Format_RGB888))
        x = self._x_of_floor()
        if x is not None:
            veil = self.palette().color(QPalette.ColorRole.Window)
            veil.setAlpha(255 - _FAINT)
            painter.fillRect(QRectF(0, 0, x, _STRIP), veil)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 1.5))
            painter.drawLine(QLineF(x, 0, x, _STRIP))
        painter.setClipping(False)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        below = QRectF(0, _STRIP + 3, self.width(), self.fontMetrics().height())
        sides = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
        for text, side in zip(self.texts, sides, strict=True):
            painter.drawText(below, side, text)
        painter.end()

    def _x_of_floor(self) -> float | None:
        if self.ends is None:
            return None
        low, high = self.ends
        return min(max((self._floor - low) / (high - low), 0.0), 1.0) * self.width()
