"""Decides how a Zeiss CZI becomes a section: who reads its pixels, and what its metadata say of them.

Plain files are read by `czi_mosaic`, the rest by libCZI (`czi_libczi`). Only level 0 is offered: the pyramid that ZEN
stores is a 5 × 5 binomial blur on every second pixel, so it lies half a pixel off the mean a level must hold. `preview`
uses it for a first look.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.geometry import Box
from core.readers.base import ReaderSpec
from core.readers.convert import ValueRange, value_range, with_samples
from core.readers.czi_directory import COPY_AGAIN
from core.readers.czi_layout import Layout
from core.readers.czi_metadata import CziMetadata, parse_metadata
from core.readers.czi_mosaic import Mosaic, cut_off
from core.readers.czi_pixels import can_read
from core.readers.czi_segments import MAGIC, Contents, read_contents, read_xml
from core.readers.czi_stage import find_stage, tile_positions
from core.section import Array, Plane, PyramidLevel, Scene, Section, SectionInfo
from core.section_info import NO_PIXEL_SIZE

if TYPE_CHECKING:
    from core.readers.czi_libczi import LibCzi


class CziSection(Section):
    """One CZI. Level-0 px count from the top-left corner of the bounding box of all its tiles."""

    def __init__(self, path: Path) -> None:
        contents = read_contents(path)
        self._path = path
        self._layout = Layout(path, contents.directory)
        self._ranges: dict[int, ValueRange] = {}
        metadata = parse_metadata(read_xml(path, contents))
        plain = self._layout.uniform and can_read(contents.directory)
        self._source: Mosaic | LibCzi = Mosaic(path, self._layout) if plain else _by_libczi(path, self._layout)
        try:
            self.info = self._describe(contents, metadata)
        except BaseException:
            self.close()
            raise

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._finished(self._source.read(x, y, width, height, plane), plane)

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        pixels = self._source.look(downsample, plane)
        return None if pixels is None else self._finished(pixels, plane)

    def camera_tiles(self) -> tuple[Box, ...]:
        return self._layout.boxes(Plane())

    @property
    def block_px(self) -> tuple[int, int]:
        return self._layout.block_px

    def close(self) -> None:
        self._source.close()

    def _finished(self, pixels: Array, plane: Plane) -> Array:
        """Pixels of a plane in the type that all planes of the section share."""
        if pixels.dtype.kind == "f":
            pixels = self._ranges[plane.c].to_uint16(pixels)
        return np.ascontiguousarray(with_samples(pixels, self.info.samples, self.info.dtype))

    def _describe(self, contents: Contents, metadata: CziMetadata | None) -> SectionInfo:
        layout, warnings = self._layout, []
        if metadata is None:
            metadata = CziMetadata()
            warnings.append("Its metadata is damaged: pixel size and stage are unknown.")
        elif metadata.pixel_size_um is None:
            warnings.append(NO_PIXEL_SIZE)
        tiles = tile_positions(self._path, contents.directory, layout.origin)
        stage, doubts = find_stage(metadata, layout.size, layout.scenes, tiles)
        named = dict(enumerate(metadata.channel_names))
        warnings += doubts + self._missing_tiles() + self._find_ranges()
        return SectionInfo(
            path=self._path,
            format="CZI",
            width_px=layout.size[0],
            height_px=layout.size[1],
            samples=max(kind.samples for kind in layout.kinds),
            dtype=np.dtype("uint8" if all(kind.dtype == "uint8" for kind in layout.kinds) else "uint16"),
            levels=(PyramidLevel(*layout.size, 1.0),),
            channel_names=tuple(named.get(c, "") for c in layout.indices["C"]),
            z_count=len(layout.indices["Z"]),
            t_count=len(layout.indices["T"]),
            pixel_size_um=metadata.pixel_size_um,
            scenes=tuple(
                Scene(index, metadata.scenes[index].name if index in metadata.scenes else "", box)
                for index, box in sorted(layout.scenes.items())
            ),
            stage=stage,
            markers=metadata.markers,
            sem=metadata.sem,
            objective=metadata.objective,
            acquired=metadata.acquired,
            warnings=tuple(warnings),
            is_own_scale=any(one.is_own for one in self._ranges.values()),
        )

    def _missing_tiles(self) -> list[str]:
        """Tells at once what reading would find out tile by tile. Raises InputError where no tile is left."""
        full = self._layout.directory.is_level0
        if isinstance(self._source, Mosaic):
            missing = self._source.count_cut_off()
        else:
            missing = int((cut_off(self._layout, self._path.stat().st_size) & full).sum())
        if missing == full.sum():
            raise InputError("all of its tiles lie beyond the end of the file", path=self._path, remedy=COPY_AGAIN)
        if not missing:
            return []
        return [
            f"{missing} of its {int(full.sum())} tiles lie beyond the end of the file and can't be read. {COPY_AGAIN}"
        ]

    def _find_ranges(self) -> list[str]:
        """Looks once at each channel of floats, so that every region of it is converted alike."""
        warnings = []
        for c, kind in enumerate(self._layout.kinds):
            if kind.dtype.kind == "f":
                self._ranges[c] = value_range(self._source.sample(Plane(c=c)))
                warnings.append(self._ranges[c].warning(kind.name))
        return warnings


def _by_libczi(path: Path, layout: Layout) -> LibCzi:
    from core.readers.czi_libczi import LibCzi

    return LibCzi(path, layout)


SPEC = ReaderSpec(
    id="czi",
    name="CZI",
    suffixes=(".czi",),
    sniff=lambda path, head: head.startswith(MAGIC),
    open=CziSection,
)
