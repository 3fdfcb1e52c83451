"""Decides how what has several corners is drawn: a click for each, until there are enough or the user says so."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.tools.base import ENTER, Tool
from app.tools.desk import Desk, Pointed
from core.constrain import to_45_degrees
from core.drawing import Drawing, Point


class CornersTool(Tool):
    """Backspace takes back the last corner, Esc all of them; Shift holds the next to steps of 45° from the last."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.corners: list[Point] = []
        self._pressed: Pointed | None = None
        self._last: Pointed | None = None

    # -- for each of them to say ------------------------------------------------------------------

    def make(self, corners: list[Point]) -> Drawing | None:
        """The finished drawing; None while there are too few corners."""
        raise NotImplementedError

    def preview(self, corners: list[Point]) -> Drawing:
        """What is shown of one or two corners and the pointer."""
        return Drawing("ruler", (corners[0], corners[-1]))

    def is_complete(self, at: Pointed) -> bool:
        """Whether the corner that was just set was the last."""
        raise NotImplementedError

    # -- the mouse and the keys -------------------------------------------------------------------

    def press(self, at: Pointed) -> bool:
        self._pressed = at
        self._set_corner(at)
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        self._last = at
        self._show()
        return True

    def release(self, at: Pointed) -> bool:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.corners and at.is_far_from(pressed):
            self._set_corner(at)  # dragged from one corner to the next
        return True

    def double_click(self, at: Pointed) -> bool:
        """Its first click has set the last corner."""
        self._finish()
        return True

    def key(self, event: QKeyEvent) -> bool:
        if not self.corners:
            return False
        if event.key() in ENTER:
            self._finish()
        elif event.key() == Qt.Key.Key_Backspace:
            self.corners.pop()
            self._show()
        elif event.key() == Qt.Key.Key_Escape:
            self.put_away()
        else:
            return False
        return True

    def put_away(self) -> None:
        self.corners, self._pressed = [], None
        self.desk.show(None)

    def _held(self, at: Pointed) -> Point:
        if not at.shift or not self.corners:
            return at.point
        return self.desk.held_inside(self.corners[-1], to_45_degrees(self.corners[-1], at.raw))

    def _set_corner(self, at: Pointed) -> None:
        self._last = at
        complete = self.is_complete(at)
        if not complete:
            self.corners.append(self._held(at))
        if complete or self.is_full:
            self._finish()
        else:
            self._show()

    @property
    def is_full(self) -> bool:
        """Whether there can be no more corners."""
        return False

    def _finish(self) -> None:
        drawing = self.make(self.corners)
        if drawing is not None:
            self.corners = []
            self.desk.finish(drawing)

    def _show(self) -> None:
        if not self.corners or self._last is None:
            self.desk.show(None)
            return
        corners = [*self.corners, self._held(self._last)]
        self.desk.show(self.make(corners) or self.preview(corners), self._last)
