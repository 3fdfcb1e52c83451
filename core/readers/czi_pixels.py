"""Decides how pixels of a CZI's subblocks are fetched, and in what pieces they are kept for whoever asks next.

Uncompressed: pieces of some rows, of the whole width where rows are short (one read), else of some columns (one read a
row). Compressed: the whole subblock, decoded once. A piece that somebody takes whole is not kept: it has no neighbour.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from core.caches import decoded_parts
from core.errors import InputError
from core.readers.czi_codecs import KNOWN, RAW, decode, is_bgr
from core.readers.czi_directory import COPY_AGAIN, Directory, Subblock
from core.readers.czi_layout import PIXEL_KINDS, PixelKind
from core.readers.czi_segments import find_data
from core.readers.file_bytes import FileBytes

Array = np.ndarray

# Measured (benchmarks/tile_reads_czi.py): pieces of fewer rows make neighbours dear, of more rows lone tiles. Of rows
# longer than this, stretches are read: 256 small reads take less time than one of 30 MB.
_PIECE_ROWS = 256
_LONGEST_ROW_BYTES = 32 << 10
_STRETCH_BYTES = 12 << 10
_RUN_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """One subblock: its place in the file's own px, its size on disk, where its `count` bytes of pixels start."""

    number: int
    x: int
    y: int
    width: int
    height: int
    kind: PixelKind
    compression: int
    start: int
    count: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.kind.samples

    @property
    def row_bytes(self) -> int:
        return self.width * self.kind.bytes


class _Piece(NamedTuple):
    """Edges in the subblock's own px."""

    left: int
    top: int
    right: int
    bottom: int


