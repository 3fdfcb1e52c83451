"""Decides which local statistics describe a texture: ten numbers per cell, at four scales of the same image.

All are invariant to rotation, so that a wound or tilted layer is the same texture everywhere. Each scale is the same
computation on the image reduced 1, 2, 4 and 8 times; a cell is 8 px of its scale wide and looks at 16 px around.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

Array = np.ndarray

SCALES = (1, 2, 4, 8)
CELL_PX = 8
FEATURES = ("red_green", "yellow_blue", "mean", "darkest", "brightest", "grain", "bright", "dark", "edges", "direction")

# Greys below which a difference is noise; keeps logarithms of flat regions quiet.
_NOISE = 2.0
# Rows of cells computed at once, so that what lies between stays in the processor's cache.
_STRIP = 32
_MARGIN = 2  # cells around a strip: more than `REACH_PX` beyond them
_COLOURS = np.array([[1, -1, 0], [0.5, 0.5, -1]], np.float32)  # red against green, yellow against blue


def texture_features(pixels: Array, unwanted_px: Sequence[int] = (0, 0, 0, 0)) -> list[Array]:
    """Local statistics of an image at each of `SCALES`.

    Args:
        pixels: (h, w, 3) uint8 RGB; h and w are multiples of `CELL_PX` · the coarsest scale.
        unwanted_px: for each scale how wide a border is needed for coarser ones alone; whole cells of the scale.
    Returns:
        for scale s an array (h' / 8s, w' / 8s, len(FEATURES)) float32, h' and w' without the border. A cell's values
        depend on the pixels at most `REACH_PX` · s from its own.
    """
    values = pixels.astype(np.float32)
    grey = cv2.transform(values, np.full((1, 3), 1 / 3, np.float32))
    size = (grey.shape[1] // 4, grey.shape[0] // 4)
    colours = cv2.transform(cv2.resize(values, size, interpolation=cv2.INTER_AREA), _COLOURS)
    found = []
    for scale, border_px in zip(SCALES, unwanted_px, strict=True):
        if scale > 1:
            grey, colours = _half(grey), _half(colours)
        found.append(_at_scale(grey, colours, border_px // (CELL_PX * scale)))
    return found


# The window beyond the cell, and the widest filters before it: 4 + 6, or 3 + 1.
REACH_PX = 10


def _half(values: Array) -> Array:
    return cv2.resize(values, (values.shape[1] // 2, values.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _at_scale(grey: Array, colours: Array, border: int) -> Array:
    """Of cells that are not among the outermost `border`; grey at each px of the scale, colours at every fourth."""
    rows, columns = (n // CELL_PX for n in grey.shape)
    inner = slice(border, columns - border)
    return np.concatenate([_of_strip(grey, colours, strip, inner) for strip in _strips(border, rows - border)])


def _strips(first: int, end: int) -> Iterator[slice]:
    return (slice(start, min(start + _STRIP, end)) for start in range(first, end, _STRIP))


def _of_strip(grey: Array, colours: Array, rows: slice, columns: slice) -> Array:
    (y, inner_rows), (x, inner_columns) = (
        _framed(part, n // CELL_PX) for part, n in zip((rows, columns), grey.shape, strict=True)
    )
    cells = _cells(_px(grey, y, x, CELL_PX), _px(colours, y, x, CELL_PX // 4))
    return cells[inner_rows, inner_columns]


def _framed(part: slice, cells: int) -> tuple[slice, slice]:
    """A part of so many cells with its margin, and where it lies in that."""
    start = max(0, part.start - _MARGIN)
    return slice(start, min(cells, part.stop + _MARGIN)), slice(part.start - start, part.stop - start)


def _px(values: Array, rows: slice, columns: slice, cell: int) -> Array:
    return values[rows.start * cell : rows.stop * cell, columns.start * cell : columns.stop * cell]


def _cells(grey: Array, colours: Array) -> Array:
    fine = cv2.GaussianBlur(grey, (7, 7), 1.0)
    band = cv2.GaussianBlur(grey, (13, 13), 2.0)
    np.subtract(fine, band, out=band)
    gx = cv2.Sobel(fine, cv2.CV_32F, 1, 0)
    gy = cv2.Sobel(fine, cv2.CV_32F, 0, 1)
    product = np.empty_like(grey)  # each is only needed until it is pooled
    steepness = np.float32(1 / 64)  # a Sobel filter's sum is 8 times a slope
    xx, yy, xy = (
        _pooled(np.multiply(one, other, out=product)) * steepness for one, other in ((gx, gx), (gy, gy), (gx, gy))
    )
    energy = xx + yy
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (energy + 0.5)
    colour = _pairs(colours)
    return np.stack(
        [
            colour[..., 0],
            colour[..., 1],
            _pooled(grey),
            _of_cells(np.minimum, fine),
            _of_cells(np.maximum, fine),
            _loudness(_pooled(_squared(np.subtract(grey, fine, out=product)))),
            _loudness(_pooled(_squared(np.maximum(band, 0, out=product)))),
            _loudness(_pooled(_squared(np.minimum(band, 0, out=product)))),
            _loudness(energy),
            10 * coherence,
        ],
        axis=-1,
    )


def _squared(values: Array) -> Array:
    return np.multiply(values, values, out=values)


def _pooled(values: Array) -> Array:
    """Mean over the 16 × 16 px around each cell's centre: from means over 4 × 4 px, so that rounding stays local."""
    return _pairs(_half(_half(values)))


def _pairs(quarters: Array) -> Array:
    """Of means over 4 × 4 px those over the 4 × 4 of them around each cell's centre."""
    pairs = _half(cv2.copyMakeBorder(quarters, 1, 1, 1, 1, cv2.BORDER_REFLECT))
    return (pairs[:-1, :-1] + pairs[:-1, 1:] + pairs[1:, :-1] + pairs[1:, 1:]) / 4


def _of_cells(higher: np.ufunc, values: Array) -> Array:
    """The highest, or lowest, value in each cell."""
    return _of_eight_rows(higher, cv2.transpose(_of_eight_rows(higher, values))).T


def _of_eight_rows(higher: np.ufunc, values: Array) -> Array:
    for _ in range(3):
        values = higher(values[0::2], values[1::2])
    return values


def _loudness(power: Array) -> Array:
    """A standard deviation on a logarithmic scale: a texture twice as rough is as far off whatever its roughness."""
    return 4 * np.log2(np.sqrt(power) + _NOISE)
