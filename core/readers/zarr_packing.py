"""Decides how the chunks of a Zarr array are packed, by what its metadata say, and which ways of packing are believed: one
that Schliff can look at before it is unpacked, by codecs that turn bytes into numbers and into nothing else.

Zarr itself knows others, one that runs pickles among them. Formats: https://zarr-specs.readthedocs.io (v2, v3.0, sharding
codec 1.0), https://numcodecs.readthedocs.io.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import InputError

# Those whose chunks may hold more than is stored.
_PACKERS = frozenset({"blosc", "zstd", "gzip", "zlib", "bz2", "lzma", "lz4"})
_PLAIN = _PACKERS | {
    "shuffle", "delta", "fixedscaleoffset", "bitround", "quantize", "packbits", "astype", "crc32", "crc32c", "adler32",
    "fletcher32", "jenkins_lookup3",
}  # fmt: skip
_SHARDS = "sharding_indexed"
_KNOWN = _PLAIN | {f"numcodecs.{name}" for name in _PLAIN} | {"bytes", "endian", "transpose", _SHARDS}
_CHECKSUM, _CHECKSUM_BYTES = "crc32c", 4
_PLACE_BYTES = 16  # of a chunk in a shard's index: offset and length
REMEDY = "Write it again with the codec blosc, zstd or gzip."


@dataclass(frozen=True)
class Shards:
    """How chunks are found in a shard: by an index of offsets and lengths, at its end or its start."""

    at_end: bool
    order: str  # of bytes
    checksum_bytes: int

    def place(self, shard: BinaryIO, inside: Sequence[int], counts: Sequence[int]) -> tuple[int, int] | None:
        """Offset and length of chunk `inside` of `counts` along each axis; None where none is stored."""
        index_bytes = math.prod(counts) * _PLACE_BYTES + self.checksum_bytes
        number = 0
        for at, count in zip(inside, counts, strict=True):
            number = number * count + at
        start = os.fstat(shard.fileno()).st_size - index_bytes if self.at_end else 0
        if start < 0:
            return None  # cut short: told by whoever decodes it
        shard.seek(start + number * _PLACE_BYTES)
        told = shard.read(_PLACE_BYTES)
        offset, length = (int.from_bytes(told[at : at + 8], self.order) for at in (0, 8))  # type: ignore[arg-type]
        return None if offset == length == 2**64 - 1 else (offset, length)


@dataclass(frozen=True)
class Packing:
    """`codec`: what packs a chunk, "" where nothing does; `checksum_bytes`: what follows it."""

    codec: str = ""
    checksum_bytes: int = 0
    shards: Shards | None = None


def packing_of(folder: Path, path: Path) -> Packing:
    """Of the array in `folder`. Raises InputError where one of the section at `path` isn't packed in a way that is believed."""
    if (folder / "zarr.json").is_file():
        codecs = json.loads((folder / "zarr.json").read_bytes()).get("codecs") or []
        return _of_shards(codecs, path) if _SHARDS in map(_name, codecs) else _of_chain([*map(_name, codecs)], path)
    if (folder / ".zarray").is_file():
        meta = json.loads((folder / ".zarray").read_bytes())
        every = (*(meta.get("filters") or ()), meta.get("compressor"))
        return _of_chain([codec.get("id") for codec in every if codec], path)
    return Packing()


def _of_shards(codecs: Sequence[Any], path: Path) -> Packing:
    told = codecs[0].get("configuration") if len(codecs) == 1 else None
    index = [*map(_name, told.get("index_codecs") or ())] if isinstance(told, Mapping) else []
    if not isinstance(told, Mapping) or index not in (["bytes"], ["bytes", _CHECKSUM]):
        raise _refused("its shards are of no known kind", path)
    inner = [*map(_name, told.get("codecs") or ())]
    if _SHARDS in inner:
        raise _refused("there are shards in its shards", path)
    chunks = _of_chain(inner, path)
    how = told["index_codecs"][0].get("configuration") or {}
    order = "big" if how.get("endian") == "big" else "little"
    shards = Shards(told.get("index_location", "end") != "start", order, _CHECKSUM_BYTES * (len(index) - 1))
    return Packing(chunks.codec, chunks.checksum_bytes, shards)


def _of_chain(names: Sequence[Any], path: Path) -> Packing:
    """In the order in which a chunk is packed. A packer within another would unpack what nobody has looked at."""
    for name in names:
        if name not in _KNOWN:
            raise _refused(f"its codec {str(name)[:60]!r} is not one that is read", path)
    plain = [str(name).removeprefix("numcodecs.") for name in names]
    last = [name for name in plain if name in _PACKERS]
    if not last:
        return Packing()
    after = [*names[plain.index(last[0]) + 1 :]]
    if after not in ([], [_CHECKSUM]):
        raise _refused(f"its chunks are packed by {last[0]!r} and then by {after[0]!r}", path)
    return Packing(last[0], _CHECKSUM_BYTES * len(after))


def _name(codec: Any) -> Any:
    return codec.get("name") if isinstance(codec, Mapping) else codec


def _refused(what: str, path: Path) -> InputError:
    return InputError(what, path=path, remedy=REMEDY)
