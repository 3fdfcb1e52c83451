"""Decides what the outline of a finding is: one ring of corners; how it is read from a mask, cut, and joined with others.

Also how outlines lie beside boxes in what a model finds in a tile (`core.models.base.Model.find_boxes`): after a box's six
columns the corners, x and y in turn, always `CORNERS` of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from core.geometry import Box

Array = np.ndarray
Outline = tuple[tuple[float, float], ...]

# A circle loses 0.6 % of its area to so many corners.
CORNERS = 32
BOX_COLUMNS = 6
COLUMNS = BOX_COLUMNS + 2 * CORNERS
# Rings that are joined are drawn this finely at least; finer than the masks of any network.
_DRAWN_PX = 512


def corners_of(rows: Array) -> Array:
    """(n, CORNERS, 2) of rows with outlines, (n, 0, 2) of rows without."""
    return rows[:, BOX_COLUMNS:].reshape(len(rows), (rows.shape[1] - BOX_COLUMNS) // 2, 2)


def placed(rows: Array, x: float, y: float, scale: float, within: Box) -> Array:
    """Boxes and outlines in px of a tile whose corner is at (x, y), in another frame: moved, scaled, cut to a box there.

    Those of which nothing is left there are dropped.
    """
    moved = rows.astype(np.float32)
    for first, corner, low, high in ((0, x, within.x, within.x1), (1, y, within.y, within.y1)):
        columns = [first, first + 2, *range(BOX_COLUMNS + first, rows.shape[1], 2)]
        moved[:, columns] = ((moved[:, columns] + np.float32(corner)) * np.float32(scale)).clip(low, high)
    left = (moved[:, 2:4] > moved[:, :2]).all(1)
    if moved.shape[1] > BOX_COLUMNS:
        left &= _doubled_areas(corners_of(moved)) > 0
    return moved[left]


def ring_around(mask: Array, box: Box) -> Array | None:
    """The outer border of the largest part of a soft mask that lies over a box, where it crosses one half.

    Args:
        mask: (rows, columns) float, 0 to 1, evenly over the box.
    Returns:
        (CORNERS, 2) float32, evenly along the border, in the box's frame; None where nothing reaches one half.
    """
    from skimage.measure import find_contours

    rings = find_contours(np.pad(mask, 1), 0.5)
    if not rings:
        return None
    ring = (
        max(rings, key=lambda one: _doubled_areas(one[None])[0])[:, ::-1] - 0.5
    )  # a cell's middle lies half a cell in
    height, width = mask.shape
    shares = ring.clip(0, (width, height)) / (width, height)
    return evenly(shares * (box.w, box.h) + (box.x, box.y))


def _doubled_areas(rings: Array) -> Array:
    """(n,) of rings (n, k, 2)."""
    x, y = np.moveaxis(rings - rings[:, :1], 2, 0).astype(np.float64)
    return np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(1))


def evenly(ring: Array, count: int = CORNERS) -> Array:
    """(count, 2) float32: a closed ring's points, so many, as far from each other along it."""
    closed = np.concatenate([ring, ring[:1]])
    way = np.concatenate([[0.0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    at = np.linspace(0, way[-1], count, endpoint=False)
    return np.stack([np.interp(at, way, closed[:, i]) for i in (0, 1)], axis=1).astype(np.float32)


def as_outline(ring: Array) -> Outline:
    return tuple((float(x), float(y)) for x, y in ring)


def cut(outline: Outline, box: Box) -> Outline:
    """The part of an outline that lies in a box (Sutherland and Hodgman 1974); empty where none does."""
    ring = list(outline)
    for axis, limit, keeps_above in ((0, box.x, True), (0, box.x1, False), (1, box.y, True), (1, box.y1, False)):
        kept: list[tuple[float, float]] = []
        for one, other in zip(ring, [*ring[1:], *ring[:1]], strict=True):
            inside, follows = ((p[axis] >= limit) == keeps_above or p[axis] == limit for p in (one, other))
            if inside:
                kept.append(one)
            if inside != follows:
                share = (limit - one[axis]) / (other[axis] - one[axis])
                kept.append((one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])))
        ring = kept
    return tuple(ring)


def joined(outlines: Sequence[Outline]) -> Outline:
    """One ring around outlines that touch each other; around the largest part where they don't."""
    known = [one for one in outlines if len(one) > 2]
    if len(known) < 2:
        return known[0] if known else ()
    low, high = (pick(np.concatenate([np.array(one) for one in known]), axis=0) for pick in (np.min, np.max))
    step = max(*(high - low), 1e-3) / _DRAWN_PX
    drawn = np.zeros(np.ceil((high - low) / step).astype(int)[::-1] + 1, np.uint8)
    for one in known:
        cv2.fillPoly(drawn, [np.rint((np.array(one) - low) / step).astype(np.int32)], 1)
    size = np.array(drawn.shape[::-1]) * step
    ring = ring_around(drawn.astype(float), Box(low[0] - step / 2, low[1] - step / 2, size[0], size[1]))
    return as_outline(ring) if ring is not None else ()


def overlap(one: Outline, other: Outline) -> float:
    """IoU of what two outlines enclose, 0 to 1; on a raster of px, coarser for large ones."""
    if len(one) < 3 or len(other) < 3:
        return 0.0
    points = np.array([*one, *other])
    low, high = points.min(0), points.max(0)
    step = max(float((high - low).max()) / _DRAWN_PX, 1 / 4)
    width, height = (int(n) + 1 for n in np.ceil((high - low) / step))
    a, b = (drawn((np.array(each) - low) / step, width, height) for each in (one, other))
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 0.0


def drawn(outline: Sequence[tuple[float, float]] | Array, width: int, height: int) -> Array:
    """(height, width) uint8: 1 where the middle of a px lies within an outline given in these px."""
    from skimage.draw import polygon

    mask = np.zeros((height, width), np.uint8)
    if len(outline) > 2:
        x, y = np.asarray(outline, float).T - 0.5  # a px is [i, i + 1), its middle what is asked about
        mask[polygon(y, x, mask.shape)] = 1
    return mask
