"""Decides where a point goes that is held to steps of 45° or to a square, seen from another point."""

from __future__ import annotations

import math

from core.drawing import Point


def to_45_degrees(origin: Point, point: Point) -> Point:
    """The nearest point on one of the eight ways out of `origin` that are multiples of 45° on the screen."""
    dx, dy = point[0] - origin[0], point[1] - origin[1]
    turn = round(math.atan2(dy, dx) / (math.pi / 4)) * math.pi / 4
    ux, uy = math.cos(turn), math.sin(turn)
    along = dx * ux + dy * uy
    # Exactly level or upright, not almost.
    ux, uy = (0.0 if abs(u) < 1e-9 else u for u in (ux, uy))
    return origin[0] + along * ux, origin[1] + along * uy


def to_square(origin: Point, point: Point) -> Point:
    """The corner opposite `origin` of the square that is as large as the larger side of the box."""
    dx, dy = point[0] - origin[0], point[1] - origin[1]
    side = max(abs(dx), abs(dy))
    return origin[0] + math.copysign(side, dx), origin[1] + math.copysign(side, dy)
