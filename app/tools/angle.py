"""Decides how an angle is drawn: an end, the corner, the other end."""

from __future__ import annotations

from app.tools.corners import CornersTool
from app.tools.desk import Pointed
from core.drawing import Drawing, Point


class AngleTool(CornersTool):
    """Two legs with the angle between them."""

    def make(self, corners: list[Point]) -> Drawing | None:
        return Drawing("ruler", tuple(corners)) if len(corners) == 3 else None

    def is_complete(self, at: Pointed) -> bool:
        return False

    @property
    def is_full(self) -> bool:
        return len(self.corners) == 3
