"""Decides how the scores of a scan are looked at from any height without reading all of them: maxima of blocks of cells.

A high score stays visible however small the map is drawn, so blocks keep their highest score, never a mean. Blocks of 4,
16 and 64 cells are kept; what lies between is made of the next finer ones. Chunks of the map are folded into them when they
are looked at and when a scan has written them, each once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.geometry import Box
from core.project.map_levels import FACTORS, MapLevels, block_maxima

Array = np.ndarray

AT_ONCE_S = 0.1  # how long one look may fold chunks before it answers with what there is
_ENOUGH_CELLS = 4096  # to tell the range of scores from
_TOP_PERCENT = 99.9
_LOW_PERCENT = 1.0


class ScoreSource(Protocol):
    """Where scores are stored: (labels, rows, columns) in square chunks. May be called from any thread."""

    shape: tuple[int, int, int]
    chunk: int

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        """(labels, rows, columns) float32; NaN outside the map and where nothing was scanned. Raises InputError."""
        ...

    def stored(self) -> Array:
        """(chunk rows, chunk columns) bool: which chunks are there now."""
        ...


@dataclass(frozen=True, slots=True)
class Spread:
    """The range of a map's scores, and whether all that is stored was looked at."""

    low: float
    high: float
    complete: bool


@dataclass(frozen=True, slots=True)
class ScoreBlock:
    """A part of the map at one level: (rows, columns) float32, and whether all that is stored of it is in there."""

    scores: Array
    complete: bool


class ScoreMap:
    """Scores of a scan, cell by cell; cell [0, 0]'s top-left corner lies at level-0 (0, 0).

    `cell_px` is a cell's side in level-0 px; a cell of level k is 2^k cells wide. May be used from any thread.
    """

    def __init__(self, source: ScoreSource, cell_px: float, levels: MapLevels | None = None) -> None:
        self.cell_px = cell_px
        self.labels, self.rows, self.columns = source.shape
        self._source = source
        self._lock = threading.RLock()
        self._levels = levels or MapLevels(source.shape, source.chunk)
        self._stored = source.stored()

    @classmethod
    def of(cls, values: Array, cell_px: float) -> ScoreMap:
        """A map that is an array (labels, rows, columns) in memory."""
        return cls(_InMemory(values), cell_px)

    @property
    def coarsest(self) -> int:
        """The level from which one look takes in a few cells at most."""
        return max(0, (max(self.rows, self.columns) - 1).bit_length() - 6)

    def scores_in(self, box: Box) -> Array:
        """(labels, rows, columns) of all cells that touch a box (level-0 px), cut off at the map's border."""
        x, y, w, h = box.scaled(1 / self.cell_px).outer_pixels()
        c0, r0, c1, r1 = max(x, 0), max(y, 0), min(x + w, self.columns), min(y + h, self.rows)
        return self._source.read(r0, c0, max(r1 - r0, 0), max(c1 - c0, 0))

    def highest_in(self, box: Box) -> Array | None:
        """(labels,) the highest score of each label in the cells that touch a box; None where nothing was scanned."""
        cells = self.scores_in(box)
        known = ~np.isnan(cells).all(axis=0)
        return np.nanmax(cells[:, known], axis=1) if known.any() else None

    def look(self, level: int, row: int, column: int, rows: int, columns: int, label: int | None = None) -> ScoreBlock:
        """Cells of a level: one label's scores or, with None, the highest of all. NaN where nothing was scanned.

        Raises InputError when the map is damaged.
        """
        width = 2**level
        factor = max((f for f in FACTORS if f <= width), default=1)
        cells = (row * width, column * width, rows * width, columns * width)
        if factor == 1:
            values, complete = self._source.read(*cells), True
        else:
            with self._lock:
                complete = self._fold(*cells)
                values = self._levels.read(factor, *(n // factor for n in cells))
        chosen = values[label] if label is not None and 0 <= label < self.labels else np.fmax.reduce(values, axis=0)
        return ScoreBlock(block_maxima(chosen, width // factor), complete)

    def spread(self, label: int | None = None) -> Spread:
        """Nearly the lowest and nearly the highest of the maxima known so far; 0 and 1 where there are none."""
        level = self.coarsest
        while level > 0 and self.rows * self.columns / 4**level < _ENOUGH_CELLS:
            level -= 1
        width = 2**level
        block = self.look(level, 0, 0, -(-self.rows // width), -(-self.columns // width), label)
        known = block.scores[np.isfinite(block.scores)]
        if not known.size:
            return Spread(0.0, 1.0, block.complete)
        low, high = np.percentile(known, (_LOW_PERCENT, _TOP_PERCENT))
        return Spread(float(low), float(max(high, low + 1e-9)), block.complete)

    def refresh(self) -> Array:
        """Looks which chunks are stored now: (chunk rows, chunk columns) bool, not to be changed."""
        stored = self._source.stored()
        with self._lock:
            self._stored = stored
        return stored

    def boxes_of(self, chunks: Array) -> list[Box]:
        """Where the chunks marked in a mask lie, in level-0 px."""
        side = self._source.chunk * self.cell_px
        return [Box(column * side, row * side, side, side) for row, column in np.argwhere(chunks).tolist()]

    def _fold(self, row: int, column: int, rows: int, columns: int) -> bool:
        """Folds the chunks of a part of the map that aren't yet, for a while; whether all are folded now."""
        chunk = self._source.chunk
        part = (
            slice(max(row // chunk, 0), max(-(-(row + rows) // chunk), 0)),
            slice(max(column // chunk, 0), max(-(-(column + columns) // chunk), 0)),
        )
        missing = np.argwhere(self._stored[part] & ~self._levels.folded[part])
        missing += np.array([part[0].start, part[1].start])
        until = time.monotonic() + AT_ONCE_S
        for done, (r, c) in enumerate(missing.tolist()):
            if done and time.monotonic() > until:
                return False
            self._levels.fold(r, c, self._source.read(r * chunk, c * chunk, chunk, chunk))
        if len(missing):
            self._levels.save_if_due()
        return True


class _InMemory:
    """Scores in an array."""

    def __init__(self, values: Array) -> None:
        labels, rows, columns = values.shape
        self.shape, self.chunk = (labels, rows, columns), 256
        self._values = values

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        out = np.full((len(self._values), rows, columns), np.nan, np.float32)
        r0, c0 = max(row, 0), max(column, 0)
        r1, c1 = min(row + rows, self.shape[1]), min(column + columns, self.shape[2])
        if r1 > r0 and c1 > c0:
            out[:, r0 - row : r1 - row, c0 - column : c1 - column] = self._values[:, r0:r1, c0:c1]
        return out

    def stored(self) -> Array:
        return np.ones((-(-self.shape[1] // self.chunk), -(-self.shape[2] // self.chunk)), bool)
