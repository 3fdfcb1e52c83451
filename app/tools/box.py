"""Decides how a box is drawn: from one corner to the opposite one, square with Shift."""

from __future__ import annotations

from app.tools.two_points import TwoPointTool
from core.constrain import to_square
from core.drawing import Point


class BoxTool(TwoPointTool):
    """A box with its area."""

    kind = "box"

    def constrain(self, origin: Point, point: Point) -> Point:
        return to_square(origin, point)
