"""Decides how what has two points is drawn: by a drag, or by two clicks with the mouse moved in between."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.tools.base import ENTER, Tool
from app.tools.desk import Desk, Pointed
from core.constrain import to_45_degrees
from core.drawing import Drawing, DrawingKind, Point


class TwoPointTool(Tool):
    """Esc lets go of the first point; Shift holds the second to steps of 45°."""

    kind: DrawingKind = "ruler"
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._start: Point | None = None
        self._pressed: Pointed | None = None
        self._last: Pointed | None = None

    def press(self, at: Pointed) -> bool:
        if self._start is None:
            self._start = at.point
        self._pressed = at
        self._show(at)
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        if self._start is not None:
            self._show(at)
        return True

    def release(self, at: Pointed) -> bool:
        pressed, self._pressed = self._pressed, None
        if self._start is None or pressed is None:
            return True
        end = self._held(at)
        if at.is_far_from(pressed) or (end != self._start and pressed.point != self._start):
            self._finish(end)
        return True

    def double_click(self, at: Pointed) -> bool:
        return self.press(at)

    def key(self, event: QKeyEvent) -> bool:
        if self._start is None:
            return False
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
            self.put_away()
            return True
        if event.key() in ENTER and self._last is not None:
            self._finish(self._held(self._last))
            return True
        return False

    def put_away(self) -> None:
        self._start = self._pressed = None
        self.desk.show(None)

    def constrain(self, origin: Point, point: Point) -> Point:
        """With Shift held."""
        return to_45_degrees(origin, point)

    def make(self, start: Point, end: Point) -> Drawing:
        return Drawing(self.kind, (start, end))

    def _held(self, at: Pointed) -> Point:
        if not at.shift or self._start is None:
            return at.point
        return self.desk.held_inside(self._start, self.constrain(self._start, at.raw))

    def _show(self, at: Pointed) -> None:
        self._last = at
        if self._start is not None:
            self.desk.show(self.make(self._start, self._held(at)), at)

    def _finish(self, end: Point) -> None:
        start, self._start = self._start, None
        if start is not None:
            self.done(start, end)

    def done(self, start: Point, end: Point) -> None:
        """Both points are known."""
        if start != end:
            self.desk.finish(self.make(start, end))
        else:
            self.desk.show(None)
