"""Decides how a section is cut into tiles to be drawn: their grid, and which level a zoom is drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from core.geometry import Box
from core.section import Plane, RegionRequest

TILE_PX = 512  # of its level


class TileKey(NamedTuple):
    """One tile: `downsample` is its level's, a power of two; it begins at level-0 px (column, row) · 512 · downsample.

    A tuple, because it is looked up a hundred times for every frame.
    """

    downsample: int
    column: int
    row: int

    def box(self, section: Box) -> Box:
        """The part of the section it covers, in level-0 px."""
        side = TILE_PX * self.downsample
        x, y = self.column * side, self.row * side
        return Box(x, y, min(side, section.w - x), min(side, section.h - y))

    def request(self, section: Box, plane: Plane) -> RegionRequest:
        box = self.box(section)
        return RegionRequest(int(box.x), int(box.y), int(box.w), int(box.h), self.downsample, plane)

    def parent(self) -> TileKey:
        return TileKey(self.downsample * 2, self.column // 2, self.row // 2)

    def children(self) -> tuple[TileKey, ...]:
        d, c, r = self.downsample // 2, self.column * 2, self.row * 2
        return tuple(TileKey(d, c + i, r + j) for j in (0, 1) for i in (0, 1)) if d else ()


@dataclass(frozen=True, slots=True)
class TileRange:
    """The tiles of one level in columns [left, right) and rows [top, bottom)."""

    downsample: int
    left: int
    top: int
    right: int
    bottom: int

    def __iter__(self) -> Iterator[TileKey]:
        """Row by row."""
        for row in range(self.top, self.bottom):
            for column in range(self.left, self.right):
                yield TileKey(self.downsample, column, row)

    def __len__(self) -> int:
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def __contains__(self, key: TileKey) -> bool:
        inside = self.left <= key.column < self.right and self.top <= key.row < self.bottom
        return inside and key.downsample == self.downsample


def downsample_for(zoom: float, coarsest: int) -> int:
    """The coarsest level that still has a px for each device px, at `zoom` device px per level-0 px."""
    if zoom >= 1:
        return 1
    return min(1 << math.floor(math.log2(1 / zoom) + 1e-9), coarsest)


def nearest_downsample(zoom: float, coarsest: int) -> int:
    """The level whose px are nearest in size to a device px: magnified by no more than 1.41 while the zoom is below 1."""
    return min(1 << max(0, round(-math.log2(zoom))), coarsest)


def coarsest_downsample(section: Box) -> int:
    """The level of which one tile holds the whole section."""
    longest = max(section.w, section.h)
    return 1 << max(0, math.ceil(math.log2(longest / TILE_PX)))


def tiles_in(area: Box, downsample: int, section: Box) -> TileRange:
    """The tiles of a level that touch `area` (level-0 px)."""
    side = TILE_PX * downsample
    x0, y0 = max(area.x, section.x), max(area.y, section.y)
    x1, y1 = min(area.x1, section.x1), min(area.y1, section.y1)
    if x1 <= x0 or y1 <= y0:
        return TileRange(downsample, 0, 0, 0, 0)
    return TileRange(downsample, int(x0 // side), int(y0 // side), math.ceil(x1 / side), math.ceil(y1 / side))
