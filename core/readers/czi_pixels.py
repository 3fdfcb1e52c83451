"""Decides how pixels of a CZI's subblocks are fetched, and what is kept for whoever asks next.

Uncompressed: just the rows that are asked for, through a small buffer; nothing is kept, as the system keeps the file's
pages and `FileBytes` those of slow drives (measured: fresh memory for kept bands costs more than reading them thrice).
Of very long rows only stretches are read. Compressed: the whole subblock is decoded once and kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

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

_BUFFER_BYTES = 1 << 20
_LONGEST_ROW_BYTES = 32 << 10  # of longer ones, 512 small reads take less time than one large one
_STRETCH_BYTES = 12 << 10
_SLACK_BYTES = 64 << 10  # what noise may take more when it is compressed

_buffers = threading.local()


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
    def bgr(self) -> bool:
        return self.kind.samples == 3 and is_bgr(self.compression)

    @property
    def row_bytes(self) -> int:
        return self.width * self.kind.bytes


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
            try:
                where = find_data(file, self._path, entry)
            except OSError as error:
                raise self._unreadable(error) from error
            size = entry.stored_w, entry.stored_h
            found = Stored(number, entry.x, entry.y, *size, kind, entry.compression, *where)
            needed = found.height * found.row_bytes
            most = found.count if found.compression == RAW else 2 * needed + _SLACK_BYTES
            least = needed if found.compression == RAW else 0
            if not least <= found.count <= most:
                raise self._error(found, f"has {found.count} bytes of pixels instead of {needed}")
            self._found[number] = found
        return found

    def paint(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        """Fills `out` (h, w, samples; RGB) with the subblock's own px from `x, y` on. Raises InputError."""
        if stored.compression != RAW:
            make = partial(self._decode, file, stored)
            taken_whole = out.shape == stored.shape
            pixels = _kept(taken_whole, make, file.owner, stored.number)
            _copy(pixels[y : y + len(out), x : x + out.shape[1]], out, stored.bgr)
        elif stored.row_bytes > _LONGEST_ROW_BYTES and 2 * out.shape[1] < stored.width:
            self._paint_stretches(file, stored, x, y, out)
        else:
            self._paint_rows(file, stored, x, y, out)

    def whole(self, file: FileBytes, stored: Stored) -> Array:
        """All pixels of a subblock, colours as `stored.bgr` says; kept if they had to be decoded. Raises InputError."""
        if stored.compression == RAW:
            data = self.read(file, stored, stored.start, stored.height * stored.row_bytes)
            return np.frombuffer(data, stored.kind.dtype).reshape(stored.shape)
        return _kept(False, partial(self._decode, file, stored), file.owner, stored.number)

    def read(self, file: FileBytes, stored: Stored, offset: int, count: int) -> bytes:
        """`count` bytes of the file, which a subblock promised. Raises InputError."""
        try:
            data = file.read(offset, count)
        except OSError as error:
            raise self._unreadable(error) from error
        if len(data) < count:
            raise self._error(stored, "lies beyond the end of the file")
        return data

    def _paint_rows(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        step = max(1, _BUFFER_BYTES // stored.row_bytes)
        if len(out) > step:
            file.expect(stored.start + y * stored.row_bytes, len(out) * stored.row_bytes)
        for row in range(0, len(out), step):
            part = out[row : row + step]
            buffer = _buffer(len(part) * stored.row_bytes)
            self._read_into(file, stored, stored.start + (y + row) * stored.row_bytes, buffer)
            rows = buffer.view(stored.kind.dtype).reshape(len(part), *stored.shape[1:])
            _copy(rows[:, x : x + out.shape[1]], part, stored.bgr)

    def _paint_stretches(self, file: FileBytes, stored: Stored, x: int, y: int, out: Array) -> None:
        """The system is told of longer stretches than are read: neighbours are likely to come next."""
        first = stored.start + y * stored.row_bytes
        rows = range(first, first + len(out) * stored.row_bytes, stored.row_bytes)
        begin, count = x * stored.kind.bytes, out.shape[1] * stored.kind.bytes
        likely = begin // _STRETCH_BYTES * _STRETCH_BYTES
        for row in rows:
            file.expect(row + likely, begin + count - likely + _STRETCH_BYTES)
        data = b"".join([self.read(file, stored, row + begin, count) for row in rows])
        _copy(np.frombuffer(data, stored.kind.dtype).reshape(out.shape), out, stored.bgr)

    def _decode(self, file: FileBytes, stored: Stored) -> Array:
        data = self.read(file, stored, stored.start, stored.count)
        try:
            return decode(stored.compression, data, stored.shape, stored.kind.dtype)
        except MemoryError:  # the file may be sound
            raise
        except Exception as error:  # each codec has errors of its own
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise self._error(stored, f"can't be decoded ({reason})") from error

    def _read_into(self, file: FileBytes, stored: Stored, offset: int, target: Array) -> None:
        try:
            whole = file.read_into(offset, target)
        except OSError as error:
            raise self._unreadable(error) from error
        if not whole:
            raise self._error(stored, "lies beyond the end of the file")

    def _unreadable(self, error: OSError) -> InputError:
        reason = error.strerror or error
        return InputError(f"it can't be read ({reason})", path=self._path, remedy="Check the drive or the network.")

    def _error(self, entry: Stored | Subblock, what: str) -> InputError:
        return InputError(f"its tile at {entry.x}, {entry.y} {what}", path=self._path, remedy=COPY_AGAIN)


def can_read(directory: Directory) -> bool:
    """Whether every subblock is compressed in a way that is known here."""
    return KNOWN.issuperset(np.unique(directory.compression).tolist())


def _buffer(size: int) -> Array:
    """Bytes of this thread's own, overwritten by its next call."""
    buffer: Array | None = getattr(_buffers, "bytes", None)
    if buffer is None or buffer.nbytes < size:
        buffer = _buffers.bytes = np.empty(max(size, _BUFFER_BYTES), np.uint8)
    return buffer[:size]


def _kept(taken_whole: bool, make: Callable[[], Array], *key: Hashable) -> Array:
    """From the shared cache, or made; kept there unless it is taken whole."""
    if not taken_whole:
        return decoded_parts().get(key, make)
    pixels = decoded_parts().peek(key)
    return make() if pixels is None else pixels


def _copy(pixels: Array, out: Array, bgr: bool) -> None:
    """The one copy there is; colours are turned round on the way."""
    if not bgr:
        np.copyto(out, pixels)
    elif cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=out) is not out:  # it made an array of its own
        np.copyto(out, pixels[:, :, ::-1])
