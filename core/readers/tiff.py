"""Decides how a TIFF (tiled, striped, BigTIFF, OME, ImageJ) becomes a section: which image, which levels, which planes.

The file's structure is tifffile's business; regions come from `tiff_pages`, numbers from `tiff_values`, scale and
stage from `tiff_metadata`. The Orientation tag is not applied: pixels stay as stored.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError, SchliffError
from core.readers.base import ReaderSpec, unreadable
from core.readers.file_bytes import FileBytes
from core.readers.handle import SharedHandle
from core.readers.levels import pyramid_level
from core.readers.tiff_levels import check_chain, is_cut_short, levels_of
from core.readers.tiff_metadata import TiffMetadata, read_metadata
from core.readers.tiff_pages import (
    COPY_AGAIN,
    PageReader,
    check_image,
    data_end,
    huge_parts,
    is_large,
    segment_bytes,
    segment_shape,
)
from core.readers.tiff_values import Values, values_of
from core.section import Array, Plane, Section, SectionInfo
from core.section_info import NO_PIXEL_SIZE

# tifffile's notes on damaged tags would reach the terminal; what matters of them becomes an error or a doubt here.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

# What the parser trips over where the file ends too early; its words would tell a user nothing.
_BROKEN_STRUCTURE = (LookupError, struct.error, TypeError, AttributeError, AssertionError, ArithmeticError)
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SAMPLE_PIXELS = 4 << 20


@dataclass(frozen=True, slots=True)
class _Axes:
    """Sizes of the axes that choose a page, in the file's order, and which of c, z, t each one is."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]

    def size(self, name: str) -> int:
        return self.sizes[self.names.index(name)] if name in self.names else 1

    def page(self, c: int, z: int, t: int) -> int:
        chosen = {"c": c, "z": z, "t": t}
        where = [chosen.get(name, 0) for name in self.names]
        return int(np.ravel_multi_index(where, self.sizes)) if where else 0


def _reason(error: Exception) -> str:
    """The end of a sentence on a file that can't be read."""
    if isinstance(error, _BROKEN_STRUCTURE):
        return ": its list of images is missing or damaged"
    return f" ({(str(error).strip().splitlines() or [type(error).__name__])[0][:160]})"


