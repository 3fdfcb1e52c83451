"""Decides how far camera tiles overlap where only their row and column are known: by matching neighbours' edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

Array = np.ndarray

_PAIRS = 7
_LEAST_AGREEING = 0.6
_TOLERANCE_PX = 2.0
_LEAST_SCORE = 0.8
_LARGEST_SHARE = 0.5
_STRIP_PX = 24


def measured_step(
    grid: Mapping[tuple[int, int], int], pixels: Callable[[int], Array], size_px: tuple[int, int], axis: int
) -> float | None:
    """Px from a tile to its neighbour along `axis` (0: x, 1: y); None where the pixels don't say so clearly.

    `grid` maps (column, row) to tiles' numbers, `pixels` gives a tile as (h, w, samples). The edge strip of one tile is
    sought in the neighbour (normalised cross-correlation); most of the pairs tried must agree within 2 px.
    """
    shift = (1, 0) if axis == 0 else (0, 1)
    pairs = [
        (tile, grid[c + shift[0], r + shift[1]])
        for (c, r), tile in grid.items()
        if (c + shift[0], r + shift[1]) in grid
    ]
    if not pairs:
        return None
    chosen = [pairs[k * len(pairs) // min(_PAIRS, len(pairs))] for k in range(min(_PAIRS, len(pairs)))]
    found = [_step(_grey(pixels(one), axis), _grey(pixels(other), axis)) for one, other in chosen]
    steps = [step for step in found if step is not None]
    if not steps:
        return None
    middle = float(np.median(steps))
    agreeing = sum(abs(step - middle) <= _TOLERANCE_PX for step in steps)
    return middle if agreeing >= max(1, _LEAST_AGREEING * len(chosen)) else None


def _grey(tile: Array, axis: int) -> Array:
    """(h, w) float32, turned so that neighbours lie left and right."""
    grey = tile.mean(axis=2, dtype=np.float32)
    return grey if axis == 0 else np.ascontiguousarray(grey.T)


def _step(left: Array, right: Array) -> float | None:
    """Where the right tile's first columns lie in the left one; None where that is doubtful."""
    height, width = left.shape
    margin, strip = height // 8, min(_STRIP_PX, max(4, width // 16))
    template = right[margin : height - margin, :strip]
    first = int(width * (1 - _LARGEST_SHARE))
    if min(template.shape) < 4 or template.std() < 1.0:
        return None
    scores = cv2.matchTemplate(left[:, first:], template, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, _) = cv2.minMaxLoc(scores)
    return float(first + x) if best >= _LEAST_SCORE else None
