"""Decides where things lie in a CZI file: header, directory, metadata, subblock data; read directly and checked.

Layout after the ZISRAW file-format description (ZEISS). Pixels are decoded elsewhere (`core.readers.czi_pixels`).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError
from core.readers.czi_directory import COPY_AGAIN, Directory, Subblock, parse_directory
from core.readers.file_bytes import FileBytes

MAGIC = b"ZISRAWFILE"

_SEGMENT = struct.Struct("<16sqq")
_HEADER = struct.Struct("<iiii16s16siqqiq")
_ENTRY = struct.Struct("<2siqiiB5si")
_DIMENSION_BYTES = 20
_METADATA_HEAD = 256
_SUBBLOCK_HEAD = struct.Struct("<iiq")
_SUBBLOCK_START = _SEGMENT.size + _SUBBLOCK_HEAD.size + _ENTRY.size
_MOST_DIMENSIONS = 40
_LARGEST_XML = 256 << 20
_LARGEST_DIRECTORY = 1 << 30
_LARGEST_SUBBLOCK_XML = 1 << 20


class CutOffError(InputError):
    """A subblock doesn't lie within the file."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the file says it holds. Positions are 0 where there is no XML, and no list of attachments."""

    directory: Directory
    metadata_position: int
    attachments_position: int


def read_contents(path: Path) -> Contents:
    """The directory of all subblocks. Raises InputError where header or directory don't add up."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        header = _read_segment(file, path, 0, "ZISRAWFILE", 512)
        fields = _HEADER.unpack_from(header.ljust(_HEADER.size, b"\0"))
        directory, metadata, attachments = fields[7], fields[8], fields[10]
        if directory <= 0:
            raise InputError(
                "its list of tiles was never written", path=path, remedy="The acquisition or the copy was cut short."
            )
        if directory > size:
            raise InputError("the file ends too early", path=path, remedy=COPY_AGAIN)
        body = _read_segment(file, path, directory, "ZISRAWDIRECTORY", _LARGEST_DIRECTORY)
    found = parse_directory(body, path)
    if (found.position > size - _SEGMENT.size).all():
        raise InputError("all of its tiles lie beyond the end of the file", path=path, remedy=COPY_AGAIN)
    return Contents(found, *(place if 0 < place < size else 0 for place in (metadata, attachments)))


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
    try:
        file.seek(subblock.position)
    except OSError:  # further than any file reaches
        return b""
    head = file.read(_SUBBLOCK_START)
    if len(head) < _SUBBLOCK_START or not head.startswith(b"ZISRAWSUBBLOCK"):
        return b""
    length = _SUBBLOCK_HEAD.unpack_from(head, _SEGMENT.size)[0]
    dimensions = _ENTRY.unpack_from(head, _SEGMENT.size + _SUBBLOCK_HEAD.size)[-1]
    if not (0 < length <= _LARGEST_SUBBLOCK_XML and 0 <= dimensions <= _MOST_DIMENSIONS):
        return b""
    fixed = max(256, _SUBBLOCK_HEAD.size + _ENTRY.size + dimensions * _DIMENSION_BYTES)
    file.seek(subblock.position + _SEGMENT.size + fixed)
    return file.read(length).strip(b"\0 \r\n\t")


def find_data(file: FileBytes, path: Path, subblock: Subblock) -> tuple[int, int]:
    """Where the pixels of a subblock begin in the file, and how many bytes they take.

    Raises InputError where the subblock isn't there whole, or isn't the one that the directory promises.
    """
    place = f"its tile at {subblock.x}, {subblock.y}"
    head = file.read(subblock.position, _SUBBLOCK_START)
    if len(head) < _SUBBLOCK_START:
        raise CutOffError(f"{place} lies beyond the end of the file", path=path, remedy=COPY_AGAIN)
    metadata, attachment, data = _SUBBLOCK_HEAD.unpack_from(head, _SEGMENT.size)
    schema, pixel_type, _, _, compression, _, _, dimensions = _ENTRY.unpack_from(
        head, _SEGMENT.size + _SUBBLOCK_HEAD.size
    )
    sound = head.startswith(b"ZISRAWSUBBLOCK\0") and schema == b"DV" and 0 <= dimensions <= _MOST_DIMENSIONS
    if not sound or min(metadata, attachment, data) < 0:
        raise InputError(f"{place} is damaged", path=path, remedy=COPY_AGAIN)
    if (pixel_type, compression) != (subblock.pixel_type, subblock.compression):
        raise InputError(f"{place} is not what the file's list of tiles says", path=path, remedy=COPY_AGAIN)
    fixed = max(256, _SUBBLOCK_HEAD.size + _ENTRY.size + dimensions * _DIMENSION_BYTES)
    start = subblock.position + _SEGMENT.size + fixed + metadata
    if start + data > file.size:
        raise CutOffError(f"{place} lies beyond the end of the file", path=path, remedy=COPY_AGAIN)
    return start, data


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
