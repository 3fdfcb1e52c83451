"""Decides where a point goes that is held to steps of 45°, to a square or to a box, seen from another point."""

from __future__ import annotations

import math

from core.drawing import Point
from core.geometry import Box


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


def clamped(point: Point, box: Box) -> Point:
    """The point of `box` nearest to it, edges included."""
    return min(max(point[0], box.x), box.x1), min(max(point[1], box.y), box.y1)


def shortened(origin: Point, point: Point, box: Box) -> Point:
    """The last point on the way from `origin` that lies in `box`: what is held to an angle keeps it.

    With an origin outside it is the nearest point of the box.
    """
    if clamped(origin, box) != origin:
        return clamped(point, box)
    share = 1.0
    for start, end, low, high in ((origin[0], point[0], box.x, box.x1), (origin[1], point[1], box.y, box.y1)):
        if not low <= end <= high:
            share = min(share, ((high if end > high else low) - start) / (end - start))
    return clamped((origin[0] + share * (point[0] - origin[0]), origin[1] + share * (point[1] - origin[1])), box)
