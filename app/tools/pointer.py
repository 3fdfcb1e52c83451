"""Decides how drawings are taken hold of with no tool in hand: by their handles, by their lines, by the arrow keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.tools.base import Tool
from app.tools.desk import Desk, Pointed
from core.constrain import to_45_degrees, to_square
from core.drawing import Drawing, Point

_NUDGES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PointerTool(Tool):
    """Changes the selected drawing; everything else is the canvas's."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._held: Drawing | None = None  # as it was when it was taken
        self._handle: int | None = None  # None: the whole
        self._pressed: Pointed | None = None
        self._changed: Drawing | None = None  # not stored yet

    def press(self, at: Pointed) -> bool:
        self._store()
        chosen = self.desk.drawings.selected
        handle = self.desk.handle(at) if chosen is not None else None
        hit = self.desk.hit(at)
        if chosen is None or (handle is None and (hit is None or hit.id != chosen.id)):
            return False
        self._held, self._handle, self._pressed = chosen, handle, at
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        if self._held is None or self._pressed is None:
            self._show_what_is_here(at)
            return False
        if self._changed is not None or at.is_far_from(self._pressed):
            self._changed = self._dragged(self._held, self._pressed, at)
            self.desk.show(self._changed, at)
        return True

    def release(self, at: Pointed) -> bool:
        if self._held is None:
            return False
        self._held = self._pressed = None
        self._store()
        return True

    def double_click(self, at: Pointed) -> bool:
        return self.desk.hit(at) is not None

    def key(self, event: QKeyEvent) -> bool:
        chosen = self._changed or self.desk.drawings.selected
        if chosen is None:
            return False
        key = Qt.Key(event.key())
        if key in _NUDGES and not event.modifiers() & ~_ALLOWED:
            step = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            dx, dy = _NUDGES[key]
            self._changed = self.desk.moved_inside(chosen, step * dx, step * dy)
            self.desk.show(self._changed)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._held = self._pressed = self._changed = None
            self.desk.show(None)
            self.desk.drawings.remove()
        elif key == Qt.Key.Key_Escape:
            self._escape()
        else:
            return False
        return True

    def key_release(self, event: QKeyEvent) -> bool:
        """However long an arrow key was held, it is one step of undo."""
        if (
            Qt.Key(event.key()) not in _NUDGES
            or event.isAutoRepeat()
            or self._changed is None
            or self._held is not None
        ):
            return False
        self._store()
        return True

    def rest(self) -> None:
        """The arrow key that is held will be let go elsewhere."""
        self._store()

    def put_away(self) -> None:
        self._held = self._pressed = None
        self._store()
        self.desk.show(None)

    def _escape(self) -> None:
        if self._held is not None:  # it goes back to where it was
            self._held = self._pressed = self._changed = None
            self.desk.show(None)
        else:
            self.desk.drawings.select(None, "keys")

    def _store(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            self.desk.change(changed)

    def _dragged(self, held: Drawing, start: Pointed, at: Pointed) -> Drawing:
        if self._handle is not None:
            return held.with_handle(self._handle, self._constrained(held, at))
        to = to_45_degrees(start.raw, at.raw) if at.shift else at.raw
        dx, dy = to[0] - start.raw[0], to[1] - start.raw[1]
        if self.desk.drawings.snapping:
            dx, dy = round(dx), round(dy)
        return self.desk.moved_inside(held, dx, dy)

    def _constrained(self, held: Drawing, at: Pointed) -> Point:
        if not at.shift or self._handle is None or len(held.handles) == 1:
            return at.point
        if held.kind == "box":
            corner = held.handles[(self._handle + 2) % 4]
            return self.desk.held_inside(corner, to_square(corner, at.raw))
        before = held.handles[self._handle - 1]
        return self.desk.held_inside(before, to_45_degrees(before, at.raw))

    def _show_what_is_here(self, at: Pointed) -> None:
        hit = self.desk.hit(at)
        chosen = self.desk.drawings.selected_id
        if chosen is not None and self.desk.handle(at) is not None:
            self.desk.set_cursor(Qt.CursorShape.CrossCursor)
        elif hit is not None and hit.id == chosen:
            self.desk.set_cursor(Qt.CursorShape.SizeAllCursor)
        else:
            self.desk.set_cursor(Qt.CursorShape.PointingHandCursor if hit is not None else self.cursor)


_ALLOWED = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
