"""Decides how an area is outlined by a free hand: the button held down, closed when it is let go."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent

from app.tools.base import Tool
from app.tools.desk import Desk, Pointed
from core.drawing import Drawing, Point

_STEP_PX = 3.0  # on the screen, between two points of the outline


class AreaTool(Tool):
    """A closed outline with its area. Esc throws it away."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._points: list[Point] = []
        self._last = QPointF()

    def press(self, at: Pointed) -> bool:
        self._points, self._last = [at.point], at.view
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        if held and self._points and (at.view - self._last).manhattanLength() >= _STEP_PX:
            self._points.append(at.point)
            self._last = at.view
            self._show(at)
        return True

    def release(self, at: Pointed) -> bool:
        drawing = self._made()
        self._points = []
        if drawing is not None:
            self.desk.finish(drawing)
        else:
            self.desk.show(None)
        return True

    def double_click(self, at: Pointed) -> bool:
        return self.press(at)

    def key(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Escape or not self._points:
            return False
        self.put_away()
        return True

    def put_away(self) -> None:
        self._points = []
        self.desk.show(None)

    def _made(self) -> Drawing | None:
        return Drawing("area", tuple(self._points)) if len(self._points) >= 3 else None

    def _show(self, at: Pointed) -> None:
        drawing = self._made()
        if drawing is not None:
            self.desk.show(drawing, at)
