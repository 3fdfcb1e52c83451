"""Decides how pixels become area means: exactly, in whole numbers, and at the section's edge over what exists.

The means at 1:4, 1:8 and 1:16 equal those that `Section.read` takes from level 0: the sums behind them are exact (16 bits
hold those of 16 × 16 8-bit px, float32's 24 bits those of 16 × 16 16-bit px), and each is rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from core.overview_layout import DIRECT

Array = np.ndarray

_LARGEST = DIRECT[-1]
_PIECE_ROWS, _PIECE_VALUES = 64, 384 << 10  # at a time: what is between px and sums stays in the processor's cache


def direct_means(pixels: Array, scales: Sequence[int] = DIRECT) -> dict[int, Array]:
    """Means over 4 × 4, 8 × 8 and 16 × 16 px of (h, w, samples) uint8 or uint16, those of them that `scales` names.

    The corner lies on a multiple of 16. Where h or w is no multiple, the section ends there, and the last cells are means
    over fewer px.
    """
    height, width, samples = pixels.shape
    missing = -height % _LARGEST, -width % _LARGEST
    if any(missing):
        pixels = cv2.copyMakeBorder(pixels, 0, missing[0], 0, missing[1], cv2.BORDER_CONSTANT, value=0)
        pixels = pixels.reshape(*pixels.shape[:2], samples)
    bytes_only = pixels.dtype == np.uint8
    cells = _by_four(pixels)
    found = {}
    for scale in DIRECT:
        if scale > DIRECT[0]:
            cells = _halved(cells << 2 if bytes_only else cells)
        if scale in scales:
            mean = _whole(cells, scale, samples)
            if any(missing):
                _mend_edges(mean, cells, scale, height, width)
            found[scale] = mean[: -(-height // scale), : -(-width // scale)]
    return found


def _by_four(pixels: Array) -> Array:
    """uint8 → sums over 4 × 4 px as uint16; uint16 → means over 4 × 4 px as float32, both exact."""
    height, width, samples = pixels.shape
    bytes_only = pixels.dtype == np.uint8
    out = np.empty((height // 4, width // 4, samples), np.uint16 if bytes_only else np.float32)
    columns = _PIECE_VALUES // _PIECE_ROWS // samples // 4 * 4
    for top in range(0, height, _PIECE_ROWS):
        for left in range(0, width, columns):
            piece = pixels[top : top + _PIECE_ROWS, left : left + columns]
            # Four bits to the left, the mean of sixteen is their sum.
            wide = np.left_shift(piece, 4, dtype=np.uint16) if bytes_only else piece.astype(np.float32)
            out[top // 4 : (top + _PIECE_ROWS) // 4, left // 4 : (left + columns) // 4] = _halved(_halved(wide))
    return out


def _halved(cells: Array) -> Array:
    rows, columns, samples = cells.shape
    size = columns // 2, rows // 2
    return cv2.resize(cells, size, interpolation=cv2.INTER_AREA).reshape(rows // 2, columns // 2, samples)


def _whole(cells: Array, scale: int, samples: int) -> Array:
    """Rounded to the nearest whole value, halves to the even one."""
    if cells.dtype == np.uint16:
        return cv2.convertScaleAbs(cells, alpha=1 / (scale * scale)).reshape(*cells.shape[:2], samples)
    return np.rint(cells).astype(np.uint16)


def _mend_edges(mean: Array, cells: Array, scale: int, height: int, width: int) -> None:
    """The last row and column counted missing px as 0; here they count only what exists."""
    tall, wide = _px_in(height, scale, len(cells)), _px_in(width, scale, cells.shape[1])
    area = scale * scale if cells.dtype == np.float32 else 1
    row, column = (height - 1) // scale, (width - 1) // scale
    for place in ((slice(row, row + 1), slice(column + 1)), (slice(row + 1), slice(column, column + 1))):
        counts = np.multiply.outer(tall[place[0]], wide[place[1]])[..., None]
        mean[place] = np.rint(cells[place].astype(np.float64) * area / counts)


def _px_in(size: int, scale: int, count: int) -> Array:
    """How many px of each of `count` cells of `scale` px lie inside [0, size)."""
    return np.clip(size - scale * np.arange(count), 0, scale)


def coarse_means(cells: Array, factor: int, share_y: Array, share_x: Array) -> Array:
    """Means over factor × factor cells of (h, w, samples), each counted by its share (h,) · (w,) of the section.

    Cells are rounded already, so a mean is off by at most half a grey level before it is rounded itself.
    """
    height, width, samples = cells.shape
    weight = np.multiply.outer(share_y, share_x).astype(np.float32)[..., None]
    border = (0, -height % factor, 0, -width % factor)
    sums = _area(cv2.copyMakeBorder(cells.astype(np.float32) * weight, *border, cv2.BORDER_CONSTANT, value=0), factor)
    parts = _area(cv2.copyMakeBorder(weight, *border, cv2.BORDER_CONSTANT, value=0), factor)
    rows, columns = parts.shape[:2]
    mean = sums.reshape(rows, columns, samples) / parts.reshape(rows, columns, 1)
    return np.rint(mean).astype(cells.dtype)


def share_of_cells(start: int, count: int, scale: int, size: int) -> Array:
    """The share of each of `count` cells of `scale` px, from cell `start` on, that lies inside [0, size)."""
    return np.clip((size - scale * np.arange(start, start + count)) / scale, 0.0, 1.0).astype(np.float32)


def _area(values: Array, factor: int) -> Array:
    rows, columns = values.shape[0] // factor, values.shape[1] // factor
    return cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
