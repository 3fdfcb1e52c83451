"""Decides which drawing, or which of its points, is meant by a level-0 point: the nearest line within reach."""

from __future__ import annotations

import math
from collections.abc import Iterable

from core.drawing import Drawing, Point


def distance_to(drawing: Drawing, x_px: float, y_px: float) -> float:
    """From a level-0 point to a drawing's lines (or its one point), in px. The inside of an outline is not the outline."""
    points = drawing.outline
    if len(points) == 1:
        return math.dist(points[0], (x_px, y_px))
    following = points[1:] + points[:1] if drawing.is_closed else points[1:]
    return min(_to_segment((x_px, y_px), a, b) for a, b in zip(points, following, strict=False))


def nearest(drawings: Iterable[Drawing], x_px: float, y_px: float, reach_px: float) -> Drawing | None:
    """The drawing whose line is nearest, at most `reach_px` away; of equally near ones the last."""
    best, best_distance = None, reach_px
    for drawing in drawings:
        box = drawing.box.grown(reach_px)
        if box.contains(x_px, y_px) and (distance := distance_to(drawing, x_px, y_px)) <= best_distance:
            best, best_distance = drawing, distance
    return best


def nearest_handle(drawing: Drawing, x_px: float, y_px: float, reach_px: float) -> int | None:
    """Which of its handles is nearest, at most `reach_px` away."""
    distances = [(math.dist(handle, (x_px, y_px)), index) for index, handle in enumerate(drawing.handles)]
    distance, index = min(distances, default=(math.inf, 0))
    return index if distance <= reach_px else None


def nearest_point(drawings: Iterable[Drawing], x_px: float, y_px: float, reach_px: float) -> Point | None:
    """The nearest corner or end of any drawing, at most `reach_px` away: what a new point snaps to."""
    near = (p for d in drawings if d.box.grown(reach_px).contains(x_px, y_px) for p in d.outline)
    best = min(near, key=lambda p: math.dist(p, (x_px, y_px)), default=None)
    return best if best is not None and math.dist(best, (x_px, y_px)) <= reach_px else None


def _to_segment(point: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    squared = dx * dx + dy * dy
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / squared if squared else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (a[0] + share * dx, a[1] + share * dy))
