"""Decides which cut boxes of two neighbouring tiles are the same object. Pure.

Both tiles see the strip around their border. Of a long object a box doesn't say where in the strip it lies, only that it
goes through its box from corner to corner, one way or the other, or else fills it. Of all ways to pair the boxes of the
two tiles, the one counts whose pairs agree best about this; no box belongs to two pairs. So two objects side by side stay
two, but one that turns back in the strip itself may be found as two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.geometry import Box
from core.project.fragments import Fragment

Array = np.ndarray

# What agrees less is something else.
_LEAST_AGREEMENT = 0.02
# That both fill their boxes says less than that both go through them the same way.
_WORTH_OF_FILLING = 0.5


def agreeing(one: Fragment, mine: Sequence[Fragment], theirs: Sequence[Fragment]) -> list[Fragment]:
    """That of a neighbour's fragments (`theirs`) which is the same object as one of a tile's (`mine`), if any.

    The edges of such fragments name the strip that both tiles see.
    """
    pairs = _pairs(mine, theirs) if theirs and one.tile < theirs[0].tile else _pairs(theirs, mine)
    return [a if b is one else b for a, b in pairs if a is one or b is one]


def _pairs(some: Sequence[Fragment], others: Sequence[Fragment]) -> list[tuple[Fragment, Fragment]]:
    """Pairs with the greatest sum of agreements, the same in whatever order the fragments were stored."""
    some, others = (sorted(each, key=lambda one: (one.label, one.box)) for each in (some, others))
    agreements = np.array([[_agreement(a, b) for b in others] for a in some]).reshape(len(some), len(others))
    agreements[agreements < _LEAST_AGREEMENT] = 0
    return [(some[i], others[j]) for i, j in zip(*_best_pairs(agreements), strict=True) if agreements[i, j] > 0]


def _best_pairs(agreements: Array) -> tuple[Array, Array]:
    """Rows and columns of the pairs with the highest sum, each row and column in one pair at most."""
    rows, columns = np.nonzero(agreements)
    if len(set(rows.tolist())) == len(rows) == len(set(columns.tolist())):
        return rows, columns  # nothing to choose, as nearly always; SciPy takes long to load
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(agreements, maximize=True)


def _agreement(one: Fragment, other: Fragment) -> float:
    """0 to 1: how alike the two see what lies in their strip."""
    if one.label != other.label or other.tile not in one.edges or one.tile not in other.edges:
        return 0.0
    (strip,) = one.edges[other.tile]
    filled, *through = (a.iou(b) for a, b in zip(_courses(one.box, strip), _courses(other.box, strip), strict=True))
    return max(_WORTH_OF_FILLING * filled, *through)


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
