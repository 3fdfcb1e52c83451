"""Decides how a PNG is written in rows, as they come, with its pixel size (PNG specification, W3C, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from core.picture import Piece, Shape
from core.section import Array

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2  # each byte as its difference to the one above
_LEVEL = 1


def write_png(path: Path, shape: Shape, pieces: Iterator[Piece], pixel_size_um: tuple[float, float] | None) -> None:
    """Grey or RGB, 8 or 16 bits. Holds one row of pieces. Raises OSError."""
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        colour = _RGB if shape.samples == 3 else _GREY
        _chunk(
            file, b"IHDR", struct.pack(">IIBBBBB", shape.width, shape.height, shape.dtype.itemsize * 8, colour, 0, 0, 0)
        )
        if pixel_size_um is not None:
            per_metre = [min(round(1e6 / um), 2**31 - 1) for um in pixel_size_um]
            _chunk(file, b"pHYs", struct.pack(">IIB", *per_metre, 1))
        _chunk(file, b"tEXt", b"Software\0Schliff")
        packer = zlib.compressobj(_LEVEL)
        above = np.zeros(shape.width * shape.samples * shape.dtype.itemsize, np.uint8)
        for band in _bands(shape, pieces):
            lines, above = _filtered(band, above)
            _chunk(file, b"IDAT", packer.compress(lines))
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _bands(shape: Shape, pieces: Iterator[Piece]) -> Iterator[Array]:
    """Pieces joined to whole rows: (rows, bytes of a row) uint8, the high byte first."""
    for first in pieces:
        row = [first.pixels]
        while sum(part.shape[1] for part in row) < shape.width:
            row.append(next(pieces).pixels)
        band = np.concatenate(row, axis=1) if len(row) > 1 else row[0]
        stored = np.ascontiguousarray(band, band.dtype.newbyteorder(">"))
        yield stored.view(np.uint8).reshape(band.shape[0], -1)


def _filtered(band: Array, above: Array) -> tuple[bytes, Array]:
    """The rows as they are compressed, and the last of them for the next band."""
    lines = np.empty((band.shape[0], band.shape[1] + 1), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = band[0] - above
    lines[1:, 1:] = band[1:] - band[:-1]
    return lines.tobytes(), band[-1].copy()


def _chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    if not data and name == b"IDAT":
        return
    file.write(struct.pack(">I", len(data)) + name)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
