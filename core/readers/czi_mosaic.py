"""Decides how a region of a CZI is put together from its tiles. Their pixels are the business of `czi_pixels`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import InputError
from core.readers.czi_codecs import RAW
from core.readers.czi_layout import PIXEL_KINDS, Layout, Placed
from core.readers.czi_look import look
from core.readers.czi_pixels import SubblockPixels
from core.readers.czi_segments import CutOffError
from core.readers.file_bytes import FileBytes
from core.readers.handle import SharedHandle
from core.section import Plane

Array = np.ndarray

_LEAST_SUBBLOCK_BYTES = 32 + 256
_SAMPLED_WHOLE_PX = 4 << 20
_SAMPLES = 64
_SAMPLE_PX = 256


class Mosaic:
    """The tiles of one open CZI as planes. May be read by several threads at once."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._layout = layout
        self._pixels = SubblockPixels(path, layout.directory)
        self._handle = SharedHandle(path, FileBytes(path), lambda file: file.close())

    def read(self, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        """(height, width, samples) as stored but in RGB order; 0 where there is no tile. Raises InputError."""
        kind = self._layout.kinds[plane.c]
        tiles = self._layout.tiles(plane).touching(x, y, width, height)
        make = np.empty if _one_covers(tiles, x, y, width, height) else np.zeros
        out = make((height, width, kind.samples), kind.dtype)
        with self._handle.use() as file:
            for number, (left, top, right, bottom) in zip(tiles.numbers.tolist(), tiles.edges.tolist(), strict=True):
                x0, y0, x1, y1 = max(left, x), max(top, y), min(right, x + width), min(bottom, y + height)
                part = out[y0 - y : y1 - y, x0 - x : x1 - x]
                self._pixels.paint(file, self._pixels.find(file, number), x0 - left, y0 - top, part)
        return out

    def look(self, downsample: int, plane: Plane) -> Array | None:
        """The whole section within a moment, or None where nothing of it can be had so soon."""
        with self._handle.use() as file:
            return look(self._layout, self._pixels, file, downsample, plane)

    def sample(self, plane: Plane) -> Array:
        """Some values of a plane, always the same ones; all of them where they are few. Raises InputError."""
        width, height = self._layout.size
        if width * height <= _SAMPLED_WHOLE_PX:
            return self.read(0, 0, width, height, plane)
        edges = self._layout.tiles(plane).placed.edges
        chosen = edges[np.unique(np.linspace(0, len(edges) - 1, _SAMPLES).astype(int))]
        return np.concatenate([self.read(*_middle(*tile), plane).ravel() for tile in chosen.tolist()])

    def count_cut_off(self) -> int:
        """How many full-resolution tiles don't lie within the file. Only the last one needs a look into the file."""
        directory = self._layout.directory
        with self._handle.use() as file:
            cut = cut_off(self._layout, file.size)
            last = int(directory.position.argmax())
            if not cut[last] and directory.is_level0[last]:
                try:
                    self._pixels.find(file, last)
                except CutOffError:
                    cut[last] = True
                except InputError:
                    pass  # damaged in another way: told where it is read
        return int((cut & directory.is_level0).sum())

    def close(self) -> None:
        self._handle.close()


def cut_off(layout: Layout, file_size: int) -> Array:
    """Which subblocks surely reach beyond the end of the file."""
    directory = layout.directory
    per_px = np.zeros(len(directory), np.int64)
    for number, kind in PIXEL_KINDS.items():
        per_px[directory.pixel_type == number] = kind.bytes
    pixels = directory.stored_w * directory.stored_h * per_px
    needed = _LEAST_SUBBLOCK_BYTES + np.where(directory.compression == RAW, pixels, 1)
    return directory.position > file_size - needed


def _one_covers(tiles: Placed, x: int, y: int, width: int, height: int) -> bool:
    edges = tiles.edges
    return bool(((edges[:, :2] <= (x, y)) & (edges[:, 2:] >= (x + width, y + height))).all(axis=1).any())


def _middle(left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    width, height = min(right - left, _SAMPLE_PX), min(bottom - top, _SAMPLE_PX)
    return (left + right - width) // 2, (top + bottom - height) // 2, width, height
