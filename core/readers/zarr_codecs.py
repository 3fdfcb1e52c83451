"""Decides which stored chunks of a Zarr array are unpacked: those that hold no more than a chunk is, by what they say of
themselves, or by unpacking them that far. Zarr unpacks whatever they hold.

Formats: https://numcodecs.readthedocs.io, RFC 8878 (Zstandard), RFC 1952 (gzip).
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import InputError
from core.readers.zarr_chunks import COPY_AGAIN
from core.readers.zarr_packing import REMEDY, Packing

# What a chunk that doesn't compress may take more.
_SLACK_BYTES = 64 << 10
_DEFLATE_RATIO = 1032  # at most
_HARMLESS_BYTES = 512 << 20
_PART_BYTES = 1 << 14
_ZSTD, _ZSTD_SKIPPED, _ZSTD_BLOCK_BYTES = 0xFD2FB528, 0x184D2A50, 128 << 10
_UNPACKERS: Mapping[str, Callable[[], Any]] = {
    "gzip": partial(zlib.decompressobj, 31),
    "zlib": partial(zlib.decompressobj, 15),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}


class _DamagedError(Exception):
    """A chunk isn't what its codec writes."""


def check_packed(
    file: Path, packing: Packing, chunk_bytes: int, inside: Sequence[int] = (), counts: Sequence[int] = ()
) -> None:
    """Raises InputError for a stored chunk that holds more than a chunk is: a bomb. `inside`, `counts`: as `Shards.place`."""
    try:
        with file.open("rb") as stream:
            size = file.stat().st_size
            place = (0, size) if packing.shards is None else packing.shards.place(stream, inside, counts)
            if place is None or place[0] >= size:
                return
            _check(
                stream, place[0], min(place[1], size - place[0]) - packing.checksum_bytes, packing.codec, chunk_bytes
            )
    except _DamagedError:
        raise InputError("a chunk of it is damaged", path=file, remedy=COPY_AGAIN) from None
    except OverflowError:
        raise InputError("a chunk of it holds more than it can", path=file, remedy=REMEDY) from None
    except OSError:  # none is stored, or it can't be read: told by whoever reads it
        return


def _check(stream: BinaryIO, start: int, size: int, codec: str, chunk_bytes: int) -> None:
    """Raises OverflowError for `size` bytes at `start` that hold too much, _DamagedError for what isn't to be decoded."""
    most = 2 * chunk_bytes + _SLACK_BYTES
    if size > most:
        raise OverflowError
    stream.seek(start)
    head = stream.read(16)
    if codec == "blosc":
        if int.from_bytes(head[4:8], "little") > most:
            raise OverflowError
        if int.from_bytes(head[12:16], "little") != size:  # its decoder believes this number
            raise _DamagedError
    elif codec == "lz4" and int.from_bytes(head[:4], "little") > most:
        raise OverflowError
    elif codec == "zstd" and _zstd_bound(stream, start, start + size) > most:
        _unpack_zstd(stream, start, size, most)
    elif codec in ("bz2", "lzma") or (codec in ("gzip", "zlib") and size * _DEFLATE_RATIO > max(most, _HARMLESS_BYTES)):
        stream.seek(start)
        _unpack(stream, size, _UNPACKERS[codec], most)


def _unpack(stream: BinaryIO, size: int, unpacker: Callable[[], Any], most: int) -> None:
    """As `_check`, of a codec whose streams don't say what they hold, and of which several may follow each other."""
    unpacking, found, ended = unpacker(), 0, 0
    try:
        while part := stream.read(min(_PART_BYTES, size)):
            size -= len(part)
            while part:
                found += len(unpacking.decompress(part, most + 1 - found))
                if found > most:
                    raise OverflowError
                part = unpacking.unused_data.lstrip(b"\0") if unpacking.eof else b""
                if unpacking.eof:
                    unpacking, ended = unpacker(), ended + 1
    except (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError):
        if not ended:  # what follows the first stream may be anything
            raise _DamagedError from None


def _zstd_bound(stream: BinaryIO, at: int, end: int) -> int:
    """How many bytes Zstandard frames hold at most: what they say, else what their blocks can (RFC 8878, 3.1.1)."""

    def number(where: int, count: int) -> int:
        stream.seek(where)
        return int.from_bytes(stream.read(count), "little")

    bound = 0
    while at < end:
        magic = number(at, 4)
        if magic & ~15 == _ZSTD_SKIPPED:
            at += 8 + number(at + 4, 4)
            continue
        if magic != _ZSTD:
            break  # no frame: told by whoever decodes it
        flags = number(at + 4, 1)
        single = bool(flags & 0x20)
        size = (int(single), 2, 4, 8)[flags >> 6]
        at += 5 + (not single) + (0, 1, 2, 4)[flags & 3]
        said = number(at, size) + (256 if size == 2 else 0)
        at += size
        blocks, is_last = 0, False
        while not is_last and at < end:
            header = number(at, 3)
            is_last, is_one_byte = bool(header & 1), header >> 1 & 3 == 1
            at += 3 + (1 if is_one_byte else header >> 3)
            blocks += 1
        at += 4 if flags & 4 else 0
        bound += said if size else blocks * _ZSTD_BLOCK_BYTES
    return bound


def _unpack_zstd(stream: BinaryIO, start: int, size: int, most: int) -> None:
    """As `_check`, of frames that may hold too much: many small blocks do not."""
    import imagecodecs

    stream.seek(start)
    try:
        imagecodecs.zstd_decode(stream.read(size), out=bytearray(most))
    except imagecodecs.ZstdError:
        raise OverflowError from None
