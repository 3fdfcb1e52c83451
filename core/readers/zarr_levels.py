"""Decides how a level that only zarr can decode is read: chunk by chunk where few are wanted, each kept for its neighbours."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.caches import decoded_parts
from core.readers.zarr_codecs import check_packed
from core.readers.zarr_packing import Packing

Array = np.ndarray

_MOST_KEPT_CHUNKS = 16


class ZarrLevel:
    """One Zarr array of any kind, rows and columns its last two axes. `owner` begins the keys of what is kept."""

    def __init__(self, folder: Path, owner: tuple[Hashable, ...], packing: Packing) -> None:
        import zarr

        self._folder, self._packing = folder, packing
        self._array: Any = zarr.open_array(folder, mode="r")
        self._owner = owner
        self.shape: tuple[int, ...] = tuple(self._array.shape)
        self.chunks: tuple[int, ...] = tuple(self._array.chunks)
        self.dtype: np.dtype = np.dtype(self._array.dtype)

    def read(self, y0: int, y1: int, x0: int, x1: int, before: Sequence[int | slice]) -> Array:
        """As `ChunkReader.read`; raises whatever zarr raises."""
        rows, columns = self.chunks[-2:]
        numbers = [*itertools.product(range(y0 // rows, -(-y1 // rows)), range(x0 // columns, -(-x1 // columns)))]
        if len(numbers) > _MOST_KEPT_CHUNKS:
            return self._decode(before, slice(y0, y1), slice(x0, x1))
        out: Array | None = None
        for row, column in numbers:
            top, left = row * rows, column * columns
            where = slice(top, min(top + rows, self.shape[-2])), slice(left, min(left + columns, self.shape[-1]))
            key = (*self._owner, str(before), row, column)
            chunk = decoded_parts().get(key, partial(self._decode, before, *where))
            if out is None:
                out = np.empty((*chunk.shape[:-2], y1 - y0, x1 - x0), self.dtype.newbyteorder("="))
            part = chunk[..., max(y0 - top, 0) : y1 - top, max(x0 - left, 0) : x1 - left]
            y, x = max(top - y0, 0), max(left - x0, 0)
            out[..., y : y + part.shape[-2], x : x + part.shape[-1]] = part
        assert out is not None
        return out

    def _decode(self, before: Sequence[int | slice], rows: slice, columns: slice) -> Array:
        where = (*before, rows, columns)
        self._check(where)
        return np.asarray(self._array[where])

    def _check(self, where: Sequence[int | slice]) -> None:
        """Raises InputError for a stored chunk that isn't to be decoded."""
        size = math.prod(self.chunks) * self.dtype.itemsize
        counts = [a // b for a, b in zip(self._array.shards or self.chunks, self.chunks, strict=True)]
        spans = [
            range(part // n, part // n + 1) if isinstance(part, int) else range(part.start // n, -(-part.stop // n))
            for part, n in zip(where, self.chunks, strict=True)
        ]
        for index in itertools.product(*spans):
            outer = tuple(number // count for number, count in zip(index, counts, strict=True))
            inside = [number % count for number, count in zip(index, counts, strict=True)]
            file = self._folder / self._array.metadata.encode_chunk_key(outer)
            check_packed(file, self._packing, size, inside, counts)