class TiffSection(Section):
    """One TIFF: its first image series, with that series' own levels."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = SharedHandle(path, FileBytes(path), _close)
        try:
            with self._handle.use() as file:
                self._load(file)
        except SchliffError:
            self.close()
            raise
        except Exception as error:  # whatever a broken file trips in the parser
            self.close()
            raise InputError(f"it can't be read as TIFF{_reason(error)}", path=path, remedy=COPY_AGAIN) from error

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        values = self._values
        channels = values.channels
        page = self._axes.page(plane.c // channels, plane.z, plane.t) if self._axes.names else 0
        with self._handle.use() as file:
            reader = self._readers[level].get(page)
            if reader is None:
                return np.zeros((height, width, self.info.samples), self.info.dtype)
            try:
                stored = reader.read(file, x, y, width, height)
            except OSError as error:
                raise unreadable(self._path, error) from error
        return stored if values.are_stored else np.ascontiguousarray(values.convert(stored, plane.c % channels))

    @property
    def block_px(self) -> tuple[int, int]:
        return self._block_px

    def close(self) -> None:
        self._handle.close()

    def _load(self, file: FileBytes) -> None:
        import tifffile

        with tifffile.TiffFile(self._path, _multifile=False) as tiff:
            check_chain(self._path, tiff, file)
            levels = levels_of(tiff)
            base = levels[0]
            keyframe = base.keyframe
            self._axes = _axes(base)
            self._readers = [_page_readers(self._path, base, file.size, 0)]
            damaged = self._add_overviews(levels, file.size)
            height, width = keyframe.shaped[2:4]
            metadata = read_metadata(tiff, keyframe, (width, height))
            palette_is_data = bool(tiff.is_ome or tiff.is_imagej)
            self._values = values_of(self._path, keyframe, palette_is_data, lambda: self._sample(file, keyframe))
            first = self._readers[0][min(self._readers[0])]
            first.try_decoding(file)  # an unknown codec shows now, not in the middle of a scan
            self._block_px = first.block_px
            doubts = []
            if damaged or is_cut_short(tiff, file):
                doubts.append("The file ends before all that it announces: overviews or further images are missing.")
            if first.decodes and is_large(keyframe):
                doubts.append(
                    f"It is one compressed strip of {segment_bytes(keyframe) / 1e6:.0f} MB: the first look at it takes "
                    "long. Saved as a tiled TIFF it opens at once."
                )
            self.info = self._describe(tiff, levels, metadata, self._values, doubts)

    def _add_overviews(self, levels: list[Any], file_size: int) -> bool:
        """Takes levels whose data is there, and out of `levels` those whose isn't; whether there were such."""
        damaged = []
        for level in levels[1:]:
            try:
                self._readers.append(_page_readers(self._path, level, file_size, len(self._readers)))
            except InputError:
                damaged.append(level)
        for level in damaged:
            levels.remove(level)
        return bool(damaged)

    def _sample(self, file: FileBytes, keyframe: Any) -> Array:
        """Some pixels of the first page, from top to bottom."""
        height, width = keyframe.shaped[2:4]
        rows, columns = segment_shape(keyframe)
        rows, columns = min(rows, height, 512), min(columns, width, 4096)
        count = max(1, min(16, _SAMPLE_PIXELS // (rows * columns), -(-height // rows)))
        places = [(int(k * (width - columns) / count), int(k * (height - rows) / count)) for k in range(1, count + 1)]
        if height * width <= _SAMPLE_PIXELS:
            places, rows, columns = [(0, 0)], height, width
        reader = self._readers[0][min(self._readers[0])]
        return np.concatenate([reader.read(file, x, y, columns, rows).ravel() for x, y in places])

    def _describe(
        self, tiff: Any, levels: Sequence[Any], metadata: TiffMetadata, values: Values, doubts: Sequence[str]
    ) -> SectionInfo:
        height, width = levels[0].keyframe.shaped[2:4]
        warnings = [*doubts, *values.warnings, *metadata.warnings]
        if metadata.pixel_size_um is None:
            warnings.append(NO_PIXEL_SIZE)
        channels = self._axes.size("c") * values.channels
        names = metadata.channel_names if len(metadata.channel_names) == channels else ("",) * channels
        return SectionInfo(
            path=self._path,
            format="OME-TIFF" if tiff.is_ome else "TIFF",
            width_px=width,
            height_px=height,
            samples=values.samples,
            dtype=values.dtype,
            levels=tuple(
                pyramid_level(level.keyframe.shaped[3], level.keyframe.shaped[2], width, height) for level in levels
            ),
            channel_names=names,
            z_count=self._axes.size("z"),
            t_count=self._axes.size("t"),
            pixel_size_um=metadata.pixel_size_um,
            stage=metadata.stage,
            sem=metadata.sem,
            objective=metadata.objective,
            acquired=metadata.acquired,
            warnings=tuple(warnings),
            is_own_scale=values.is_own_scale,
        )


def _axes(series: Any) -> _Axes:
    """C, Z and T by name; any other axis takes the first name that is free."""
    inner = len(series.keyframe.shape)
    leading, sizes = series.axes[:-inner], series.shape[: len(series.axes) - inner]
    free = [name for name in ("z", "t", "c") if name.upper() not in leading]
    names = [axis.lower() if axis in "CZT" else (free.pop(0) if free else "?") for axis in leading]
    return _Axes(tuple(names), tuple(sizes))


def _page_readers(path: Path, level: Any, file_size: int, number: int) -> dict[int, PageReader]:
    """One reader for each page that exists. Contiguous series need no page of their own for each plane."""
    keyframe = level.keyframe
    offset = level.dataoffset if keyframe.compression == 1 else None
    count = int(np.prod(_axes(level).sizes, dtype=np.int64))
    check_image(path, keyframe, file_size, offset is not None)
    if offset is not None and offset + count * keyframe.nbytes > file_size:
        raise InputError(f"the file ends before its {count} planes do", path=path, remedy=COPY_AGAIN)
    readers = {}
    for index in range(count):
        page = level.pages[index] if offset is None else keyframe
        if page is not None:
            if data_end(page) > file_size or _listed(page) != _listed(keyframe):
                raise InputError(f"plane {index + 1} of {count} is cut short", path=path, remedy=COPY_AGAIN)
            start = None if offset is None else offset + index * keyframe.nbytes
            readers[index] = PageReader(path, keyframe, page, number * 1_000_000 + index, start)
    return readers


def _close(file: FileBytes) -> None:
    huge_parts().forget(file.owner)
    file.close()


def _listed(page: Any) -> tuple[int, int]:
    """Of how many tiles or strips a page says where they lie, and how long they are."""
    return len(page.dataoffsets), len(page.databytecounts)


SPEC = ReaderSpec(
    id="tiff",
    name="TIFF",
    suffixes=(".tif", ".tiff", ".svs", ".btf", ".tf8"),
    sniff=lambda path, head: head.startswith(_MAGIC),
    open=TiffSection,
)
