"""Decides which statistics describe the texture of a window for the models without a network.

Windows overlap, so what is counted is counted once for each cell of the picture, and a window's counts are sums over
its cells. Counts are whole numbers, so that a window's values don't depend on the tile it is read from.

Two kinds, both of the grey picture and both the same for a picture turned by 90°:

- "glcm": co-occurrence of grey levels (Haralick, Shanmugam & Dinstein 1973) at several distances; of each property the
  mean and the range over four angles, their "angular mean" and "range".
- "lbp": histograms of rotation-invariant uniform local binary patterns at several radii (Ojala, Pietikäinen & Mäenpää
  2002, LBP^riu2), each as shares that add up to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Array = np.ndarray

LEVELS = 8
DISTANCES_PX = (1, 2, 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "entropy", "correlation", "mean", "std")
RINGS = ((8, 1.0), (16, 2.0), (24, 3.0))  # samples on a circle, its radius in px
# Places between two pixels that a sample may lie at.
_STEPS_PER_PX = 256
# How far from a pixel what is counted at it lies, at most.
REACH_PX = 4

GLCM, LBP = "glcm", "lbp"
WIDTHS = {GLCM: len(DISTANCES_PX) * len(PROPERTIES) * 2, LBP: sum(samples + 2 for samples, _ in RINGS)}
# (row, column) steps of skimage's angles 0°, 45°, 90°, 135°, each pair counted both ways.
_STEPS = ((0, 1), (1, 1), (1, 0), (1, -1))


def width_of(kinds: Sequence[str]) -> int:
    """How many numbers `window_features` gives for a window."""
    return sum(WIDTHS[kind] for kind in kinds)


def window_features(pixels: Array, window_px: int, stride_px: int, kinds: Sequence[str]) -> Array:
    """Texture of every whole window of a picture.

    Args:
        pixels: (h, w, 3) uint8 RGB, mirrored where something beyond its edge is looked at.
        window_px: side of a window, at most h and w; stride_px: from one window to the next; it divides `window_px`.
        kinds: of `WIDTHS`, in order.
    Returns:
        (rows, columns, `width_of(kinds)`) float64; the first window begins at the picture's first pixel.
    """
    side = window_px // stride_px
    height, width = (n // stride_px * stride_px for n in pixels.shape[:2])
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[:height, :width]), cv2.COLOR_RGB2GRAY)
    wide = cv2.copyMakeBorder(grey, REACH_PX, REACH_PX, REACH_PX, REACH_PX, cv2.BORDER_REFLECT_101)
    parts = {GLCM: _glcm, LBP: _lbp}
    return np.concatenate([parts[kind](wide, stride_px, side) for kind in kinds], axis=-1)


def _glcm(wide: Array, cell: int, side: int) -> Array:
    from skimage.feature import graycoprops

    levels = wide.astype(np.int64) * LEVELS >> 8
    inner = _inner(levels)
    properties = []
    for distance in DISTANCES_PX:
        for row, column in _STEPS:
            there = _inner(levels, row * distance, column * distance)
            pairs = _summed(_counts(inner * LEVELS + there, LEVELS**2, cell), side)
            shape = pairs.shape[:2]
            pairs = pairs.reshape(-1, LEVELS, LEVELS)
            both_ways = np.ascontiguousarray((pairs + pairs.swapaxes(1, 2)).transpose(1, 2, 0))[..., None]
            properties.append(np.stack([graycoprops(both_ways, name)[:, 0] for name in PROPERTIES], -1))
    by_angle = np.stack(properties).reshape(len(DISTANCES_PX), len(_STEPS), *shape, len(PROPERTIES))
    both = np.concatenate([by_angle.mean(1), np.ptp(by_angle, 1)], -1)
    return np.moveaxis(both, 0, 2).reshape(*shape, WIDTHS[GLCM])


def _lbp(wide: Array, cell: int, side: int) -> Array:
    shares = []
    for samples, radius in RINGS:
        patterns = _patterns(wide, samples, radius)
        shares.append(_summed(_counts(patterns, samples + 2, cell), side) / (side * cell) ** 2)
    return np.concatenate(shares, axis=-1)


def _patterns(wide: Array, samples: int, radius: float) -> Array:
    """Of each pixel: how many of the samples around it are at least as bright, or samples + 1 where they change oftener
    than twice.

    As `skimage.feature.local_binary_pattern` with "uniform", but in whole numbers: there, rounding decides about equals
    by where in the picture they lie, and a tile would show another pattern than its neighbour at the same place.
    """
    values = wide.astype(np.int32)
    middle = _inner(values) * _STEPS_PER_PX**2
    angles = 2 * np.pi * np.arange(samples) / samples
    bits = [_sampled(values, -radius * np.sin(a), radius * np.cos(a)) >= middle for a in angles]
    ones, changes = np.zeros((2, *middle.shape), np.uint8)
    for bit, before in zip(bits, [bits[-1], *bits[:-1]], strict=True):
        ones += bit
        changes += bit != before
    return np.where(changes <= 2, ones, samples + 1).astype(np.int64)


def _sampled(values: Array, down: float, right: float) -> Array:
    """The picture moved, between pixels bilinear, times `_STEPS_PER_PX`²."""
    (row, y), (column, x) = (divmod(round(at * _STEPS_PER_PX), _STEPS_PER_PX) for at in (down, right))
    found = np.zeros((), np.int32)
    for at_row, of_rows in ((row, _STEPS_PER_PX - y), (row + 1, y)):
        for at_column, of_columns in ((column, _STEPS_PER_PX - x), (column + 1, x)):
            if of_rows and of_columns:
                found = found + _inner(values, at_row, at_column) * (of_rows * of_columns)
    return found


def _inner(wide: Array, down: int = 0, right: int = 0) -> Array:
    """The picture without its border, moved."""
    height, width = (n - 2 * REACH_PX for n in wide.shape)
    return wide[REACH_PX + down : REACH_PX + down + height, REACH_PX + right : REACH_PX + right + width]


def _counts(codes: Array, kinds: int, cell: int) -> Array:
    """How often each code occurs in each cell: (rows, columns, kinds) int64."""
    rows, columns = (n // cell for n in codes.shape)
    number = np.arange(rows)[:, None].repeat(cell, 0) * columns + np.arange(columns).repeat(cell)
    return np.bincount((number * kinds + codes).ravel(), minlength=rows * columns * kinds).reshape(rows, columns, kinds)


def _summed(counts: Array, side: int) -> Array:
    """Sums over side × side cells, for each place where so many begin."""
    for axis in (0, 1):
        ends = np.cumsum(np.insert(counts, 0, 0, axis), axis)
        counts = np.take(ends, range(side, ends.shape[axis]), axis) - np.take(
            ends, range(ends.shape[axis] - side), axis
        )
    return counts
