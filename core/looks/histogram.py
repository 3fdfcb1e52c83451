"""Decides how often each stored value occurs in what is in sight, and how that is drawn as bars."""

from __future__ import annotations

import numpy as np

from core.section import Array


def value_counts(pixels: Array) -> Array:
    """(h, w, samples) uint8 or uint16 → (samples, 256 or 65536) int64. Gaps of a mosaic (all samples 0) don't count."""
    size = np.iinfo(pixels.dtype).max + 1
    known = pixels[(pixels > 0).any(axis=2)]
    return np.stack([np.bincount(known[:, s], minlength=size) for s in range(pixels.shape[2])])


def axis_ends(counts: Array | None, low: int, high: int, largest: int) -> tuple[int, int]:
    """From where to where values are drawn: all of 8 bits; of 16 those that occur and the ends of the curve, with room."""
    if largest <= 255:
        return 0, largest
    found = np.flatnonzero(counts.any(axis=0)) if counts is not None else np.array([], int)
    first, last = (min(low, int(found[0])), max(high, int(found[-1]))) if found.size else (low, high)
    room = max((last - first) // 12, 2)
    return max(first - room, 0), min(last + room, largest)


def bars(counts: Array, first: int, last: int, columns: int, *, logarithmic: bool) -> Array:
    """(samples, n) counts → (samples, columns) heights 0 to 1 of the values first … last, the highest bar being 1.

    The first and last value of the type are left out of the scale: they hold all that is under- or overexposed.
    """
    columns = max(min(columns, last - first + 1), 1)
    edges = np.linspace(first, last + 1, columns + 1).astype(int)
    sums = np.concatenate([np.zeros((len(counts), 1), np.int64), np.cumsum(counts, axis=1)], axis=1)
    heights = np.diff(sums[:, edges], axis=1) / np.maximum(np.diff(edges), 1)
    if logarithmic:
        heights = np.log1p(heights)
    inner = heights[:, 1:-1] if columns > 2 else heights
    return np.clip(heights / (inner.max(initial=0) or heights.max(initial=0) or 1.0), 0, 1)
