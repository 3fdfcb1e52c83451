"""Decides how one chunk of a map becomes a file that survives a power cut, and how it is read back: without Zarr's detours.

The files are those of a Zarr array of little-endian half floats, packed by Zstandard (`core.project.maps` lays it out).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.disk import flush_folder, written_whole

Array = np.ndarray

ZSTD_LEVEL = 1
_STORED = "<f2"


class ChunkFiles:
    """The chunks of one array in `folder`: (channels, side, side) each, all channels in one."""

    def __init__(self, folder: Path, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self._chunks = folder / "c" / "0"

    def read(self, row: int, column: int) -> Array | None:
        """float16, not to be written into; None where nothing was stored. Raises what the disk and the codec raise."""
        import imagecodecs

        try:
            packed = self._path(row, column).read_bytes()
        except FileNotFoundError:
            return None
        chunk = np.empty(self.shape, _STORED)  # and no more, whatever the file says that it holds
        decode: Any = imagecodecs.zstd_decode
        if len(decode(packed, out=chunk.reshape(-1).view(np.uint8))) != chunk.nbytes:
            raise ValueError("a chunk of another size")
        return chunk

    def write(self, row: int, column: int, values: Array) -> None:
        """Stores `values` (float16, the chunk's shape); they and the file's name are on the disk afterwards."""
        import imagecodecs

        packed = imagecodecs.zstd_encode(values.astype(_STORED).tobytes(), level=ZSTD_LEVEL)
        path = self._path(row, column)
        self._make_folder(path.parent)
        with written_whole(path) as temporary:
            temporary.write_bytes(packed)
        flush_folder(path.parent)

    def take(self, other: ChunkFiles, chunks: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Shares chunks with another array of the same layout, or copies them where the drive can't share.

        Chunks are never changed in place, so a shared one stays what it was. Returns those that are here now.
        """
        taken = [chunk for chunk in chunks if self._take_one(other._path(*chunk), self._path(*chunk))]
        for row in {row for row, _ in taken}:
            flush_folder(self._chunks / str(row))
        return taken

    def stored(self) -> Iterator[tuple[int, int]]:
        """Row and column of every chunk that is on the disk."""
        with suppress(FileNotFoundError), os.scandir(self._chunks) as rows:
            for row in rows:
                if row.name.isdecimal():
                    for column in os.listdir(row.path):  # noqa: PTH208 - a Path for each of many thousands takes long
                        if column.isdecimal():
                            yield int(row.name), int(column)

    def _path(self, row: int, column: int) -> Path:
        return self._chunks / str(row) / str(column)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        for one in (self._chunks.parent, self._chunks, folder):  # not the array's own, where its drive is gone
            one.mkdir(exist_ok=True)
        for above in (self._chunks, self._chunks.parent, self._chunks.parent.parent):
            flush_folder(above)

    def _take_one(self, source: Path, target: Path) -> bool:
        if target.exists():
            return True
        if not source.is_file():
            return False
        self._make_folder(target.parent)
        try:
            target.hardlink_to(source)
        except OSError:  # exFAT and many network shares know no second name
            with written_whole(target) as temporary:
                shutil.copyfile(source, temporary)
        return True
