"""Decides how a region of one TIFF image is fetched: only the tiles, strips or rows it needs, in bounded memory.

Values come as stored; what they mean is for `core.readers.tiff_values`. Decoding is tifffile's business; what is stored
plainly comes straight from the file (`tiff_rows`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from core.caches import PASSING_SHARE, DecodedCache, decoded_parts
from core.errors import InputError
from core.memory import share
from core.readers.file_bytes import FileBytes
from core.readers.tiff_codecs import direct_decoder, is_safe
from core.readers.tiff_rows import PlainRows

Array = np.ndarray

SAVE_TILED = "Save it as a tiled TIFF and open that."
COPY_AGAIN = "Copy or export it again; the transfer may have been cut short."

_LARGEST_SEGMENT = 1 << 30
_LARGEST_RATIO = 100_000
# What a helper holds at most, and what decoders make of a byte on the way (those of JPEG 2000 four of each, and again).
_HELPER_BYTES, _HELD_TIMES = 1 << 30, 10
_TRIED_AT_ONCE = 16 << 20
_BLOCK_BYTES = 64 << 20
_BLOCK_SIDE = 2048


def check_image(path: Path, page: Any, file_size: int, contiguous: bool) -> None:
    """Raises InputError for an image that can't be what it says: no data, cut short, or too large a strip to decode."""
    _, depth, height, width, _ = page.shaped
    size = f"{width} × {height} px"
    if page.dtype is None or page.size == 0:
        raise InputError(f"its pixels ({size}) are of no known kind", path=path, remedy="Export it as 8 or 16 bits.")
    if depth > 1:
        raise InputError("it holds volume tiles", path=path, remedy="Export it as single planes.")
    listed = len(page.dataoffsets) if contiguous else min(len(page.dataoffsets), len(page.databytecounts))
    if not any(page.databytecounts) or listed < int(np.prod(page.chunked)):
        raise InputError(f"it says it has {size}, but its pixels are missing", path=path, remedy=COPY_AGAIN)
    if min((*page.dataoffsets, *page.databytecounts), default=0) < 0:
        raise InputError("its list of tiles is damaged", path=path, remedy=COPY_AGAIN)
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
    return rows * columns * page.shaped[4] * np.dtype(page.dtype).itemsize


