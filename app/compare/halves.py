"""Decides where the two views of a comparison lie: beside each other, or the second over the first from a divider on."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.theme import SPACE, tokens

CompareMode = Literal["side", "swipe"]
COMPARE_MODES: tuple[CompareMode, ...] = ("side", "swipe")

GRIP = 13  # px that can be caught
_LEAST = 0.02
_KEY_STEP = 0.02


class Halves(QWidget):
    """`left` and `right` are placed by hand; the names above them follow the divider."""

    divider_moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode: CompareMode = "side"
        self.share = 0.5
        self._left: QWidget | None = None
        self._right: QWidget | None = None
        self.left_name, self.right_name = QLabel(), QLabel()
        self._clip = QWidget(self)
        self.divider = Divider(self)
        self.divider.dragged.connect(self._dragged)
        for label in (self.left_name, self.right_name):
            label.setParent(self)
            label.setContentsMargins(SPACE, SPACE // 2, SPACE, SPACE // 2)
            label.setTextFormat(Qt.TextFormat.PlainText)

    def take(self, left: QWidget, right: QWidget) -> None:
        """Holds these until `give_back`."""
        self._left, self._right = left, right
        left.setParent(self)
        right.setParent(self._clip)
        left.show()
        right.show()
        self._clip.raise_()
        self.divider.raise_()
        self.place()

    def give_back(self) -> None:
        self._left = self._right = None

    def set_names(self, left: str, right: str) -> None:
        for label, name in ((self.left_name, left), (self.right_name, right)):
            label.setText(name)
            label.setToolTip(name)
        self.place()

    def set_mode(self, mode: CompareMode, share: float) -> None:
        self.mode, self.share = mode, min(max(share, _LEAST), 1 - _LEAST)
        self.place()

    def place(self) -> None:
        top = self.left_name.sizeHint().height()
        width, height = self.width(), max(self.height() - top, 1)
        x = round(self.share * width)
        self.left_name.setGeometry(0, 0, x, top)
        self.right_name.setGeometry(x, 0, width - x, top)
        self.divider.setGeometry(x - GRIP // 2, top, GRIP, height)
        if self._left is None or self._right is None:
            return
        self._clip.setGeometry(x, top, width - x, height)
        if self.mode == "side":
            self._left.setGeometry(0, top, x, height)
            self._right.setGeometry(0, 0, width - x, height)
        else:
            self._left.setGeometry(0, top, width, height)
            self._right.setGeometry(-x, 0, width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place()

    def _dragged(self, x: float) -> None:
        self.set_mode(self.mode, x / max(self.width(), 1))
        self.divider_moved.emit()


class Divider(QWidget):
    """A line to be dragged with the mouse, or moved with the arrow keys while it has the focus."""

    dragged = Signal(float)  # x in the parent's px
    released = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip("Drag to move the divider")
        self.setAccessibleName("Divider")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapToParent(event.position()).x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -_KEY_STEP, Qt.Key.Key_Right: _KEY_STEP}.get(Qt.Key(event.key()))
        parent = self.parentWidget()
        if step is None or parent is None:
            super().keyPressEvent(event)
            return
        self.dragged.emit(self.x() + self.width() / 2 + step * parent.width())
        self.released.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.width() / 2
        painter.fillRect(QRectF(middle - 1.5, 0, 3, self.height()), QColor(0, 0, 0, 150))
        line = QColor(tokens().accent) if self.hasFocus() else QColor("white")
        painter.fillRect(QRectF(middle - 0.5, 0, 1, self.height()), line)
        grip = QRectF(middle - 5, self.height() / 2 - 18, 10, 36)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 1))
        painter.setBrush(line)
        painter.drawRoundedRect(grip, 5, 5)
        painter.setPen(QPen(QColor(40, 44, 48), 1.2))
        for offset in (-1.5, 1.5):
            x = middle + offset
            painter.drawLine(QPointF(x, self.height() / 2 - 7), QPointF(x, self.height() / 2 + 7))
