"""Decides what a mask of a section is: where there may be specimen, in cells, and how that is asked, added up and kept.

How a mask is found is for `core.foreground`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from core.disk import written_whole
from core.geometry import Box
from core.npz import read_arrays
from core.section_info import SectionInfo

Array = np.ndarray


@dataclass(frozen=True)
class Mask:
    """`values` (rows, columns) bool, True where there may be specimen; cell (r, c) covers level-0 px
    [c·cell_px, (c+1)·cell_px) × [r·cell_px, (r+1)·cell_px)."""

    values: Array
    cell_px: int

    def covers(self, box: Box) -> bool:
        """Whether any of a level-0 box may show specimen."""
        return bool(self.covers_each(np.array([[box.x, box.y, box.x1, box.y1]]))[0])

    def covers_each(self, boxes: Array) -> Array:
        """(n,) bool of boxes (n, 4), x0, y0, x1, y1 in level-0 px: whether any of each may show specimen."""
        height, width = self.values.shape
        first = np.clip(np.floor(boxes[:, :2] / self.cell_px).astype(int), 0, (width, height))
        last = np.clip(np.ceil(boxes[:, 2:] / self.cell_px).astype(int), 0, (width, height))
        (x0, y0), (x1, y1), sums = first.T, last.T, self._sums
        found = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
        return (last > first).all(axis=1) & (found > 0)

    def covers_grid(self, x_edges: Array, y_edges: Array) -> Array:
        """For a grid of boxes between these level-0 edges, (columns + 1,) and (rows + 1,) ascending: (rows, columns)
        bool, whether any of each may show specimen."""
        height, width = self.values.shape
        x0, x1 = self._cells(x_edges, width)
        y0, y1 = self._cells(y_edges, height)
        sums = self._sums
        inside = (y1 > y0)[:, None] & (x1 > x0)[None, :]
        found = sums[np.ix_(y1, x1)] - sums[np.ix_(y0, x1)] - sums[np.ix_(y1, x0)] + sums[np.ix_(y0, x0)]
        return inside & (found > 0)

    def _cells(self, edges: Array, count: int) -> tuple[Array, Array]:
        """First cell and the one after the last that each interval between edges touches."""
        first = np.floor(edges[:-1] / self.cell_px).astype(int)
        last = np.ceil(edges[1:] / self.cell_px).astype(int)
        return np.clip(first, 0, count), np.clip(last, 0, count)

    @cached_property
    def _sums(self) -> Array:
        """(rows + 1, columns + 1): how many cells above and left of each corner are True."""
        height, width = self.values.shape
        sums = np.zeros((height + 1, width + 1), np.int32)
        np.cumsum(self.values, axis=0, dtype=np.int32, out=sums[1:, 1:])
        np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
        return sums

    def at_cells(self, rows: int, columns: int, cell_px: float, first: tuple[int, int] = (0, 0)) -> Array:
        """For a block of a map whose cells are `cell_px` level-0 px wide and whose first one is the map's cell
        (row, column) `first`: (rows, columns) bool, True where a cell's middle may show specimen; False outside."""
        y = ((np.arange(rows) + first[0] + 0.5) * cell_px // self.cell_px).astype(int)
        x = ((np.arange(columns) + first[1] + 0.5) * cell_px // self.cell_px).astype(int)
        height, width = self.values.shape
        inside_y, inside_x = (y >= 0) & (y < height), (x >= 0) & (x < width)
        found = self.values[np.clip(y, 0, height - 1)[:, None], np.clip(x, 0, width - 1)[None, :]]
        return found & inside_y[:, None] & inside_x[None, :]

    @property
    def share(self) -> float:
        """The part of the cells that is foreground, 0 to 1."""
        return float(self.values.mean())

    def empty_px2(self, area: Box) -> float:
        """How much of an area shows no specimen, in level-0 px²; cells that reach beyond it count with their part."""
        height, width = self.values.shape
        empty = 0.0
        for top, bottom, covered_y in _alike(_overlaps(area.y, area.y1, self.cell_px, height)):
            for left, right, covered_x in _alike(_overlaps(area.x, area.x1, self.cell_px, width)):
                foreground = int(np.count_nonzero(self.values[top:bottom, left:right]))
                empty += covered_y * covered_x * ((bottom - top) * (right - left) - foreground)
        return empty

    def save(self, path: Path) -> None:
        """Raises ResourceError when the disk fails."""
        packed = np.packbits(self.values)
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, values=packed, shape=np.array(self.values.shape), cell_px=np.array(self.cell_px))

    @classmethod
    def load(cls, path: Path) -> Mask | None:
        """What `save` wrote; None where there is none, or none that can be read."""
        try:
            stored = read_arrays(path)
            rows, columns = (int(side) for side in stored["shape"])
            values = np.unpackbits(stored["values"])[: rows * columns].astype(bool).reshape(rows, columns)
            return cls(values, int(stored["cell_px"]))
        except (OSError, KeyError, ValueError, TypeError, BadZipFile):
            return None


def whole_section(info: SectionInfo) -> Mask:
    """A mask under which everything is specimen."""
    side = max(info.width_px, info.height_px)
    return Mask(np.ones((1, 1), bool), side)


def _overlaps(start: float, end: float, side: float, count: int) -> Array:
    """(count,) float64: how much of each of `count` intervals of length `side` lies between two ends."""
    edges = np.clip(np.arange(count + 1) * side, start, max(start, end))
    return np.diff(edges)


def _alike(overlaps: Array) -> list[tuple[int, int, float]]:
    """Runs of equal overlaps, (from, to, overlap), without those of 0: whole cells, and one at each end at most."""
    bounds = [0, *(np.flatnonzero(np.diff(overlaps)) + 1).tolist(), len(overlaps)]
    return [
        (start, stop, float(overlaps[start]))
        for start, stop in pairwise(bounds)
        if stop > start and overlaps[start] > 0
    ]
