"""Decides how the chunk files of an uncompressed, unsharded Zarr array (formats 2 and 3) are read without zarr.

Such a file is nothing but the chunk's numbers, row after row, so a part of it is one read into the answer. Arrays that
are stored in any other way are for zarr itself. Layout: https://zarr-specs.readthedocs.io (v2, v3.0).
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.decoding.exchange import fill
from core.errors import InputError

Array = np.ndarray
Span = tuple[int, int]

COPY_AGAIN = "Copy the whole folder again; the transfer may have been cut short."


class ChunkReader:
    """One array whose chunks are files of plain numbers. Holds nothing open; may be used from several threads.

    Args:
        folder: the array's folder.
        shape, chunks: of the whole array and of one chunk, in px or whatever the axes count.
        dtype: as stored, byte order included.
        y_axis: which axis counts rows; the next one counts columns.
        fill: what chunks without a file hold.
        prefix, separator: a chunk's file is `prefix` and its numbers, joined by `separator` (Zarr 2: "", ".").
    """

    def __init__(
        self,
        folder: Path,
        shape: Sequence[int],
        chunks: Sequence[int],
        dtype: np.dtype,
        *,
        y_axis: int,
        fill: float = 0,
        prefix: str = "c",
        separator: str = "/",
    ) -> None:
        if len(shape) != len(chunks) or not 0 <= y_axis < len(shape) - 1 or min(*shape, *chunks) < 1:
            raise ValueError(f"no array of rows and columns: shape {shape}, chunks {chunks}, rows at {y_axis}")
        self.shape, self.chunks, self.y_axis = tuple(shape), tuple(chunks), y_axis
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self._folder, self._stored, self._fill = folder, np.dtype(dtype), fill
        self._prefix, self._separator = prefix, separator
        self._row_bytes = int(np.prod(self.chunks[y_axis + 1 :])) * self._stored.itemsize
        self._chunk_bytes = int(np.prod(self.chunks)) * self._stored.itemsize

    def read(self, y0: int, y1: int, x0: int, x1: int, before: Sequence[int | slice] = ()) -> Array:
        """Rows y0 to y1 and columns x0 to x1 (not included), which lie inside the array.

        `before` chooses from the axes before the rows (whole where it says nothing; a number drops its axis, a slice has
        step 1); axes after the columns come whole. Native byte order, writable by nobody else. Raises InputError.
        """
        chosen = [*before, *[slice(None)] * (self.y_axis - len(before)), slice(y0, y1), slice(x0, x1)]
        chosen += [slice(None)] * (len(self.shape) - len(chosen))
        spans = [_span(part, size) for part, size in zip(chosen, self.shape, strict=True)]
        pixels = self._read_spans(spans)
        pixels = pixels.reshape([n for n, part in zip(pixels.shape, chosen, strict=True) if isinstance(part, slice)])
        return pixels if self._stored.isnative else pixels.astype(self.dtype)

    def _read_spans(self, spans: Sequence[Span]) -> Array:
        ranges = [range(a // size, -(-b // size)) for (a, b), size in zip(spans, self.chunks, strict=True)]
        if all(len(numbers) == 1 for numbers in ranges):
            only, wanted = _inside([numbers[0] for numbers in ranges], spans, self.chunks)
            part = self._read_chunk(only, wanted)
            return part if part.flags.owndata else part.copy()
        out = np.empty([b - a for a, b in spans], self._stored)
        for index in itertools.product(*ranges):
            numbers, wanted = _inside(index, spans, self.chunks)
            place = [i * size + a for i, size, (a, _) in zip(numbers, self.chunks, wanted, strict=True)]
            target = tuple(
                slice(at - a, at - a + end - start)
                for at, (a, _), (start, end) in zip(place, spans, wanted, strict=True)
            )
            out[target] = self._read_chunk(numbers, wanted)
        return out

    def _read_chunk(self, index: Sequence[int], wanted: Sequence[Span]) -> Array:
        """The wanted part of one chunk: whole rows are read, as few as serve, and the columns cut out of them."""
        file = self._folder / (self._separator.join([*([self._prefix] if self._prefix else []), *map(str, index)]))
        columns = tuple(slice(a, b) for a, b in wanted[self.y_axis + 1 :])
        rows = [b - a for a, b in wanted[: self.y_axis + 1]]
        block = np.empty([*rows, *self.chunks[self.y_axis + 1 :]], self._stored)
        try:
            with file.open("rb", buffering=0) as chunk:
                if os.fstat(chunk.fileno()).st_size != self._chunk_bytes:
                    raise InputError("a chunk of it has the wrong size", path=file, remedy=COPY_AGAIN)
                self._fill_rows(chunk, block, wanted[: self.y_axis + 1], file)
        except FileNotFoundError:
            block.fill(self._fill)
        except OSError as error:
            reason = error.strerror or str(error)
            raise InputError(f"a chunk of it can't be read ({reason})", path=file, remedy=COPY_AGAIN) from error
        part = block[(slice(None),) * (self.y_axis + 1) + columns]
        return block if part.shape == block.shape else part

    def _fill_rows(self, chunk: BinaryIO, block: Array, wanted: Sequence[Span], file: Path) -> None:
        """Fills `block` with rows; one read where they lie together in the file, else one for each plane."""
        sizes = self.chunks[: self.y_axis + 1]
        if block.nbytes == self._chunk_bytes:
            pieces = [(0, block)]
        else:
            y0 = wanted[-1][0]
            pieces = []
            for planes in itertools.product(*(range(a, b) for a, b in wanted[:-1])):
                row = int(np.ravel_multi_index((*planes, y0), sizes))
                inside = tuple(plane - a for plane, (a, _) in zip(planes, wanted[:-1], strict=True))
                pieces.append((row * self._row_bytes, block[inside]))
        for offset, piece in pieces:
            chunk.seek(offset)
            if not fill(chunk, piece.data.cast("B")):
                raise InputError("a chunk of it has the wrong size", path=file, remedy=COPY_AGAIN)


def open_chunks(folder: Path, y_axis: int) -> ChunkReader | None:
    """A reader of the Zarr array in `folder`, or None where only zarr can read it (compressed, sharded, unusual)."""
    try:
        if (folder / "zarr.json").is_file():
            return _from_v3(folder, json.loads((folder / "zarr.json").read_bytes()), y_axis)
        if (folder / ".zarray").is_file():
            return _from_v2(folder, json.loads((folder / ".zarray").read_bytes()), y_axis)
    except (KeyError, TypeError, ValueError, AttributeError, OSError):
        pass
    return None


def _from_v3(folder: Path, meta: Mapping[str, Any], y_axis: int) -> ChunkReader | None:
    codecs, grid, keys = meta["codecs"], meta["chunk_grid"], meta["chunk_key_encoding"]
    if meta["zarr_format"] != 3 or len(codecs) != 1 or codecs[0]["name"] != "bytes" or grid["name"] != "regular":
        return None
    if meta.get("storage_transformers") or keys["name"] not in ("default", "v2"):
        return None
    endian = codecs[0].get("configuration", {}).get("endian", "little")
    dtype = np.dtype(str(meta["data_type"])).newbyteorder("big" if endian == "big" else "little")
    default = keys["name"] == "default"
    separator = keys.get("configuration", {}).get("separator", "/" if default else ".")
    chunks = grid["configuration"]["chunk_shape"]
    return _reader(folder, meta, chunks, dtype, y_axis, "c" if default else "", separator)


def _from_v2(folder: Path, meta: Mapping[str, Any], y_axis: int) -> ChunkReader | None:
    if meta["zarr_format"] != 2 or meta["compressor"] is not None or meta.get("filters") or meta["order"] != "C":
        return None
    separator = meta.get("dimension_separator", ".")
    return _reader(folder, meta, meta["chunks"], np.dtype(str(meta["dtype"])), y_axis, "", separator)


def _reader(
    folder: Path,
    meta: Mapping[str, Any],
    chunks: Sequence[int],
    dtype: np.dtype,
    y_axis: int,
    prefix: str,
    separator: str,
) -> ChunkReader | None:
    if dtype.kind not in "biuf" or separator not in ("/", "."):
        return None
    fill = float(meta["fill_value"] or 0)
    if dtype.kind in "iu" and fill != int(meta["fill_value"] or 0):
        return None
    return ChunkReader(
        folder, meta["shape"], chunks, dtype, y_axis=y_axis, fill=fill, prefix=prefix, separator=separator
    )


def _inside(index: Sequence[int], spans: Sequence[Span], chunks: Sequence[int]) -> tuple[tuple[int, ...], list[Span]]:
    """The chunk's number, and which part of it `spans` want, counted from the chunk's own corner."""
    parts = [
        (max(a - i * size, 0), min(b - i * size, size)) for i, (a, b), size in zip(index, spans, chunks, strict=True)
    ]
    return tuple(index), parts


def _span(part: int | slice, size: int) -> Span:
    if not isinstance(part, slice):
        return part, part + 1
    start, stop, _ = part.indices(size)
    return start, stop
