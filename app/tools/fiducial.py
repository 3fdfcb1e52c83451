"""Decides how places for the registration to the SEM are picked: a click where the loupe shows it, then moved or nudged."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from app.tools.base import Tool
from app.tools.desk import Desk, Pointed
from core.drawing import Point

REACH_PX = 10.0  # on the screen, how far beside a mark still takes it
_NUDGES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_NUDGE_PX = 0.125  # on the screen: 1 px of the loupe


class FiducialTool(Tool):
    """A click makes a fiducial, on the mark of one it selects that; held down, it can be moved until it is let go.

    Arrow keys move the selected one, Delete removes it.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._pressed: Pointed | None = None
        self._place: Point = (0.0, 0.0)  # of what was taken then
        self._is_moved = False

    def press(self, at: Pointed) -> bool:
        self._store_nudged()
        registration = self.desk.registration
        row = registration.nearest(*at.raw, REACH_PX / self.desk.zoom)
        self._pressed, self._place, self._is_moved = at, self.desk.inside(at.raw), row is None
        if row is not None:
            registration.select(row, "viewer")
            one = registration.fiducials[row]
            self._place = one.x_px, one.y_px
        registration.hold((row, *self._place))
        self.desk.magnify(self._place)
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        """Undo lets go of what is held."""
        pressed, now = self._pressed, self.desk.registration.held
        if held and pressed is not None and now is not None and (self._is_moved or at.is_far_from(pressed)):
            self._is_moved = True
            place = self._dragged(pressed, at)
            self.desk.registration.hold((now[0], *place))
            self.desk.magnify(place)
        else:
            self.desk.magnify(self.desk.inside(at.raw))
        return True

    def release(self, at: Pointed) -> bool:
        self._store()
        self._pressed = None
        return True

    def double_click(self, at: Pointed) -> bool:
        return self.press(at)

    def key(self, event: QKeyEvent) -> bool:
        key, registration = Qt.Key(event.key()), self.desk.registration
        if key == Qt.Key.Key_Escape and registration.held is not None:
            registration.hold(None)
            self._pressed = None
        elif key in _NUDGES and registration.selected_row is not None and self._pressed is None:
            self._nudge(registration.selected_row, *_NUDGES[key], fast=_has_shift(event))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and registration.selected_row is not None:
            registration.hold(None)
            registration.remove([registration.selected_row])
        else:
            return False
        return True

    def key_release(self, event: QKeyEvent) -> bool:
        """However long an arrow key was held, it is one step of undo."""
        if Qt.Key(event.key()) not in _NUDGES or event.isAutoRepeat():
            return False
        self._store_nudged()
        return True

    def rest(self) -> None:
        """The arrow key that is held will be let go elsewhere."""
        self._store_nudged()

    def put_away(self) -> None:
        self._store_nudged()
        self.desk.registration.hold(None)
        self._pressed = None
        self.desk.magnify(None)

    def _dragged(self, pressed: Pointed, at: Pointed) -> Point:
        """It keeps its distance from the pointer that took it."""
        dx, dy = at.raw[0] - pressed.raw[0], at.raw[1] - pressed.raw[1]
        return self.desk.inside((self._place[0] + dx, self._place[1] + dy))

    def _nudge(self, row: int, dx: int, dy: int, *, fast: bool) -> None:
        registration = self.desk.registration
        one, held = registration.fiducials[row], registration.held
        x, y = held[1:] if held is not None else (one.x_px, one.y_px)
        step = _NUDGE_PX * (10 if fast else 1) / self.desk.zoom
        place = self.desk.inside((x + step * dx, y + step * dy))
        registration.hold((row, *place))
        self.desk.magnify(place)

    def _store_nudged(self) -> None:
        if self._pressed is None:
            self._store()

    def _store(self) -> None:
        registration = self.desk.registration
        if registration.held is None:
            return
        row, x, y = registration.held
        registration.hold(None)
        if row is None:
            registration.add(x, y)
        else:
            registration.change(row, x_px=x, y_px=y)


def _has_shift(event: QKeyEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
