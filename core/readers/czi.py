"""Decides how a Zeiss CZI is read: pixels through libCZI (pylibCZIrw), places and metadata from `czi_segments` and on.

Only level 0 is offered. The pyramid that ZEN stores is a 5 × 5 binomial blur on every second pixel, so it lies half a
pixel off the mean a level must hold, and libCZI scales it by nearest neighbour; `preview` uses it for a first look.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.geometry import Box
from core.readers.base import ReaderSpec
from core.readers.convert import ValueRange, value_range, with_samples
from core.readers.czi_metadata import CziMetadata, parse_metadata
from core.readers.czi_segments import COPY_AGAIN, MAGIC, Contents, Subblock, read_contents, read_xml
from core.readers.czi_stage import find_stage, tile_positions
from core.readers.handle import SharedHandle
from core.section import Array, Plane, PyramidLevel, Scene, Section, SectionInfo

# libCZI pixel types: name to ask for, samples, dtype.
_PIXELS: dict[int, tuple[str, int, str]] = {
    0: ("Gray8", 1, "uint8"),
    1: ("Gray16", 1, "uint16"),
    2: ("Gray32Float", 1, "float32"),
    3: ("Bgr24", 3, "uint8"),
    4: ("Bgr48", 3, "uint16"),
}
_CACHE_BYTES = 256 << 20
_LARGEST_TILE_BYTES = 2 << 30
_LARGEST_SIDE_PX = 4_000_000
_RANGE_SAMPLE_PX = 512


class CziSection(Section):
    """One CZI. Level-0 px count from the top-left corner of the bounding box of all its tiles."""

    def __init__(self, path: Path) -> None:
        contents = read_contents(path)
        self._path = path
        self._layout = _Layout(path, contents.subblocks)
        self._ranges: dict[int, ValueRange] = {}
        metadata = parse_metadata(read_xml(path, contents))
        self._handle = SharedHandle(path, _open_libczi(path), lambda reader: reader.close())
        try:
            self.info = self._describe(contents, metadata)
        except BaseException:
            self.close()
            raise

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._read(x, y, width, height, plane, zoom=None)

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        # libCZI picks the nearest stored pyramid layer and takes every n-th of its pixels.
        return self._read(0, 0, self.info.width_px, self.info.height_px, plane, zoom=1 / downsample)

    def close(self) -> None:
        self._handle.close()

    def _read(self, x: int, y: int, width: int, height: int, plane: Plane, zoom: float | None) -> Array:
        pixels = self._read_raw(x, y, width, height, plane, zoom)
        if pixels.dtype.kind == "f":
            pixels = self._ranges[plane.c].to_uint16(pixels)
        elif pixels.shape[2] == 3:
            pixels = pixels[:, :, ::-1]
        return np.ascontiguousarray(with_samples(pixels, self.info.samples, self.info.dtype))

    def _read_raw(self, x: int, y: int, width: int, height: int, plane: Plane, zoom: float | None) -> Array:
        layout = self._layout
        roi = (x + layout.origin[0], y + layout.origin[1], width, height)
        name = _PIXELS[layout.pixel_types[plane.c]][0]
        with self._handle.use() as reader:
            try:
                return reader.read(roi=roi, plane=layout.coordinates(plane), zoom=zoom, pixel_type=name)
            except Exception as error:
                raise InputError(
                    f"pixels at {x}, {y} can't be decoded ({_first_line(error)})", path=self._path, remedy=COPY_AGAIN
                ) from error

    def _describe(self, contents: Contents, metadata: CziMetadata | None) -> SectionInfo:
        layout, warnings = self._layout, []
        if metadata is None:
            metadata = CziMetadata()
            warnings.append("Its metadata is damaged: pixel size and stage are unknown.")
        elif metadata.pixel_size_um is None:
            warnings.append("It has no pixel size: lengths and areas are in pixels only.")
        tiles = tile_positions(self._path, contents.subblocks, layout.origin)
        stage, doubts = find_stage(metadata, layout.size, layout.scenes, tiles)
        named = dict(enumerate(metadata.channel_names))
        kinds = [_PIXELS[kind] for kind in layout.pixel_types]
        warnings += doubts + self._find_ranges(kinds)
        return SectionInfo(
            path=self._path,
            format="CZI",
            width_px=layout.size[0],
            height_px=layout.size[1],
            samples=max(samples for _, samples, _ in kinds),
            dtype=np.dtype("uint8" if all(dtype == "uint8" for _, _, dtype in kinds) else "uint16"),
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
            objective=metadata.objective,
            acquired=metadata.acquired,
            warnings=tuple(warnings),
        )

    def _find_ranges(self, kinds: Sequence[tuple[str, int, str]]) -> list[str]:
        """Looks once at each channel of floats, so that every region of it is converted alike."""
        warnings = []
        for c, (name, _, dtype) in enumerate(kinds):
            if dtype == "float32":
                zoom = min(1.0, _RANGE_SAMPLE_PX / max(self._layout.size))
                sample = self._read_raw(0, 0, *self._layout.size, Plane(c=c), zoom)
                self._ranges[c] = value_range(sample)
                warnings.append(self._ranges[c].warning(name))
        return warnings


class _Layout:
    """Where the subblocks lie: bounding box, scenes, and which index each dimension really has."""

    def __init__(self, path: Path, subblocks: Sequence[Subblock]) -> None:
        full = [s for s in subblocks if s.is_level0]
        if not full:
            raise InputError("it holds no full-resolution pixels", path=path, remedy="Export it again with all levels.")
        box = _bounds(full)
        self.origin = int(box.x), int(box.y)
        self.size = int(box.w), int(box.h)
        self.scenes = self._find_scenes(full)
        names = {name for s in full for name in s.where} - {"S", "M"}
        self.indices = {n: sorted({s.where.get(n, 0) for s in full}) for n in sorted(names | {"C", "Z", "T"})}
        types = {s.where.get("C", 0): s.pixel_type for s in reversed(full)}
        self.pixel_types = tuple(types[c] for c in self.indices["C"])
        self._check(path, full)

    def coordinates(self, plane: Plane) -> dict[str, int]:
        """The file's own index in every dimension; the first in those that Schliff offers no choice for."""
        chosen = {"C": plane.c, "Z": plane.z, "T": plane.t}
        return {name: indices[chosen.get(name, 0)] for name, indices in self.indices.items()}

    def _find_scenes(self, full: Sequence[Subblock]) -> dict[int, Box]:
        members: dict[int, list[Subblock]] = {}
        for subblock in full:
            if "S" in subblock.where:
                members.setdefault(subblock.where["S"], []).append(subblock)
        dx, dy = self.origin
        return {index: _bounds(tiles).moved(-dx, -dy) for index, tiles in members.items()}

    def _check(self, path: Path, full: Sequence[Subblock]) -> None:
        if max(self.size) > _LARGEST_SIDE_PX:
            raise InputError(f"its tiles lie {max(self.size)} px apart: it is damaged", path=path, remedy=COPY_AGAIN)
        for kind in self.pixel_types:
            if kind not in _PIXELS:
                raise InputError(
                    f"pixels of CZI type {kind} can't be read", path=path, remedy="Export it as 8 or 16 bits in ZEN."
                )
        largest = max(s.stored_w * s.stored_h for s in full)
        if largest * 6 > _LARGEST_TILE_BYTES:
            raise InputError(
                f"one of its tiles is said to have {largest / 1e6:.0f} megapixels",
                path=path,
                remedy="Export it with smaller tiles, or copy it again if it is damaged.",
            )


def _bounds(subblocks: Sequence[Subblock]) -> Box:
    """The smallest box around thousands of tiles, without thousands of boxes."""
    corners = np.array([(s.x, s.y, s.x + s.w, s.y + s.h) for s in subblocks])
    x0, y0 = corners[:, :2].min(axis=0).tolist()
    x1, y1 = corners[:, 2:].max(axis=0).tolist()
    return Box.from_edges(x0, y0, x1, y1)


def _open_libczi(path: Path) -> Any:
    from pylibCZIrw.czi import CacheOptions, CacheType, CziReader

    try:
        cache = CacheOptions(type=CacheType.Standard, max_memory_usage=_CACHE_BYTES, max_sub_block_count=100_000)
        return CziReader(str(path), cache_options=cache)
    except Exception as error:
        raise InputError(f"it can't be opened ({_first_line(error)})", path=path, remedy=COPY_AGAIN) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


SPEC = ReaderSpec(
    id="czi",
    name="CZI",
    suffixes=(".czi",),
    sniff=lambda path, head: head.startswith(MAGIC),
    open=CziSection,
)
