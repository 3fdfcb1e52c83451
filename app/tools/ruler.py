"""Decides how the ruler works: length and angle between two points."""

from __future__ import annotations

from app.tools.two_points import TwoPointTool


class RulerTool(TwoPointTool):
    """A line with its length."""

    kind = "ruler"
