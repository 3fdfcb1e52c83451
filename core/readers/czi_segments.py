"""Decides where things lie in a CZI file: header, directory, metadata, read directly and checked before libCZI sees it.

Layout after the ZISRAW file-format description (ZEISS). Pixels are decoded elsewhere (`core.readers.czi`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.errors import InputError

MAGIC = b"ZISRAWFILE"
COPY_AGAIN = "Copy or export it again from the microscope's software; the transfer may have been cut short."

_SEGMENT = struct.Struct("<16sqq")
_HEADER = struct.Struct("<iiii16s16siqqiq")
_ENTRY = struct.Struct("<2siqiiB5si")
_DIMENSION = struct.Struct("<4siifi")
_DIRECTORY_HEAD = 128
_METADATA_HEAD = 256
_SUBBLOCK_HEAD = struct.Struct("<iiq")
_X, _Y = ord("X"), ord("Y")
_MOST_DIMENSIONS = 40
_LARGEST_XML = 256 << 20
_LARGEST_SUBBLOCK_XML = 1 << 20
_LARGEST_COORDINATE = 1 << 30


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

    @property
    def is_level0(self) -> bool:
        return self.w == self.stored_w and self.h == self.stored_h


@dataclass(frozen=True, slots=True)
class Contents:
    """What the file says it holds. `metadata_position` is 0 where there is no XML."""

    subblocks: tuple[Subblock, ...]
    metadata_position: int


def read_contents(path: Path) -> Contents:
    """The directory of all subblocks. Raises InputError where header or directory don't add up."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        header = _read_segment(file, path, 0, "ZISRAWFILE", 512)
        fields = _HEADER.unpack_from(header.ljust(_HEADER.size, b"\0"))
        directory, metadata = fields[7], fields[8]
        if directory <= 0:
            raise InputError(
                "its list of tiles was never written", path=path, remedy="The acquisition or the copy was cut short."
            )
        if directory > size:
            raise InputError("the file ends too early", path=path, remedy=COPY_AGAIN)
        body = _read_segment(file, path, directory, "ZISRAWDIRECTORY", size)
        subblocks = _parse_directory(body, path, size)
    return Contents(subblocks, metadata if 0 < metadata < size else 0)


def read_xml(path: Path, contents: Contents) -> bytes:
    """The document's XML, or b"" where there is none."""
    if not contents.metadata_position:
        return b""
    with path.open("rb") as file:
        try:
            body = _read_segment(file, path, contents.metadata_position, "ZISRAWMETADATA", _LARGEST_XML)
        except InputError:
            return b""
    (length,) = struct.unpack_from("<i", body.ljust(4, b"\0"))
    return body[_METADATA_HEAD : _METADATA_HEAD + max(0, length)].strip(b"\0 \r\n\t")


def read_subblock_xml(file: BinaryIO, subblock: Subblock) -> bytes:
    """The XML of one subblock, or b"" where it has none (or none that makes sense)."""
    file.seek(subblock.position)
    head = file.read(_SEGMENT.size + _SUBBLOCK_HEAD.size + _ENTRY.size)
    if len(head) < _SEGMENT.size + _SUBBLOCK_HEAD.size + _ENTRY.size or not head.startswith(b"ZISRAWSUBBLOCK"):
        return b""
    length = _SUBBLOCK_HEAD.unpack_from(head, _SEGMENT.size)[0]
    dimensions = _ENTRY.unpack_from(head, _SEGMENT.size + _SUBBLOCK_HEAD.size)[-1]
    if not (0 < length <= _LARGEST_SUBBLOCK_XML and 0 <= dimensions <= _MOST_DIMENSIONS):
        return b""
    fixed = max(256, _SUBBLOCK_HEAD.size + _ENTRY.size + dimensions * _DIMENSION.size)
    file.seek(subblock.position + _SEGMENT.size + fixed)
    return file.read(length).strip(b"\0 \r\n\t")


def _read_segment(file: BinaryIO, path: Path, position: int, name: str, most: int) -> bytes:
    """The data of a segment, at most `most` bytes. Raises InputError where it isn't there."""
    file.seek(position)
    head = file.read(_SEGMENT.size)
    if len(head) < _SEGMENT.size:
        raise InputError("the file ends too early", path=path, remedy=COPY_AGAIN)
    found, allocated, used = _SEGMENT.unpack(head)
    if found.rstrip(b"\0") != name.encode():
        raise InputError(f"it is damaged: no {name} where it should be", path=path, remedy=COPY_AGAIN)
    wanted = used if used > 0 else allocated
    if wanted < 0:
        raise InputError(f"it is damaged: {name} has no length", path=path, remedy=COPY_AGAIN)
    return file.read(min(wanted, most))


def _parse_directory(body: bytes, path: Path, size: int) -> tuple[Subblock, ...]:
    damaged = InputError("its list of tiles is damaged", path=path, remedy=COPY_AGAIN)
    if len(body) < _DIRECTORY_HEAD:
        raise damaged
    (count,) = struct.unpack_from("<i", body)
    if not 0 <= count <= len(body) // _ENTRY.size:
        raise damaged
    if count == 0:
        raise InputError("it holds no pixels", path=path, remedy="Open the file that the acquisition wrote.")
    subblocks = []
    offset = _DIRECTORY_HEAD
    for _ in range(count):
        if offset + _ENTRY.size > len(body):
            raise damaged
        schema, pixel_type, position, _part, compression, _, _, dimensions = _ENTRY.unpack_from(body, offset)
        offset += _ENTRY.size
        end = offset + dimensions * _DIMENSION.size
        if schema != b"DV" or not 0 <= dimensions <= _MOST_DIMENSIONS or end > len(body):
            raise damaged
        subblock = _subblock(position, pixel_type, compression, body[offset:end])
        offset = end
        if subblock is None:
            raise damaged
        if not 0 < position <= size - _SEGMENT.size:
            raise InputError("some of its tiles lie beyond the end of the file", path=path, remedy=COPY_AGAIN)
        subblocks.append(subblock)
    return tuple(subblocks)


def _subblock(position: int, pixel_type: int, compression: int, dimensions: bytes) -> Subblock | None:
    """None where it has no sensible place in the plane."""
    x = y = w = h = stored_w = stored_h = 0
    where = {}
    for name, start, length, _, stored in _DIMENSION.iter_unpack(dimensions):
        if name[0] == _X:
            x, w, stored_w = start, length, stored or length
        elif name[0] == _Y:
            y, h, stored_h = start, length, stored or length
        else:
            where[chr(name[0])] = start
    if w < 1 or h < 1 or stored_w < 1 or stored_h < 1:
        return None
    if max(abs(x), abs(y), w, h, stored_w, stored_h) > _LARGEST_COORDINATE:
        return None
    return Subblock(position, pixel_type, compression, x, y, w, h, stored_w, stored_h, where)
