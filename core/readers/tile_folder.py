"""Decides how a folder of camera tiles becomes one section: each tile at its place, later ones over earlier ones.

Where tiles lie is for `tile_folder_positions` (a CSV, or the tiles' names; see there what is understood) and, where only
rows and columns are known, for `tile_folder_overlap`. Tiles are pictures of any kind that can be opened, all of one size
and pixel type; each is decoded whole and kept in the shared cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from core.caches import decoded_parts
from core.errors import InputError
from core.frames import NO_STAGE
from core.geometry import Box
from core.readers.base import ReaderSpec, open_section
from core.readers.tile_folder_overlap import measured_step
from core.readers.tile_folder_positions import (
    ADD_CSV,
    Placed,
    pictures_in,
    placed_by_names,
    placed_by_table,
    table_of_places,
)
from core.section import Array, Plane, PyramidLevel, RegionRequest, Section, SectionInfo
from core.section_info import NO_PIXEL_SIZE

_LARGEST_SIDE_PX = 4_000_000
_LARGEST_TILE = 512 << 20
_CHECKED_AT_ONCE = 64
_BLOCK_SIDE = 2048


class TileFolderSection(Section):
    """The tiles of one folder. Level-0 px count from the top-left corner of all tiles' bounding box."""

    def __init__(self, path: Path) -> None:
        self._path, self._owner = path, object()
        pictures = pictures_in(path)
        if not pictures:
            raise InputError("it holds no pictures", path=path, remedy="Copy the tiles into the folder of their CSV.")
        with open_section(pictures[0]) as first:
            self._like = first.info
        if len(self._like.channel_names) * self._like.z_count * self._like.t_count > 1:
            raise InputError(
                "its pictures have several planes", path=path, remedy="Export each as one RGB or grey image."
            )
        if math.prod(self._size) * self._like.samples * self._like.dtype.itemsize > _LARGEST_TILE:
            raise InputError(
                "its pictures are too large for camera tiles", path=path, remedy="Open one of them by itself."
            )
        placed = placed_by_table(path, pictures, lambda: self._like.pixel_size_um)
        placed = placed or placed_by_names(path, pictures, self._size)
        self._files = placed.files
        for number in _spread(len(self._files), _CHECKED_AT_ONCE):
            with open_section(self._files[number]) as tile:
                self._check(tile.info)
        self._corners, doubts = self._find_corners(placed)
        self.info = self._describe(placed, doubts)

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        tile_w, tile_h = self._size
        left, top = self._corners[:, 0] - x, self._corners[:, 1] - y
        touched = np.flatnonzero((left < width) & (left + tile_w > 0) & (top < height) & (top + tile_h > 0))
        hides = (left <= 0) & (left + tile_w >= width) & (top <= 0) & (top + tile_h >= height)
        hiding = np.flatnonzero(hides)
        out = np.zeros((height, width, self.info.samples), self.info.dtype)
        for number in touched[touched >= (hiding[-1] if len(hiding) else 0)]:
            x0, y0 = max(int(left[number]), 0), max(int(top[number]), 0)
            x1, y1 = min(int(left[number]) + tile_w, width), min(int(top[number]) + tile_h, height)
            part = self._pixels(int(number))
            out[y0:y1, x0:x1] = part[y0 - top[number] : y1 - top[number], x0 - left[number] : x1 - left[number]]
        return out

    def camera_tiles(self) -> tuple[Box, ...]:
        return self._boxes

    @property
    def block_px(self) -> tuple[int, int]:
        width, height = (-(-_BLOCK_SIDE // side) * side for side in self._size)
        return min(width, self.info.width_px), min(height, self.info.height_px)

    def close(self) -> None:
        decoded_parts().forget(self._owner)

    @property
    def _size(self) -> tuple[int, int]:
        return self._like.width_px, self._like.height_px

    @cached_property
    def _boxes(self) -> tuple[Box, ...]:
        return tuple(Box(float(x), float(y), *self._size) for x, y in self._corners)

    def _pixels(self, number: int) -> Array:
        """A whole tile, which others may be looking at too."""
        return decoded_parts().get((self._owner, number), partial(self._decode, number))

    def _decode(self, number: int) -> Array:
        with open_section(self._files[number]) as tile:
            self._check(tile.info)
            return tile.read(RegionRequest(0, 0, *self._size))

    def _check(self, tile: SectionInfo) -> None:
        """Raises InputError unless the tile is as the first one."""
        if (tile.width_px, tile.height_px) != self._size:
            raise InputError(
                f"it has {tile.width_px} × {tile.height_px} px, the other tiles {self._size[0]} × {self._size[1]}",
                path=tile.path,
                remedy="Export all tiles with one size, or take this one out.",
            )
        if (tile.samples, tile.dtype) != (self._like.samples, self._like.dtype):
            raise InputError(
                f"it holds {_kind(tile)}, the other tiles {_kind(self._like)}",
                path=tile.path,
                remedy="Export all tiles with one pixel type.",
            )

    def _find_corners(self, placed: Placed) -> tuple[Array, list[str]]:
        """(n, 2) whole px from the section's corner, and what is doubtful about them."""
        places: Array = np.asarray(placed.places, float)
        doubts: list[str] = []
        if placed.in_steps:
            steps, doubts = self._measure_steps(places)
            places = (places - places.min(0)) * steps
        corners = np.rint(places - places.min(0))
        if (corners.max(0) + self._size).max() > _LARGEST_SIDE_PX:
            raise InputError("its tiles lie millions of px apart", path=self._path, remedy="Check the unit of x and y.")
        return corners.astype(np.int64), doubts

    def _measure_steps(self, places: Array) -> tuple[Array, list[str]]:
        """Px from column to column and from row to row."""
        grid = {(int(c), int(r)): number for number, (c, r) in enumerate(places)}
        steps, doubts = np.asarray(self._size, float), []
        for axis, name in ((0, "columns"), (1, "rows")):
            if len(set(places[:, axis])) == 1:
                continue
            step = measured_step(grid, self._pixels, self._size, axis)
            if step is None:
                doubts.append(f"How far its {name} overlap is not known: they lie edge to edge. {ADD_CSV}")
            else:
                steps[axis] = step
                doubts.append(
                    f"Its {name} overlap by {self._size[axis] - step:.0f} px, as measured between some tiles."
                )
        return steps, doubts

    def _describe(self, placed: Placed, doubts: Sequence[str]) -> SectionInfo:
        width, height = (int(n) for n in self._corners.max(0) + self._size)
        pixel_size = placed.pixel_size_um or self._like.pixel_size_um
        told = [warning for warning in self._like.warnings if "no pixel size" not in warning]
        if pixel_size is None:
            told.append(NO_PIXEL_SIZE)
        return replace(
            self._like,
            path=self._path,
            format="Camera tiles",
            width_px=width,
            height_px=height,
            levels=(PyramidLevel(width, height, 1.0),),
            pixel_size_um=pixel_size,
            scenes=(),
            stage=NO_STAGE,
            warnings=(*placed.warnings, *doubts, *told),
        )


def _kind(info: SectionInfo) -> str:
    return f"{'RGB' if info.samples == 3 else 'grey'} of {info.dtype.itemsize * 8} bits"


def _spread(count: int, most: int) -> list[int]:
    return sorted({k * count // min(count, most) for k in range(min(count, most))})


def _is_tile_folder(path: Path, head: bytes) -> bool:
    return not head and path.is_dir() and bool(pictures_in(path) or table_of_places(path))


SPEC = ReaderSpec(
    id="tile_folder", name="a folder of camera tiles", suffixes=(), sniff=_is_tile_folder, open=TileFolderSection
)