class SubblockPixels:
    """Regions of single subblocks. May be used by several threads at once."""

    def __init__(self, path: Path, directory: Directory) -> None:
        self._path, self._directory = path, directory
        self._found: dict[int, Stored] = {}

    def find(self, file: FileBytes, number: int) -> Stored:
        """What the file holds of a subblock of the directory. Raises InputError where it doesn't hold all of it."""
        found = self._found.get(number)
        if found is None:
            entry = self._directory.subblock(number)
            kind = PIXEL_KINDS[entry.pixel_type]
            where = find_data(file, self._path, entry)
            size = entry.stored_w, entry.stored_h
            found = Stored(number, entry.x, entry.y, *size, kind, entry.compression, *where)
            needed = found.height * found.row_bytes
            if found.compression == RAW and found.count < needed:
                raise self._error(found, f"has {found.count} bytes of pixels instead of {needed}")
            self._found[number] = found
        return found

    def paint(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        """Fills `out` (h, w, samples; RGB) with the subblock's own px from `x, y` on. Raises InputError."""
        if stored.compression != RAW:
            self._paint_decoded(file, stored, x, y, out)
        elif stored.row_bytes > _LONGEST_ROW_BYTES and 2 * out.shape[1] >= stored.width:
            self._paint_rows(file, stored, x, y, out)
        else:
            self._paint_pieces(file, stored, x, y, out)

    def whole(self, file: FileBytes, stored: Stored) -> Array:
        """All pixels of a subblock in RGB; kept if they had to be decoded. Raises InputError."""
        out = np.empty(stored.shape, stored.kind.dtype)
        if stored.compression == RAW:
            self.paint(file, stored, 0, 0, out)
        else:
            make = partial(self._decode, file, stored)
            pixels = _kept(False, make, file.owner, stored.number)
            _copy(pixels, out, is_bgr(stored.compression))
        return out

    def read(self, file: FileBytes, stored: Stored, offset: int, count: int) -> bytes:
        """`count` bytes of the file, which a subblock promised. Raises InputError."""
        try:
            data = file.read(offset, count)
        except OSError as error:
            raise InputError(
                f"it can't be read ({error.strerror or error})",
                path=self._path,
                remedy="Check the drive or the network.",
            ) from error
        if len(data) < count:
            raise self._error(stored, "lies beyond the end of the file")
        return data

    def _paint_decoded(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        height, width = out.shape[:2]
        taken_whole = out.shape == stored.shape
        make = partial(self._decode, file, stored)
        pixels = _kept(taken_whole, make, file.owner, stored.number)
        _copy(pixels[y : y + height, x : x + width], out, is_bgr(stored.compression))

    def _paint_rows(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        """Whole long rows, straight into the answer."""
        step = max(1, _RUN_BYTES // stored.row_bytes)
        for row in range(0, len(out), step):
            part = out[row : row + step]
            rows = self._rows(file, stored, y + row, len(part))
            _copy(rows[:, x : x + out.shape[1]], part, bgr=True)

    def _paint_pieces(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        height, width = out.shape[:2]
        for piece in _pieces(stored, x, y, width, height):
            left, top = max(piece.left, x), max(piece.top, y)
            right, bottom = min(piece.right, x + width), min(piece.bottom, y + height)
            taken_whole = piece == (left, top, right, bottom)
            make = partial(self._cut, file, stored, piece)
            pixels = _kept(taken_whole, make, file.owner, stored.number, piece.left, piece.top)
            part = pixels[top - piece.top : bottom - piece.top, left - piece.left : right - piece.left]
            _copy(part, out[top - y : bottom - y, left - x : right - x], bgr=True)

    def _decode(self, file: FileBytes, stored: Stored) -> Array:
        data = self.read(file, stored, stored.start, stored.count)
        try:
            return decode(stored.compression, data, stored.shape, stored.kind.dtype)
        except Exception as error:  # each codec has errors of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise self._error(stored, f"can't be decoded ({reason})") from error

    def _cut(self, file: FileBytes, stored: Stored, piece: _Piece) -> Array:
        if piece.right - piece.left == stored.width:
            return self._rows(file, stored, piece.top, piece.bottom - piece.top)
        kind = stored.kind
        first = stored.start + piece.top * stored.row_bytes + piece.left * kind.bytes
        rows, columns = piece.bottom - piece.top, piece.right - piece.left
        offsets = range(first, first + rows * stored.row_bytes, stored.row_bytes)
        for offset in offsets:
            file.expect(offset, columns * kind.bytes)
        data = b"".join(self.read(file, stored, offset, columns * kind.bytes) for offset in offsets)
        return np.frombuffer(data, kind.dtype).reshape(rows, columns, kind.samples)

    def _rows(self, file: FileBytes, stored: Stored, row: int, count: int) -> Array:
        data = self.read(file, stored, stored.start + row * stored.row_bytes, count * stored.row_bytes)
        return np.frombuffer(data, stored.kind.dtype).reshape(count, stored.width, stored.kind.samples)

    def _error(self, entry: Stored | Subblock, what: str) -> InputError:
        return InputError(f"its tile at {entry.x}, {entry.y} {what}", path=self._path, remedy=COPY_AGAIN)


def can_read(directory: Directory) -> bool:
    """Whether every subblock is compressed in a way that is known here."""
    return KNOWN.issuperset(np.unique(directory.compression).tolist())


def _pieces(stored: Stored, x: int, y: int, width: int, height: int) -> Iterator[_Piece]:
    """The pieces that a region touches."""
    columns = stored.width if stored.row_bytes <= _LONGEST_ROW_BYTES else _STRETCH_BYTES // stored.kind.bytes
    for top in range(y // _PIECE_ROWS * _PIECE_ROWS, y + height, _PIECE_ROWS):
        for left in range(x // columns * columns, x + width, columns):
            yield _Piece(left, top, min(left + columns, stored.width), min(top + _PIECE_ROWS, stored.height))


def _kept(taken_whole: bool, make: Callable[[], Array], *key: Hashable) -> Array:
    """From the shared cache, or made; kept there unless it is taken whole."""
    if not taken_whole:
        return decoded_parts().get(key, make)
    pixels = decoded_parts().peek(key)
    return make() if pixels is None else pixels


def _copy(pixels: Array, out: Array, bgr: bool) -> None:
    """The one copy there is; colours are turned round on the way."""
    if not bgr or out.shape[2] == 1:
        np.copyto(out, pixels)
    elif cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=out) is not out:  # it made an array of its own
        np.copyto(out, pixels[:, :, ::-1])
