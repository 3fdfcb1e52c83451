"""Decides how a region of plainly stored pixel rows (a whole image, a strip or a tile) comes from the file with one copy."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from core.caches import decoded_parts
from core.errors import InputError
from core.readers.file_bytes import FileBytes

Array = np.ndarray

_CUT_SHORT = "Copy or export it again; the transfer may have been cut short."
_BAND_BYTES = 1 << 20
_WASTE = 2  # as many bytes are read for nothing, at most, to save a read for each row
_KEPT_BAND_BYTES = 8 << 20


class PlainRows:
    """Rows of `width` pixels of `samples` numbers of the `stored` dtype, byte order included, one after the other."""

    def __init__(self, path: Path, width: int, samples: int, stored: np.dtype) -> None:
        self._path, self._width, self._samples, self._stored = path, width, samples, stored
        self._pixel_bytes = samples * stored.itemsize
        self._row_bytes = width * self._pixel_bytes

    def fill(self, file: FileBytes, offset: int, x: int, y: int, target: Array) -> None:
        """Fills `target` (height, width, samples) from pixel x, y of rows that begin at `offset`. Raises InputError."""
        height, width = target.shape[:2]
        start, band = offset + y * self._row_bytes, height * self._row_bytes
        is_scattered = band > max(_BAND_BYTES, _WASTE * width * height * self._pixel_bytes)
        if is_scattered and file.slow:
            self._copy_from_bands(file, offset, x, y, target)
        elif is_scattered:
            self._read_rows(file, start + x * self._pixel_bytes, target)
        else:
            self._read_band(file, start, x, target)
        if not self._stored.isnative:
            target.byteswap(inplace=True)

    def _read_band(self, file: FileBytes, start: int, x: int, target: Array) -> None:
        height, width = target.shape[:2]
        if width == self._width and target.flags.c_contiguous:
            self._read(file, start, target)
        else:
            rows = np.empty((height, self._width, self._samples), target.dtype)
            self._read(file, start, rows)
            target[:] = rows[:, x : x + width]

    def _read(self, file: FileBytes, start: int, target: Array) -> None:
        if not file.read_into(start, target):
            raise self._cut_short()

    def _copy_from_bands(self, file: FileBytes, offset: int, x: int, y: int, target: Array) -> None:
        """From bands of whole rows, each read at once and kept for the neighbours."""
        rows, height = max(1, _KEPT_BAND_BYTES // self._row_bytes), len(target)
        for number in range(y // rows, -(-(y + height) // rows)):
            first = number * rows
            key = (file.owner, "rows", offset, number)
            band = decoded_parts().get(key, partial(self._band, file, offset + first * self._row_bytes, rows))
            top, bottom = max(y, first), min(y + height, first + rows)
            if len(band) < bottom - first:
                raise self._cut_short()
            target[top - y : bottom - y] = band[top - first : bottom - first, x : x + target.shape[1]]

    def _band(self, file: FileBytes, start: int, rows: int) -> Array:
        """Up to `rows` whole rows; fewer where the file ends. Not in native byte order yet."""
        rows = min(rows, max(0, file.size - start) // self._row_bytes)
        band = np.empty((rows, self._width, self._samples), self._stored.newbyteorder("="))
        self._read(file, start, band)
        return band

    def _read_rows(self, file: FileBytes, start: int, target: Array) -> None:
        rows = target if target.flags.c_contiguous else np.empty(target.shape, target.dtype)
        if not file.read_rows(start, self._row_bytes, rows):
            raise self._cut_short()
        if rows is not target:
            target[:] = rows

    def _cut_short(self) -> InputError:
        return InputError("the file ends before its pixels do", path=self._path, remedy=_CUT_SHORT)