def segment_shape(page: Any) -> tuple[int, int]:
    """Rows and columns of one tile or strip."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def is_large(page: Any) -> bool:
    """Whether one tile or strip takes so long to decode that opening the file must not wait for it."""
    return segment_bytes(page) > _TRIED_AT_ONCE


@cache
def huge_parts() -> DecodedCache:
    """What the shared cache would not keep: the one that was looked at last, however many planes and files have such."""
    return DecodedCache(int(_LARGEST_SEGMENT / (1 - PASSING_SHARE)) + 1)


class PageReader:
    """Regions of one image (one IFD) as (height, width, samples) in the stored dtype, native byte order.

    Args:
        keyframe: tifffile's page that says what this one is like; `page`: where its own data lies.
        key: tells this image from others of the file.
        offset: where the image begins if it lies uncompressed row by row; else None.
    """

    def __init__(self, path: Path, keyframe: Any, page: Any, key: int, offset: int | None) -> None:
        self._path, self._keyframe, self._key = path, keyframe, key
        self._offsets, self._counts = page.dataoffsets, page.databytecounts
        self._planes, _, self._height, self._width, self._contig = keyframe.shaped
        self._dtype = np.dtype(keyframe.dtype)
        self._segment_shape = segment_shape(keyframe)
        self._whole_file_rows = offset is not None
        is_huge = segment_bytes(keyframe) > share("decoded") // 2
        self._cache = huge_parts() if is_huge else decoded_parts()
        self._direct = direct_decoder(keyframe)
        if offset is not None:
            self._offsets = [offset + plane * keyframe.nbytes // self._planes for plane in range(self._planes)]
            self._counts = [keyframe.nbytes // self._planes] * self._planes
            self._segment_shape = self._height, self._width
        self._rows: PlainRows | None = None
        self._is_complete = False
        if offset is not None or _is_plain(keyframe, page.databytecounts):
            stored = self._dtype.newbyteorder(keyframe.parent.byteorder)
            self._is_complete = all(self._counts)
            self._rows = PlainRows(path, self._segment_shape[1], self._contig, stored)

    @property
    def block_px(self) -> tuple[int, int]:
        """Width and height of blocks that need each tile or strip once, of about 64 MB at most."""
        rows, columns = self._segment_shape
        row_bytes = self._width * self._contig * self._planes * self._dtype.itemsize
        if columns < self._width:
            return min(_multiple(_BLOCK_SIDE, columns), self._width), min(_multiple(_BLOCK_SIDE, rows), self._height)
        if self._whole_file_rows:
            return self._width, min(max(1, _BLOCK_BYTES // row_bytes), self._height)
        return self._width, min(rows * max(1, _BLOCK_BYTES // (rows * row_bytes)), self._height)

    def read(self, file: FileBytes, x: int, y: int, width: int, height: int) -> Array:
        """Missing tiles are 0; writable by nobody else. Raises InputError where bytes can't be decoded."""
        rows, columns = self._segment_shape
        one = y // rows == (y + height - 1) // rows and x // columns == (x + width - 1) // columns
        if one and self._planes == 1:
            index = y // rows * -(-self._width // columns) + x // columns
            if self._counts[index]:
                return self._read_part(file, index, x % columns, y % rows, width, height)
        out = self._blank((height, width, self._planes * self._contig))
        for plane in range(self._planes):
            target = out[:, :, plane * self._contig : (plane + 1) * self._contig]
            self._read_plane(file, plane, x, y, target)
        return out

    @property
    def decodes(self) -> bool:
        """Whether tiles or strips are decoded whole, even for a small part of them."""
        return self._rows is None

    def try_decoding(self, file: FileBytes) -> None:
        """Raises InputError for an unknown codec, and for damage where finding it is quick."""
        if is_large(self._keyframe):
            self._decoded(None, 0)
        else:
            self.read(file, 0, 0, 1, 1)

    def _read_plane(self, file: FileBytes, plane: int, x: int, y: int, target: Array) -> None:
        """Fills `target` (height, width, samples of one plane) tile by tile."""
        rows, columns = self._segment_shape
        height, width = target.shape[:2]
        across, down = -(-self._width // columns), -(-self._height // rows)
        for row in range(y // rows, -(-(y + height) // rows)):
            for column in range(x // columns, -(-(x + width) // columns)):
                index = (plane * down + row) * across + column
                if self._counts[index] == 0:
                    continue
                left, top = max(x, column * columns), max(y, row * rows)
                right, bottom = min(x + width, (column + 1) * columns), min(y + height, (row + 1) * rows)
                part = target[top - y : bottom - y, left - x : right - x]
                self._fill_part(file, index, left - column * columns, top - row * rows, part)

    def _read_part(self, file: FileBytes, index: int, x: int, y: int, width: int, height: int) -> Array:
        """A region inside one tile or strip, in the segment's own px."""
        if self._rows is None:
            is_own, segment = self._segment(file, index, (height, width))
            part = segment[y : y + height, x : x + width]
            if part.shape[:2] == (height, width):
                return part if is_own and part.dtype == self._dtype else part.astype(self._dtype)
        out = self._blank((height, width, self._contig))
        self._fill_part(file, index, x, y, out)
        return out

    def _blank(self, shape: tuple[int, int, int]) -> Array:
        """What is filled next; 0 unless all of it is certain to be."""
        return np.empty(shape, self._dtype) if self._is_complete else np.zeros(shape, self._dtype)

    def _fill_part(self, file: FileBytes, index: int, x: int, y: int, target: Array) -> None:
        if self._rows is not None:
            self._rows.fill(file, self._offsets[index], x, y, target)
            return
        height, width = target.shape[:2]
        part = self._segment(file, index, (height, width))[1][y : y + height, x : x + width]
        target[: part.shape[0], : part.shape[1]] = part

    def _segment(self, file: FileBytes, index: int, wanted: tuple[int, int]) -> tuple[bool, Array]:
        """A decoded tile or strip, (rows, columns, samples), and whether nobody else looks at it.

        One of which all `wanted` rows and columns are taken isn't kept: whoever asked will keep it.
        """
        key = (file.owner, self._key, index)
        if wanted != self._segment_shape:
            return False, self._cache.get(key, partial(self._decode, file, index))
        kept = self._cache.peek(key)
        segment = self._decode(file, index) if kept is None else kept
        return kept is None and segment.flags.writeable, segment

    def _decode(self, file: FileBytes, index: int) -> Array:
        data = file.read(self._offsets[index], self._counts[index])
        if self._direct is not None:
            pixels = self._direct(data, self._shape_of(index))
            if pixels is not None:
                return pixels
        segment = self._decoded(data, index)
        if segment is None:
            rows, columns = self._segment_shape
            return np.zeros((rows, columns, self._contig), self._dtype)
        return segment[0]

    def _shape_of(self, index: int) -> tuple[int, int, int]:
        """What a tile or strip decodes to; the last strip holds fewer rows."""
        rows, columns = self._segment_shape
        if not self._keyframe.is_tiled:
            rows = min(rows, self._height - index % -(-self._height // rows) * rows)
        return rows, columns, self._contig

    def _decoded(self, data: bytes | None, index: int) -> Array | None:
        tables = self._keyframe.jpegtables
        try:
            if data is not None and not is_safe(int(self._keyframe.compression), data):
                return self._decoded_elsewhere(data, index)
            return self._keyframe.decode(data, index, **({} if tables is None else {"jpegtables": tables}))[0]
        except MemoryError:  # the file may be sound
            raise
        except Exception as error:  # each codec has errors of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise InputError(
                f"its pixels can't be decoded ({reason})",
                path=self._path,
                remedy="Copy it again, or save it with another compression (LZW, Deflate or none).",
            ) from error

    def _decoded_elsewhere(self, data: bytes, index: int) -> Array | None:
        from core.decoding.limits import Limits
        from core.decoding.pool import decode_elsewhere

        asked = {"do": "tiff", "path": str(self._path), "offset": self._keyframe.offset, "index": index}
        limits = Limits(memory_bytes=_HELPER_BYTES + _HELD_TIMES * segment_bytes(self._keyframe))
        pixels = decode_elsewhere(asked, data, limits)
        return pixels if pixels.size else None


def _is_plain(page: Any, byte_counts: Sequence[int]) -> bool:
    """Whether tiles or strips of `byte_counts` hold nothing but numbers as they are, whole bytes each."""
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    rows, columns = segment_shape(page)
    whole = rows * columns * page.shaped[4] * np.dtype(page.dtype).itemsize
    last = (page.imagelength % rows or rows) * (whole // rows)
    return (
        page.compression == 1
        and page.predictor == 1
        and page.fillorder == 1
        and not page.is_subsampled
        and bits == np.dtype(page.dtype).itemsize * 8
        and np.dtype(page.dtype).kind in "uif"
        and min((n for n in byte_counts if n), default=0) >= (whole if page.is_tiled else min(whole, last))
    )


def _multiple(at_least: int, of: int) -> int:
    return -(-at_least // of) * of
