"""Decides how a polygon is drawn: a click for each corner; a double click, Enter or the first corner closes it."""

from __future__ import annotations

import math

from app.tools.corners import CornersTool
from app.tools.desk import Pointed
from core.drawing import Drawing, Point

_CLOSE_PX = 8.0  # on the screen


class PolygonTool(CornersTool):
    """A closed outline with its area."""

    def make(self, corners: list[Point]) -> Drawing | None:
        return Drawing("polygon", tuple(corners)) if len(corners) >= 3 else None

    def is_complete(self, at: Pointed) -> bool:
        return len(self.corners) >= 3 and math.dist(at.raw, self.corners[0]) * self.desk.zoom <= _CLOSE_PX
