"""Decides how the maxima of blocks of a score map are kept: small ones in memory, large ones in files beside the map.

The files only repeat what the map says; where they are lost, damaged or can't be written, they are made again or kept in
memory. They say that a chunk is folded only after its maxima are on the disk, so that a power cut hides no score.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from core.disk import written_whole
from core.errors import SchliffError

Array = np.ndarray

FACTORS = (4, 16, 64)  # cells along a block's side
MANY_CHUNKS = 1024  # folding more takes so long that it is worth a file
_SAVE_EVERY_S = 5.0


class MapLevels:
    """Block maxima of a map of `shape` (labels, rows, columns) whose chunks are `chunk` cells wide.

    `folded` is (chunk rows, chunk columns) bool. Not safe for several threads by itself.
    """

    def __init__(self, shape: tuple[int, int, int], chunk: int, folder: Path | None = None) -> None:
        self._shape, self._chunk = shape, chunk
        self._grid = (-(-shape[1] // chunk), -(-shape[2] // chunk))
        self._folder = folder if self._grid[0] * self._grid[1] > MANY_CHUNKS else None
        self._saved = time.monotonic()
        try:
            self._maxima, self.folded = self._on_disk() if self._folder is not None else self._in_memory()
        except (OSError, ValueError, SchliffError):  # a read-only or full drive, or files of another map
            self._folder = None
            self._maxima, self.folded = self._in_memory()

    def fold(self, row: int, column: int, values: Array) -> None:
        """Takes one chunk in, (labels, rows, columns) float32; what lies beyond the map is NaN."""
        chunk = self._chunk
        for factor in FACTORS:
            r, c = row * chunk // factor, column * chunk // factor
            above, left = row * chunk - r * factor, column * chunk - c * factor
            blocks = block_maxima(values, factor, above, left)
            target = self._maxima[factor][:, r : r + blocks.shape[1], c : c + blocks.shape[2]]
            blocks = blocks[:, : target.shape[1], : target.shape[2]]
            target[...] = np.fmax(target.astype(np.float32), blocks)
        self.folded[row, column] = True

    def read(self, factor: int, row: int, column: int, rows: int, columns: int) -> Array:
        """(labels, rows, columns) float32 of blocks; NaN outside the map."""
        level = self._maxima[factor]
        out = np.full((level.shape[0], rows, columns), np.nan, np.float32)
        r0, c0 = max(row, 0), max(column, 0)
        r1, c1 = min(row + rows, level.shape[1]), min(column + columns, level.shape[2])
        if r1 > r0 and c1 > c0:
            out[:, r0 - row : r1 - row, c0 - column : c1 - column] = level[:, r0:r1, c0:c1]
        return out

    def save_if_due(self) -> None:
        """Writes what was folded, from time to time and when everything is."""
        if self._folder is None or (time.monotonic() - self._saved < _SAVE_EVERY_S and not self.folded.all()):
            return
        self._saved = time.monotonic()
        try:
            for level in self._maxima.values():
                level.flush()  # type: ignore[attr-defined]  # a memmap, since there is a folder
            with written_whole(self._folder / "folded.npy") as temporary, temporary.open("wb") as file:
                np.save(file, self.folded)
        except (OSError, SchliffError):  # it is only a cache
            self._folder = None

    def _in_memory(self) -> tuple[dict[int, Array], Array]:
        maxima: dict[int, Array] = {factor: self._empty(factor) for factor in FACTORS}
        return maxima, np.zeros(self._grid, bool)

    def _empty(self, factor: int) -> Array:
        return np.full(self._level_shape(factor), np.nan, np.float16)

    def _level_shape(self, factor: int) -> tuple[int, int, int]:
        labels, rows, columns = self._shape
        return labels, -(-rows // factor), -(-columns // factor)

    def _on_disk(self) -> tuple[dict[int, Array], Array]:
        assert self._folder is not None
        folded_file = self._folder / "folded.npy"
        files = {factor: self._folder / f"{factor}.npy" for factor in FACTORS}
        if folded_file.is_file() and all(file.is_file() for file in files.values()):
            folded = np.load(folded_file, allow_pickle=False)
            maxima: dict[int, Array] = {f: np.load(file, "r+", allow_pickle=False) for f, file in files.items()}
            if folded.shape == self._grid and all(m.shape == self._level_shape(f) for f, m in maxima.items()):
                return maxima, folded
        self._folder.mkdir(exist_ok=True)
        folded_file.unlink(missing_ok=True)
        for factor, file in files.items():
            with written_whole(file) as temporary, temporary.open("wb") as opened:
                np.save(opened, self._empty(factor))
        return {f: np.load(file, "r+", allow_pickle=False) for f, file in files.items()}, np.zeros(self._grid, bool)


def block_maxima(values: Array, width: int, above: int = 0, left: int = 0) -> Array:
    """The highest of each `width` × `width` block of the last two axes; NaN only where all are.

    The first block begins `above` rows over the array and `left` columns before it; the last ones may reach beyond it.
    """
    if width == 1:
        return values
    rows, columns = values.shape[-2:]
    below, right = -(above + rows) % width, -(left + columns) % width
    if above or left or below or right:
        padding = [(0, 0)] * (values.ndim - 2) + [(above, below), (left, right)]
        values = np.pad(values, padding, constant_values=np.nan)
    down = values.reshape(*values.shape[:-2], -1, width, values.shape[-1])
    tall = np.fmax.reduce(down, axis=-2)
    return np.fmax.reduce(tall.reshape(*tall.shape[:-1], -1, width), axis=-1)
