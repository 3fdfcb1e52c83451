"""Decides how libCZI (pylibCZIrw) reads what Schliff doesn't read itself: rare compressions, mixed pixel types.

It reads whole subblocks for every region and scales by taking every n-th pixel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.readers.czi_directory import COPY_AGAIN
from core.readers.czi_layout import Layout
from core.readers.handle import SharedHandle
from core.section import Plane

Array = np.ndarray

_CACHE_BYTES = 256 << 20
_SAMPLE_PX = 512


class LibCzi:
    """One CZI, opened by libCZI. May be read by several threads at once."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._handle = SharedHandle(path, _open(path), lambda reader: reader.close())

    def read(self, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._read(x, y, width, height, plane, None)

    def look(self, downsample: float, plane: Plane) -> Array:
        """The whole section; libCZI picks the nearest stored pyramid layer and takes every n-th of its pixels."""
        return self._read(0, 0, *self._layout.size, plane, 1 / downsample)

    def sample(self, plane: Plane) -> Array:
        """Values spread over a plane. Raises InputError."""
        return self.look(max(1.0, max(self._layout.size) / _SAMPLE_PX), plane)

    def close(self) -> None:
        self._handle.close()

    def _read(self, x: int, y: int, width: int, height: int, plane: Plane, zoom: float | None) -> Array:
        layout = self._layout
        roi = (x + layout.origin[0], y + layout.origin[1], width, height)
        with self._handle.use() as reader:
            try:
                name = layout.kinds[plane.c].name
                pixels = reader.read(roi=roi, plane=layout.coordinates(plane), zoom=zoom, pixel_type=name)
            except Exception as error:
                raise InputError(
                    f"pixels at {x}, {y} can't be decoded ({_first_line(error)})", path=self._path, remedy=COPY_AGAIN
                ) from error
        return pixels[:, :, ::-1] if pixels.shape[2] == 3 else pixels


def _open(path: Path) -> Any:
    from pylibCZIrw.czi import CacheOptions, CacheType, CziReader

    try:
        cache = CacheOptions(type=CacheType.Standard, max_memory_usage=_CACHE_BYTES, max_sub_block_count=100_000)
        return CziReader(str(path), cache_options=cache)
    except Exception as error:
        raise InputError(f"it can't be opened ({_first_line(error)})", path=path, remedy=COPY_AGAIN) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
