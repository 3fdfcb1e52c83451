"""Decides how a profile is drawn: a line as wide as the profile before it, along which grey values are read."""

from __future__ import annotations

from app.tools.two_points import TwoPointTool
from core.drawing import Drawing, Point


class ProfileTool(TwoPointTool):
    """A line with a width."""

    kind = "profile"

    def make(self, start: Point, end: Point) -> Drawing:
        last = next((d for d in reversed(self.desk.drawings.items) if d.kind == "profile"), None)
        return Drawing("profile", (start, end), width_px=last.width_px if last is not None else 1.0)
