"""Decides how black, white and gamma are taken hold of under the histogram: three triangles, by mouse or arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

SIDE = 14
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Down: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: 1,
    Qt.Key.Key_PageDown: -16,
    Qt.Key.Key_PageUp: 16,
}


class Handle(QWidget):
    """One triangle; `dragged(x)` in px of its parent, `stepped(n)` by keys."""

    dragged = Signal(float)
    stepped = Signal(int)
    released = Signal()

    def __init__(self, name: str, fill: str, tip: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._fill = QColor(fill)
        self.held = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName(name)
        self.setToolTip(f"{tip}. Drag it, or use the arrow keys")
        self.resize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(SIDE, SIDE)

    def put(self, x: float, y: float) -> None:
        """With its tip at this point of its parent."""
        self.move(round(x - SIDE / 2), round(y))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.held = True
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.raise_()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapToParent(event.position()).x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.held = False
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(step)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.PlaceholderText
        painter.setPen(QPen(self.palette().color(role), 2 if self.hasFocus() else 1.2))
        painter.setBrush(self._fill)
        bottom = SIDE - 2
        painter.drawPolygon(QPolygonF([QPointF(SIDE / 2, 1), QPointF(SIDE - 2, bottom), QPointF(2, bottom)]))
        painter.end()
