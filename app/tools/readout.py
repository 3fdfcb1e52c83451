"""Decides how the measure of what is being drawn stands beside the pointer."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import RADIUS, SPACE

_AWAY = 2 * SPACE


class Readout(QWidget):
    """A few lines over the canvas; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.lines: list[str] = []
        self.hide()

    def say(self, lines: list[str], at: QPointF) -> None:
        """Beside a point of the parent, on the side where there is room. Nothing to say: it goes away."""
        self.lines = lines
        self.setVisible(bool(lines))
        if not lines:
            return
        self.resize(self.sizeHint())
        self.move(beside(at, self.size(), self._room.rect()))
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        width = max((metrics.horizontalAdvance(line) for line in self.lines), default=0)
        return QSize(width + 2 * SPACE, len(self.lines) * metrics.height() + SPACE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(12, 14, 16, 205))
        painter.drawRoundedRect(self.rect(), RADIUS, RADIUS)
        height = self.fontMetrics().height()
        for number, line in enumerate(self.lines):
            painter.setPen(QColor("white") if number == 0 else QColor("#b8c0c8"))
            painter.drawText(SPACE, SPACE // 2 + number * height + self.fontMetrics().ascent(), line)


def beside(at: QPointF, size: QSize, room: QRect) -> QPoint:
    """Where something of a size stands beside a point without covering it, on the side where there is room."""
    x, y = round(at.x()) + _AWAY, round(at.y()) + _AWAY
    if x + size.width() > room.width():
        x = round(at.x()) - _AWAY - size.width()
    if y + size.height() > room.height():
        y = round(at.y()) - _AWAY - size.height()
    return QPoint(max(x, 0), max(y, 0))
