"""Decides what a CZI's list of subblocks says: read as columns, so that thousands of entries are checked at once.

Layout after the ZISRAW file-format description (ZEISS). What lies where in the picture is for `core.readers.czi_layout`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.errors import InputError

Array = np.ndarray

COPY_AGAIN = "Copy or export it again from the microscope's software; the transfer may have been cut short."
ABSENT = -(1 << 31)  # in the columns of `Directory.where`: this subblock has no such dimension

_HEAD = 128
_DIMENSION = np.dtype(
    [("name", "u1"), ("rest", "V3"), ("start", "<i4"), ("size", "<i4"), ("at", "<f4"), ("stored", "<i4")]
)
_ENTRY = [
    ("schema", "S2"), ("pixel_type", "<i4"), ("position", "<i8"), ("part", "<i4"), ("compression", "<i4"),
    ("pyramid", "u1"), ("spare", "V5"), ("count", "<i4"),
]  # fmt: skip
_ENTRY_BYTES = 32
_COUNT_AT = 28
_MOST_DIMENSIONS = 40
_LARGEST_COORDINATE = 1 << 30
_SEGMENT_HEAD = 32


class Subblock(NamedTuple):
    """One stored tile: `x, y, w, h` in the file's own level-0 px, `stored_w, stored_h` as its pixels lie on disk.

    `where` holds the start of every dimension but X and Y ("C", "Z", "T", "S", "M" and so on).
    """

    position: int
    pixel_type: int
    compression: int
    x: int
    y: int
    w: int
    h: int
    stored_w: int
    stored_h: int
    where: Mapping[str, int]


@dataclass(frozen=True)
class Directory:
    """All subblocks in the order of the file's list; every column has one number for each, in the units of `Subblock`.

    A position may lie beyond the end of a file that was cut short.
    """

    position: Array
    pixel_type: Array
    compression: Array
    x: Array
    y: Array
    w: Array
    h: Array
    stored_w: Array
    stored_h: Array
    where: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.position)

    @cached_property
    def is_level0(self) -> Array:
        return (self.w == self.stored_w) & (self.h == self.stored_h)

    def subblock(self, index: int) -> Subblock:
        return Subblock(
            position=int(self.position[index]),
            pixel_type=int(self.pixel_type[index]),
            compression=int(self.compression[index]),
            x=int(self.x[index]),
            y=int(self.y[index]),
            w=int(self.w[index]),
            h=int(self.h[index]),
            stored_w=int(self.stored_w[index]),
            stored_h=int(self.stored_h[index]),
            where={name: int(column[index]) for name, column in self.where.items() if column[index] != ABSENT},
        )


def parse_directory(body: bytes, path: Path) -> Directory:
    """Raises InputError where the list contradicts itself or places a subblock nowhere."""
    if len(body) < _HEAD:
        raise _damaged(path)
    (count,) = struct.unpack_from("<i", body)
    if not 0 <= count <= len(body) // _ENTRY_BYTES:
        raise _damaged(path)
    if count == 0:
        raise InputError("it holds no pixels", path=path, remedy="Open the file that the acquisition wrote.")
    offsets, dimensions = _entries(body, count, path)
    directory = _columns(body, offsets, dimensions, path)
    _check(directory, path)
    return directory


def _entries(body: bytes, count: int, path: Path) -> tuple[Array, Array]:
    """Where each entry begins and how many dimensions it has. They are as long as they have dimensions."""
    first = _dimension_count(body, _HEAD, path)
    size = _ENTRY_BYTES + first * _DIMENSION.itemsize
    offsets = _HEAD + np.arange(count) * size
    if offsets[-1] + size <= len(body):
        numbers = np.ndarray((count,), "<i4", body, _HEAD + _COUNT_AT, (size,))
        if (numbers == first).all():
            return offsets, np.full(count, first)
    places, found, offset = [], [], _HEAD
    for _ in range(count):
        dimensions = _dimension_count(body, offset, path)
        places.append(offset)
        found.append(dimensions)
        offset += _ENTRY_BYTES + dimensions * _DIMENSION.itemsize
    if offset > len(body):
        raise _damaged(path)
    return np.array(places), np.array(found)


def _dimension_count(body: bytes, offset: int, path: Path) -> int:
    if offset + _ENTRY_BYTES > len(body):
        raise _damaged(path)
    (dimensions,) = struct.unpack_from("<i", body, offset + _COUNT_AT)
    if not 0 < dimensions <= _MOST_DIMENSIONS:
        raise _damaged(path)
    return dimensions


def _columns(body: bytes, offsets: Array, dimensions: Array, path: Path) -> Directory:
    count = len(offsets)
    plain = {name: np.zeros(count, np.int64) for name in ("position", "pixel_type", "compression")}
    extent = {name: np.zeros(count, np.int64) for name in ("x", "y", "w", "h", "stored_w", "stored_h")}
    where: dict[str, Array] = {}
    raw = np.frombuffer(body, np.uint8)
    for number in np.unique(dimensions):
        rows = np.flatnonzero(dimensions == number)
        kind = np.dtype([*_ENTRY, ("dimensions", _DIMENSION, (int(number),))])
        if len(rows) == count:  # all alike, so they lie one after the other
            entries = np.frombuffer(body, kind, count, _HEAD)
        else:
            entries = raw[offsets[rows, None] + np.arange(kind.itemsize)].view(kind)[:, 0]
        if (entries["schema"] != b"DV").any():
            raise _damaged(path)
        for name, column in plain.items():
            column[rows] = entries[name]
        for slot in range(int(number)):
            _add_dimension(entries["dimensions"][:, slot], rows, extent, where, count)
    return Directory(**plain, **extent, where=where)


def _add_dimension(
    dimension: Array, rows: Array, extent: dict[str, Array], where: dict[str, Array], count: int
) -> None:
    for code in np.unique(dimension["name"]):
        name, chosen = chr(code), dimension["name"] == code
        here, values = rows[chosen], dimension[chosen]
        if name in ("X", "Y"):
            start, size, stored = ("x", "w", "stored_w") if name == "X" else ("y", "h", "stored_h")
            extent[start][here], extent[size][here] = values["start"], values["size"]
            extent[stored][here] = np.where(values["stored"] != 0, values["stored"], values["size"])
        else:
            where.setdefault(name, np.full(count, ABSENT, np.int64))[here] = values["start"]


def _check(directory: Directory, path: Path) -> None:
    sizes = (directory.w, directory.h, directory.stored_w, directory.stored_h)
    least = min(int(column.min()) for column in sizes)
    most = max(int(np.abs(column).max()) for column in (directory.x, directory.y, *sizes))
    if least < 1 or most > _LARGEST_COORDINATE or int(directory.position.min()) < _SEGMENT_HEAD:
        raise _damaged(path)


def _damaged(path: Path) -> InputError:
    return InputError("its list of tiles is damaged", path=path, remedy=COPY_AGAIN)
