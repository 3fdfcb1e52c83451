"""Decides how local contrast is raised for the eye: contrast-limited adaptive histogram equalisation (Zuiderveld 1994).

The grid of its tables is fixed to the section and made from an overview of it, so the same place looks the same in every
tile and at every level.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from core.section import Array, RegionRequest

_CELLS = 24  # along the longer side
_MOST_SLOPE = 6.0  # by which differences grow at most, at full strength


@dataclass(frozen=True, slots=True, eq=False)
class ContrastGrid:
    """`tables` (rows, columns, 256) float32: what becomes of each brightness in the middle of each cell.

    A cell is `side_px` level-0 px wide and high; between middles it is interpolated.
    """

    tables: Array
    side_px: float

    def applied(self, shown: Array, request: RegionRequest) -> Array:
        """(h, w, 1 or 3) uint8 as drawn for `request`; of colours only their brightness is changed."""
        if shown.shape[2] == 1:
            return self._equalised(shown[..., 0], request)[..., None]
        luma = cv2.cvtColor(shown, cv2.COLOR_RGB2YCrCb)
        luma[..., 0] = self._equalised(np.ascontiguousarray(luma[..., 0]), request)
        return cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB)

    def _equalised(self, grey: Array, request: RegionRequest) -> Array:
        out = np.empty_like(grey)
        columns = self._places(request.x, request.downsample, grey.shape[1], self.tables.shape[1])
        rows = self._places(request.y, request.downsample, grey.shape[0], self.tables.shape[0])
        for top, bottom, row in _runs(rows.astype(int)):
            for left, right, column in _runs(columns.astype(int)):
                area = slice(top, bottom), slice(left, right)
                down, across = (rows[top:bottom] - row)[:, None], (columns[left:right] - column)[None, :]
                out[area] = self._between(grey[area], row, column, down, across)
        return out

    def _places(self, start: int, downsample: int, count: int, cells: int) -> Array:
        """Middles of px in steps of the grid, from the middle of its first cell; held at the last ones."""
        middles = start + (np.arange(count) + 0.5) * downsample
        return np.clip(middles / self.side_px - 0.5, 0, cells - 1).astype(np.float32)

    def _between(self, grey: Array, row: int, column: int, down: Array, across: Array) -> Array:
        """Bilinear among the four cells around; as a polynomial, which saves passes over the pixels."""
        below, right = min(row + 1, self.tables.shape[0] - 1), min(column + 1, self.tables.shape[1] - 1)
        first = self.tables[row, column]
        to_right = self.tables[row, right] - first
        to_below = self.tables[below, column] - first
        to_both = self.tables[below, right] - first - to_right - to_below
        grey = np.ascontiguousarray(grey)
        slope: Array = cv2.LUT(grey, to_both)
        slope *= down
        slope += cv2.LUT(grey, to_right)
        slope *= across
        rise: Array = cv2.LUT(grey, to_below)
        rise *= down
        slope += rise
        slope += cv2.LUT(grey, first)
        return np.rint(slope, out=slope).astype(np.uint8)


def contrast_grid(shown: Array, known: Array, downsample: int, strength: float) -> ContrastGrid:
    """The grid for a section whose overview is drawn as `shown` (h, w, 1 or 3) uint8.

    known: (h, w) bool, false where the section has no pixels. downsample: level-0 px per px of the overview.
    strength: 0 (changes nothing) to 1.
    """
    grey = shown[..., 0] if shown.shape[2] == 1 else cv2.cvtColor(shown, cv2.COLOR_RGB2YCrCb)[..., 0]
    height, width = grey.shape
    side = max(4, -(-max(height, width) // _CELLS))
    rows, columns = -(-height // side), -(-width // side)
    cell = (np.arange(height) // side)[:, None] * columns + (np.arange(width) // side)[None, :]
    index = cell[known] * 256 + grey[known]
    counts = np.bincount(index, minlength=rows * columns * 256).reshape(rows, columns, 256).astype(np.float32)
    return ContrastGrid(_tables(_with_neighbours(counts), 1 + (_MOST_SLOPE - 1) * strength), float(side * downsample))


def _with_neighbours(counts: Array) -> Array:
    """Cells share a part of what their neighbours hold, so that few px make no rough table."""
    around = np.pad(counts, ((1, 1), (1, 1), (0, 0)))
    rows = around[1:-1] + (around[:-2] + around[2:]) / 2
    return rows[:, 1:-1] + (rows[:, :-2] + rows[:, 2:]) / 2


def _tables(counts: Array, slope: float) -> Array:
    """Cumulated shares, no single one above `slope` times the mean; a cell without px changes nothing."""
    total = counts.sum(axis=-1, keepdims=True)
    shares = np.where(total > 0, counts / np.maximum(total, 1e-9), 1 / 256)
    clipped = np.minimum(shares, slope / 256)
    clipped += (1 - clipped.sum(axis=-1, keepdims=True)) / 256
    middles = np.cumsum(clipped, axis=-1) - clipped / 2
    return np.clip(middles * 256 - 0.5, 0, 255).astype(np.float32)


def _runs(cells: Array) -> Iterator[tuple[int, int, int]]:
    """Begin, end and value of each run of equal values."""
    ends = [0, *(np.flatnonzero(np.diff(cells)) + 1).tolist(), len(cells)]
    for begin, end in pairwise(ends):
        yield begin, end, int(cells[begin])
