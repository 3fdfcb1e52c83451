"""Decides how one row of super-blocks goes from the file to chunks: read in slabs, averaged by other threads, written.

Each px is read once. Chunks of the finest level are written every 2048 rows, so that memory stays small however wide the
row is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.geometry import Box
from core.overview_layout import CHUNK, DIRECT, FINEST, SUPER_BLOCK_PX, Chunk
from core.overview_means import direct_means
from core.overview_store import OverviewStore
from core.section import SectionInfo

Array = np.ndarray

BAND_PX = CHUNK * FINEST
_SLAB_BYTES = 32 << 20
_WIDE_SLAB_BYTES = 16 << 20


class Row:
    """Adjacent super-blocks of one row while they are built. `take` may be called by several threads at once."""

    def __init__(self, store: OverviewStore, chunks: Sequence[Chunk], written: Callable[[Row], None]) -> None:
        info = store.info
        outer = Box.from_edges(chunks[0].box.x, chunks[0].box.y, chunks[-1].box.x1, chunks[-1].box.y1)
        box = outer.intersection(info.box)
        assert box is not None
        self.chunks, self.files = tuple(chunks), list[Path]()
        self.x, self.y, self.width, self.height = int(box.x), int(box.y), int(box.w), int(box.h)
        self._store, self._written = store, written
        self._scales = [scale for scale in DIRECT if scale in store.scales]
        self._lock = threading.Lock()
        self._means = {scale: self._empty(scale, self.height) for scale in self._scales if scale != FINEST}
        self._bands = [_Band(top, min(BAND_PX, self.height - top)) for top in range(0, self.height, BAND_PX)]
        self._open_bands = len(self._bands)

    def slabs(self, block_px: tuple[int, int]) -> list[tuple[int, int, int, int]]:
        """x, y, width and height of all reads, in level-0 px, following the blocks in which the file is read best."""
        width, height = slab_size(self._store.info, block_px, self.width)
        found = []
        for band in self._bands:
            for top in range(band.top, band.top + band.height, height):
                rows = min(height, band.top + band.height - top)
                for left in range(0, self.width, width):
                    found.append((self.x + left, self.y + top, min(width, self.width - left), rows))
                    band.open_px += found[-1][2] * rows
        return found

    def take(self, x: int, y: int, pixels: Array) -> None:
        """Takes in one slab; with the last one of a band, and of the row, its chunks are written. Raises OSError."""
        band = self._bands[(y - self.y) // BAND_PX]
        with self._lock:
            if band.finest is None:
                band.finest = self._empty(FINEST, band.height)
        for scale, mean in direct_means(pixels, self._scales).items():
            target, top = (band.finest, band.top) if scale == FINEST else (self._means[scale], 0)
            row, column = (y - self.y - top) // scale, (x - self.x) // scale
            target[row : row + mean.shape[0], column : column + mean.shape[1]] = mean
        with self._lock:
            band.open_px -= pixels.shape[0] * pixels.shape[1]
            whole = band.open_px == 0
        if whole:
            self._finish_band(band)

    def _finish_band(self, band: _Band) -> None:
        assert band.finest is not None
        self._write(FINEST, band.finest, self.y + band.top)
        band.finest = None
        with self._lock:
            self._open_bands -= 1
            whole = self._open_bands == 0
        if whole:
            for scale, means in self._means.items():
                self._write(scale, means, self.y)
            self._means.clear()
            self._written(self)

    def _write(self, scale: int, means: Array, y: int) -> None:
        first_column, first_row = self.x // scale // CHUNK, y // scale // CHUNK
        for top in range(0, means.shape[0], CHUNK):
            for left in range(0, means.shape[1], CHUNK):
                chunk = Chunk(scale, first_column + left // CHUNK, first_row + top // CHUNK)
                self.files.append(self._store.write(chunk, means[top : top + CHUNK, left : left + CHUNK]))

    def _empty(self, scale: int, height: int) -> Array:
        info = self._store.info
        return np.empty((-(-height // scale), -(-self.width // scale), info.samples), info.dtype)


class _Band:
    """As many rows as fill chunks of the finest level; `top` in level-0 px from the row's own."""

    def __init__(self, top: int, height: int) -> None:
        self.top, self.height = top, height
        self.open_px = 0
        self.finest: Array | None = None


def row_length(info: SectionInfo, block_px: tuple[int, int], most_bytes: int) -> int:
    """How many super-blocks lie side by side in a row: one, or as many as a wide stripe of the file covers."""
    side = SUPER_BLOCK_PX
    means = side * side // 64 * info.samples * info.dtype.itemsize * 2  # of the two coarser levels and of one band
    return max(1, min(-(-min(block_px[0], info.width_px) // side), most_bytes // means))


def slab_size(info: SectionInfo, block_px: tuple[int, int], row_width: int) -> tuple[int, int]:
    """Width and height of one read in level-0 px: whole blocks as far as memory allows, always whole cells."""
    px_bytes = info.samples * info.dtype.itemsize
    if block_px[0] > BAND_PX:
        width, most = min(row_width, _cells(block_px[0])), _WIDE_SLAB_BYTES
    else:
        width, most = min(row_width, BAND_PX), _SLAB_BYTES
    height = min(BAND_PX, max(DIRECT[-1], most // (width * px_bytes)))
    block = block_px[1]
    return width, _cells(height // block * block) if block <= height and block % DIRECT[-1] == 0 else _cells(height)


def _cells(px: int) -> int:
    """Rounded down to whole cells of the coarsest direct level; at least one."""
    return max(1, px // DIRECT[-1]) * DIRECT[-1]
