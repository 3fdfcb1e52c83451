"""Decides how boxes in a part of a plane are found quickly among hundreds of thousands: in a grid of their middles."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

_PER_CELL = 8  # boxes, on average
_MOST_CELLS = 1024  # along one side
_LARGE = 2.0  # cells; a box that reaches farther from its middle is looked at one by one


class BoxIndex:
    """Over (n, 4) edges x0, y0, x1, y1 (float64, any frame). Doesn't copy them; they must not change."""

    def __init__(self, edges: Array) -> None:
        self.edges = edges
        centres = (edges[:, :2] + edges[:, 2:]) / 2
        half = (edges[:, 2:] - edges[:, :2]) / 2
        low = centres.min(axis=0) if len(edges) else np.zeros(2)
        span = np.maximum(centres.max(axis=0) - low if len(edges) else np.zeros(2), 1e-9)
        self._side = max(math.sqrt(span[0] * span[1] * _PER_CELL / max(len(edges), 1)), float(span.max()) / _MOST_CELLS)
        self._low = low
        self._columns, self._rows = (int(v // self._side) + 1 for v in span)
        is_large = (half > _LARGE * self._side).any(axis=1)
        self._large = np.flatnonzero(is_large)
        small = np.flatnonzero(~is_large)
        self._reach = float(half[small].max()) if small.size else 0.0
        column, row = ((centres[small] - low) // self._side).astype(np.int64).T
        cell = row * self._columns + column
        order = np.argsort(cell, kind="stable")
        self._order = small[order]
        self._starts = np.searchsorted(cell[order], np.arange(self._rows * self._columns + 1))

    def __len__(self) -> int:
        return len(self.edges)

    def touching(self, x0: float, y0: float, x1: float, y1: float) -> Array:
        """Indices, ascending, of the boxes that have a point in common with this area (edges included)."""
        found = np.concatenate([self._large, *self._slices(x0, y0, x1, y1)])
        edges = self.edges[found]
        inside = (edges[:, 2] >= x0) & (edges[:, 0] <= x1) & (edges[:, 3] >= y0) & (edges[:, 1] <= y1)
        return np.sort(found[inside])

    def pairs(self, edges: Array) -> tuple[Array, Array]:
        """Every pair of one of these (n, 4) edges and a box here that have a point in common: both indices, (m,) each."""
        reach, last = self._reach, np.array([self._columns - 1, self._rows - 1])
        first = np.maximum(np.floor((edges[:, :2] - reach - self._low) / self._side), 0).astype(np.int64)
        final = np.minimum(np.floor((edges[:, 2:] + reach - self._low) / self._side), last).astype(np.int64)
        touched = [np.empty((2, 0), np.int64)]
        for large in self._large.tolist():
            asking = np.arange(len(edges))
            touched.append(self._touching_pairs(edges, asking, np.full(len(edges), large)))
        spans = final - first
        for step in range(int(spans[:, 1].max(initial=-1)) + 1):
            asking = np.flatnonzero((spans[:, 0] >= 0) & (spans[:, 1] >= step))
            begin = (first[asking, 1] + step) * self._columns
            start, stop = self._starts[begin + first[asking, 0]], self._starts[begin + final[asking, 0] + 1]
            counts = stop - start
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            found = self._order[np.repeat(start, counts) + within]
            touched.append(self._touching_pairs(edges, np.repeat(asking, counts), found))
        asking, found = np.concatenate(touched, axis=1)
        return asking, found

    def _touching_pairs(self, edges: Array, asking: Array, found: Array) -> Array:
        a, b = edges[asking], self.edges[found]
        inside = ((a[:, :2] <= b[:, 2:]) & (b[:, :2] <= a[:, 2:])).all(axis=1)
        return np.stack([asking[inside], found[inside]])

    def more_than(self, count: int, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether more boxes than this touch the area; costs no more than finding `count` of them."""
        if self._count(*self._cells_near(x0, y0, x1, y1)) + len(self._large) <= count:
            return False
        return self._sure_to_have(count, x0, y0, x1, y1) or len(self.touching(x0, y0, x1, y1)) > count

    def _sure_to_have(self, count: int, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether whole cells inside the area hold more: their boxes' middles lie in it."""
        c0, r0 = math.ceil((x0 - self._low[0]) / self._side), math.ceil((y0 - self._low[1]) / self._side)
        c1, r1 = math.floor((x1 - self._low[0]) / self._side), math.floor((y1 - self._low[1]) / self._side)
        return self._count(c0, r0, c1 - 1, r1 - 1) > count

    def _slices(self, x0: float, y0: float, x1: float, y1: float) -> list[Array]:
        return self._cells(*self._cells_near(x0, y0, x1, y1))

    def _cells_near(self, x0: float, y0: float, x1: float, y1: float) -> tuple[int, int, int, int]:
        """First column and row, last column and row of the cells whose boxes may touch an area."""
        reach, side = self._reach, self._side
        c0, c1 = (math.floor((x - self._low[0]) / side) for x in (x0 - reach, x1 + reach))
        r0, r1 = (math.floor((y - self._low[1]) / side) for y in (y0 - reach, y1 + reach))
        return c0, r0, c1, r1

    def _count(self, c0: int, r0: int, c1: int, r1: int) -> int:
        """How many lie in these cells, both ends included, without looking at any."""
        c0, r0, c1, r1 = max(c0, 0), max(r0, 0), min(c1, self._columns - 1), min(r1, self._rows - 1)
        if c1 < c0 or r1 < r0:
            return 0
        begin = np.arange(r0, r1 + 1) * self._columns
        return int((self._starts[begin + c1 + 1] - self._starts[begin + c0]).sum())

    def _cells(self, c0: int, r0: int, c1: int, r1: int) -> list[Array]:
        """What lies in the cells from (c0, r0) to (c1, r1), both included, row by row."""
        c0, r0, c1, r1 = max(c0, 0), max(r0, 0), min(c1, self._columns - 1), min(r1, self._rows - 1)
        if c1 < c0:
            return []
        starts, columns = self._starts, self._columns
        return [self._order[starts[r * columns + c0] : starts[r * columns + c1 + 1]] for r in range(r0, r1 + 1)]
