"""Decides how a region of one TIFF image is fetched: only the tiles, strips or rows it needs, in bounded memory.

Values come as stored; what they mean is for `core.readers.tiff_values`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.readers.file_bytes import FileBytes

Array = np.ndarray
ReadBytes = Callable[[int, int], bytes]

SAVE_TILED = "Save it as a tiled TIFF and open that."
COPY_AGAIN = "Copy or export it again; the transfer may have been cut short."

_LARGEST_SEGMENT = 1 << 30
_LARGEST_RATIO = 100_000
_CACHE_BYTES = 64 << 20


class SegmentCache:
    """The last decoded tiles and strips, at most 64 MiB of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], Array] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[int, int], decode: Callable[[], Array]) -> Array:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        segment = decode()
        with self._lock:
            if key not in self._kept and segment.nbytes <= _CACHE_BYTES:
                self._kept[key] = segment
                self._bytes += segment.nbytes
            while self._bytes > _CACHE_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return segment


def check_image(path: Path, page: Any, file_size: int, contiguous: bool) -> None:
    """Raises InputError for an image that can't be what it says: no data, cut short, or too large a strip to decode."""
    _, depth, height, width, _ = page.shaped
    size = f"{width} × {height} px"
    if page.dtype is None or page.size == 0:
        raise InputError(f"its pixels ({size}) are of no known kind", path=path, remedy="Export it as 8 or 16 bits.")
    if depth > 1:
        raise InputError("it holds volume tiles", path=path, remedy="Export it as single planes.")
    if not any(page.databytecounts) or len(page.dataoffsets) < int(np.prod(page.chunked)):
        raise InputError(f"it says it has {size}, but its pixels are missing", path=path, remedy=COPY_AGAIN)
    if data_end(page) > file_size or (contiguous and page.dataoffsets[0] + page.nbytes > file_size):
        raise InputError(f"the file ends before its {size} do", path=path, remedy=COPY_AGAIN)
    if page.nbytes > _LARGEST_RATIO * file_size:
        raise InputError(f"it says it has {size} in {file_size} bytes", path=path, remedy=COPY_AGAIN)
    segment = segment_bytes(page)
    if not contiguous and segment > _LARGEST_SEGMENT:
        raise InputError(f"one strip of it takes {segment / 1e9:.1f} GB to decode", path=path, remedy=SAVE_TILED)


def data_end(page: Any) -> int:
    """Where the last of its tiles or strips ends in the file."""
    return max((o + c for o, c in zip(page.dataoffsets, page.databytecounts, strict=False) if c > 0), default=0)


def segment_bytes(page: Any) -> int:
    """Size of one decoded tile or strip."""
    rows, columns = segment_shape(page)
    samples = page.shaped[4]
    return rows * columns * samples * np.dtype(page.dtype).itemsize


def segment_shape(page: Any) -> tuple[int, int]:
    """Rows and columns of one tile or strip."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


class PageReader:
    """Regions of one image (one IFD) as (height, width, samples) in the stored dtype.

    `contiguous` images lie uncompressed row by row from `offset` on and are read without decoding.
    """

    def __init__(self, path: Path, keyframe: Any, page: Any, key: int, offset: int | None) -> None:
        self._path, self._keyframe, self._key = path, keyframe, key
        self._offsets, self._counts = page.dataoffsets, page.databytecounts
        self._offset = offset
        separate, _, self._height, self._width, contig = keyframe.shaped
        self._planes, self._contig = separate, contig
        self._dtype = np.dtype(keyframe.dtype)
        self._order = keyframe.parent.byteorder

    def read(self, file: FileBytes, cache: SegmentCache, x: int, y: int, width: int, height: int) -> Array:
        """Missing tiles are 0. Raises InputError where bytes can't be decoded."""
        if self._offset is not None:
            return self._read_rows(file, x, y, width, height)
        return self._read_segments(file, cache, x, y, width, height)

    def _read_rows(self, file: FileBytes, x: int, y: int, width: int, height: int) -> Array:
        assert self._offset is not None
        dtype = self._dtype.newbyteorder(self._order)
        row_bytes = self._width * self._contig * dtype.itemsize
        plane_bytes = row_bytes * self._height
        planes = []
        for plane in range(self._planes):
            start = self._offset + plane * plane_bytes + y * row_bytes
            if width * 2 > self._width:
                data = file.read(start, height * row_bytes)
                rows = self._shaped(data, dtype, height, self._width)[:, x : x + width]
            else:
                skip, take = x * self._contig * dtype.itemsize, width * self._contig * dtype.itemsize
                data = b"".join(file.read(start + row * row_bytes + skip, take) for row in range(height))
                rows = self._shaped(data, dtype, height, width)
            planes.append(rows)
        pixels = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
        return pixels.astype(self._dtype)

    def _shaped(self, data: bytes, dtype: np.dtype, height: int, width: int) -> Array:
        if len(data) < height * width * self._contig * dtype.itemsize:
            raise InputError("the file ends before its pixels do", path=self._path, remedy=COPY_AGAIN)
        return np.frombuffer(data, dtype).reshape(height, width, self._contig)

    def _read_segments(self, file: FileBytes, cache: SegmentCache, x: int, y: int, width: int, height: int) -> Array:
        out = np.zeros((height, width, self._planes * self._contig), self._dtype)
        rows, columns = segment_shape(self._keyframe)
        across, down = -(-self._width // columns), -(-self._height // rows)
        for plane in range(self._planes):
            samples = slice(plane * self._contig, (plane + 1) * self._contig)
            for row in range(y // rows, -(-(y + height) // rows)):
                for column in range(x // columns, -(-(x + width) // columns)):
                    index = (plane * down + row) * across + column
                    if self._counts[index] == 0:
                        continue
                    segment = cache.get((self._key, index), partial(self._decode, file, index))
                    _paste(out[:, :, samples], segment, column * columns - x, row * rows - y)
        return out

    def _decode(self, file: FileBytes, index: int) -> Array:
        data = file.read(self._offsets[index], self._counts[index])
        try:
            options = {"jpegtables": self._keyframe.jpegtables} if self._keyframe.jpegtables is not None else {}
            segment = self._keyframe.decode(data, index, **options)[0]
        except Exception as error:  # each codec has errors of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise InputError(
                f"its pixels can't be decoded ({reason})",
                path=self._path,
                remedy="Copy it again, or save it with another compression (LZW, Deflate or none).",
            ) from error
        if segment is None:
            rows, columns = segment_shape(self._keyframe)
            return np.zeros((rows, columns, self._contig), self._dtype)
        return segment[0]


def _paste(out: Array, segment: Array, left: int, top: int) -> None:
    """Copies the part of `segment` (its corner at `left`, `top` of `out`) that falls on `out`."""
    x0, y0 = max(left, 0), max(top, 0)
    x1 = min(left + segment.shape[1], out.shape[1])
    y1 = min(top + segment.shape[0], out.shape[0])
    if x1 > x0 and y1 > y0:
        out[y0:y1, x0:x1] = segment[y0 - top : y1 - top, x0 - left : x1 - left]
