"""Decides which cut boxes of two neighbouring tiles are the same object. Pure.

Both tiles see the strip around their border. Of a long object a box doesn't say where in the strip it lies, only that it
fills its box there, or goes through it from corner to corner, one way or the other. The two that agree best about it
are linked; a box that goes on may be linked to several, as a bow is that comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.geometry import Box
from core.project.fragments import Fragment

# What agrees less is something else.
_LEAST_AGREEMENT = 0.02


def agreeing(one: Fragment, mine: Sequence[Fragment], theirs: Sequence[Fragment]) -> list[Fragment]:
    """Those of a neighbour's fragments (`theirs`) that are the same object as one of a tile's (`mine`).

    The edges of such fragments name the strip that both tiles see.
    """
    best = _best(one, theirs)
    return [other for other in theirs if other is best or _best(other, mine) is one]


def _best(one: Fragment, others: Sequence[Fragment]) -> Fragment | None:
    agreed = [(_agreement(one, other), -other.id, other) for other in others]
    agreed = [rated for rated in agreed if rated[0] >= _LEAST_AGREEMENT]
    return max(agreed, key=lambda rated: rated[:2])[2] if agreed else None


def _agreement(one: Fragment, other: Fragment) -> float:
    """0 to 1: how alike the two see what lies in their strip."""
    if one.label != other.label or other.tile not in one.edges or one.tile not in other.edges:
        return 0.0
    (strip,) = one.edges[other.tile]
    return max(a.iou(b) for a, b in zip(_courses(one.box, strip), _courses(other.box, strip), strict=True))


def _courses(box: Box, strip: Box) -> Iterator[Box]:
    """Where an object may lie in the strip, for each way of going through its box."""
    common = box.intersection(strip) or Box(strip.x, strip.y, 0, 0)
    yield common
    left, right = ((x - box.x) / box.w for x in (common.x, common.x1))
    top, bottom = ((y - box.y) / box.h for y in (common.y, common.y1))
    yield _along(box, max(left, top), min(right, bottom), falling=True)
    yield _along(box, max(left, 1 - bottom), min(right, 1 - top), falling=False)


def _along(box: Box, start: float, end: float, *, falling: bool) -> Box:
    """The box around a part of the diagonal, `start` and `end` in shares of it from the left; empty when there is none."""
    end = max(start, end)
    y0, y1 = (start, end) if falling else (1 - end, 1 - start)
    return Box.from_edges(box.x + start * box.w, box.y + y0 * box.h, box.x + end * box.w, box.y + y1 * box.h)
