"""Decides how a point is set: by a click."""

from __future__ import annotations

from PySide6.QtCore import Qt

from app.tools.base import Tool
from app.tools.desk import Pointed
from core.drawing import Drawing


class PointTool(Tool):
    """One point with each click; held down, it can be moved until it is let go."""

    cursor = Qt.CursorShape.CrossCursor

    def press(self, at: Pointed) -> bool:
        self.desk.show(Drawing("point", (at.point,)), at)
        return True

    def move(self, at: Pointed, *, held: bool) -> bool:
        if held:
            self.desk.show(Drawing("point", (at.point,)), at)
        return True

    def release(self, at: Pointed) -> bool:
        self.desk.finish(Drawing("point", (at.point,)))
        return True

    def double_click(self, at: Pointed) -> bool:
        return self.press(at)

    def put_away(self) -> None:
        self.desk.show(None)
