"""Decides how a picture over the section is pulled into place: from where it shows something to where that really lies."""

from __future__ import annotations

from app.tools.desk import Pointed
from app.tools.two_points import TwoPointTool
from core.drawing import Point


class MatchTool(TwoPointTool):
    """The first point lies on the chosen picture, the second where the section shows the same."""

    def press(self, at: Pointed) -> bool:
        return super().press(at) if self._start is not None or self.desk.pictures.chosen_at(*at.raw) else False

    def done(self, start: Point, end: Point) -> None:
        self.desk.show(None)
        self.desk.pictures.add_match(start, end)
