"""Decides how a block of a map is put together from its chunks, and taken apart into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.caches import ByteCache
from core.project.map_chunks import ChunkFiles

Array = np.ndarray

_LARGEST_HALF = 6e4
RECENT_BYTES = 128 << 20


class MapArray:
    """One opened array of a scan's maps, (channels, rows, columns) half floats in square chunks of all channels.

    Args:
        keep_recent: chunks written or read last stay in memory, as their neighbours ask for them again. Then only for
            one thread at a time.

    Raises ValueError or IndexError for an array that is no map.
    """

    def __init__(self, folder: Path, array: Any, *, keep_recent: bool) -> None:
        self.shape: tuple[int, int, int] = tuple(array.shape)
        self.side: int = array.chunks[1]
        if self.side < 1 or array.chunks[1:] != (self.side, self.side):
            raise ValueError(f"its chunks are {array.chunks} cells large")
        self.files = ChunkFiles(folder, (self.shape[0], self.side, self.side))
        self._zarr = array
        self._is_plain = _is_plain(array)
        self._recent: ByteCache[tuple[int, int], Array] | None = ByteCache(RECENT_BYTES) if keep_recent else None

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of chunks."""
        return -(-self.shape[1] // self.side), -(-self.shape[2] // self.side)

    def has_layout_of(self, other: MapArray) -> bool:
        """Whether chunks of one can stand in the other."""
        return self._is_plain and other._is_plain and (self.shape, self.side) == (other.shape, other.side)

    def write(self, row: int, column: int, values: Array) -> None:
        """Stores (channels, rows, columns) at a cell."""
        halves = np.clip(values, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
        if not (self._is_plain and self._is_one_chunk(row, column, *values.shape[1:])):
            self._zarr[:, row : row + values.shape[1], column : column + values.shape[2]] = halves
            return
        chunk = np.full(self.files.shape, np.nan, np.float16)
        chunk[:, : halves.shape[1], : halves.shape[2]] = halves
        position = row // self.side, column // self.side
        self.files.write(*position, chunk)
        self._remember(position, chunk)

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        """(channels, rows, columns) float32; NaN outside the map and where nothing was stored."""
        out = np.full((self.shape[0], rows, columns), np.nan, np.float32)
        if not self._is_plain:
            r0, c0 = max(row, 0), max(column, 0)
            r1, c1 = min(row + rows, self.shape[1]), min(column + columns, self.shape[2])
            if r1 > r0 and c1 > c0:
                out[:, r0 - row : r1 - row, c0 - column : c1 - column] = self._zarr[:, r0:r1, c0:c1]
            return out
        side = self.side
        for r in range(max(row, 0) // side, -(-min(row + rows, self.shape[1]) // side)):
            for c in range(max(column, 0) // side, -(-min(column + columns, self.shape[2]) // side)):
                chunk = self._chunk(r, c)
                if chunk is not None:
                    y, x = r * side - row, c * side - column
                    part = out[:, max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)]
                    part[...] = chunk[:, max(-y, 0) :, max(-x, 0) :][:, : part.shape[1], : part.shape[2]]
        return out

    def _chunk(self, row: int, column: int) -> Array | None:
        found = self._recent.get((row, column)) if self._recent is not None else None
        if found is None:
            found = self.files.read(row, column)
            if found is not None:
                self._remember((row, column), found)
        return found

    def _remember(self, position: tuple[int, int], chunk: Array) -> None:
        if self._recent is not None:
            self._recent.put(position, chunk, chunk.nbytes)

    def _is_one_chunk(self, row: int, column: int, rows: int, columns: int) -> bool:
        side, (_, height, width) = self.side, self.shape
        whole = (min(side, height - row), min(side, width - column))
        return row % side == 0 and column % side == 0 and (rows, columns) == whole


def _is_plain(array: Any) -> bool:
    """Whether a chunk is what this program writes: little-endian half floats, packed by Zstandard and nothing else."""
    codecs = [codec.to_dict() for codec in array.metadata.codecs]
    names = [codec["name"] for codec in codecs]
    return names == ["bytes", "zstd"] and codecs[0]["configuration"] == {"endian": "little"} and array.dtype == "<f2"
