"""Decides how a point that was asked for is marked for a moment, so that the eye finds it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.viewer.canvas import Canvas

SHOWN_MS = 2500
_SIDE = 65  # odd: the point is the middle of a px
_GAP = 6.0


class Crosshair(QWidget):
    """Lies over the canvas and follows its point; the mouse goes through it."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas.viewport())  # beside it, it would keep Qt from scrolling what is painted
        self._canvas = canvas
        self._point: QPointF | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(_SIDE, _SIDE)
        self.hide()
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        canvas.camera_changed.connect(self._follow)

    def show_at(self, x_px: float, y_px: float) -> None:
        """Marks a level-0 point."""
        self._point = QPointF(x_px, y_px)
        self.show()
        self.raise_()
        self._follow()
        self._timer.start()

    def _follow(self) -> None:
        if self._point is not None and self.isVisible():
            self.move(self._canvas.mapFromScene(self._point) - QPoint(_SIDE // 2, _SIDE // 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QPointF(_SIDE / 2, _SIDE / 2)
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (QColor("white"), 1.6)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawEllipse(middle, _SIDE / 3, _SIDE / 3)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                reach = _SIDE / 2 - 3
                painter.drawLine(middle + QPointF(dx, dy) * _GAP, middle + QPointF(dx, dy) * reach)
