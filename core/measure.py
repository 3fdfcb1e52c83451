"""Decides how long, how large and how steep a drawing is, in px and, where the section's pixel size is known, in µm.

The pixel size may differ between x and y: lengths, areas and angles in µm are computed from points in µm. Angles count
anticlockwise on the screen. The area of an outline that crosses itself is the shoelace formula's: parts that run the
other way round are subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.drawing import Drawing, Point
from core.geometry import Box

PixelSize = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measures:
    """What can be said of a drawing; None where there is no such thing, or no pixel size.

    `length`: of a ruler or profile. `angle_deg`: of a line against the x axis, above -180 to 180; of three points
    between the legs, 0 to 180; true angles where the pixel size is known. `box`: level-0 px.
    """

    box: Box
    length_px: float | None = None
    length_um: float | None = None
    angle_deg: float | None = None
    area_px: float | None = None
    area_um2: float | None = None
    perimeter_px: float | None = None
    perimeter_um: float | None = None
    size_um: tuple[float, float] | None = None  # of `box`


def measure(drawing: Drawing, pixel_size_um: PixelSize | None) -> Measures:
    """`pixel_size_um`: (x, y) or None."""
    box, points = drawing.box, drawing.outline
    um = None if pixel_size_um is None else [in_um(point, pixel_size_um) for point in points]
    true = um or points
    size_um = None if pixel_size_um is None else (box.w * pixel_size_um[0], box.h * pixel_size_um[1])
    if drawing.is_angle:
        return Measures(box, angle_deg=angle_between(*true), size_um=size_um)
    if drawing.is_closed:
        return Measures(
            box,
            area_px=area(points),
            area_um2=None if um is None else area(um),
            perimeter_px=length(points, closed=True),
            perimeter_um=None if um is None else length(um, closed=True),
            size_um=size_um,
        )
    if drawing.kind == "point":
        return Measures(box)
    return Measures(
        box,
        length_px=length(points),
        length_um=None if um is None else length(um),
        angle_deg=axis_angle(*true),
        size_um=size_um,
    )


def in_um(point: Point, pixel_size_um: PixelSize) -> Point:
    """A level-0 point in µm from the section's corner."""
    return point[0] * pixel_size_um[0], point[1] * pixel_size_um[1]


def length(points: Sequence[Point], *, closed: bool = False) -> float:
    """Of the line through all points, back to the first if `closed`; in the points' unit."""
    way = [*points, points[0]] if closed else points
    return math.fsum(math.dist(a, b) for a, b in pairwise(way))


def area(points: Sequence[Point]) -> float:
    """Inside a closed outline, in the points' unit squared (shoelace formula, about the first point for precision)."""
    x0, y0 = points[0]
    ring = [(x - x0, y - y0) for x, y in points]
    twice = math.fsum(ax * by - bx * ay for (ax, ay), (bx, by) in pairwise([*ring, ring[0]]))
    return abs(twice) / 2


def axis_angle(start: Point, end: Point) -> float:
    """Degrees from the x axis to the way from `start` to `end`, anticlockwise on the screen (y runs down); 0 for none."""
    dx, dy = end[0] - start[0], start[1] - end[1]
    angle = math.degrees(math.atan2(dy, dx)) if dx or dy else 0.0
    return 180.0 if angle == -180.0 else angle + 0.0  # never -0


def angle_between(first: Point, corner: Point, last: Point) -> float:
    """Degrees between the legs from `corner`, 0 to 180; 0 where a leg has no length."""
    ax, ay = first[0] - corner[0], first[1] - corner[1]
    bx, by = last[0] - corner[0], last[1] - corner[1]
    return abs(math.degrees(math.atan2(ax * by - ay * bx, ax * bx + ay * by)))
