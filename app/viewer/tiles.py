"""Decides which tiles make a view: their grid, their level for a zoom, and the order in which they are wanted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.geometry import Box
from core.section import Plane, RegionRequest

TILE_PX = 512  # of its level


@dataclass(frozen=True, slots=True)
class TileKey:
    """One tile: `downsample` is its level's, a power of two; it begins at level-0 px (column, row) · 512 · downsample."""

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


def downsample_for(zoom: float, coarsest: int) -> int:
    """The coarsest level that still has a px for each device px, at `zoom` device px per level-0 px."""
    if zoom >= 1:
        return 1
    return min(1 << math.floor(math.log2(1 / zoom) + 1e-9), coarsest)


def coarsest_downsample(section: Box) -> int:
    """The level of which one tile holds the whole section."""
    longest = max(section.w, section.h)
    return 1 << max(0, math.ceil(math.log2(longest / TILE_PX)))


def tiles_in(area: Box, downsample: int, section: Box) -> Iterator[TileKey]:
    """The tiles of a level that touch `area` (level-0 px), row by row."""
    common = area.intersection(section)
    if common is None:
        return
    side = TILE_PX * downsample
    for row in range(int(common.y // side), math.ceil(common.y1 / side)):
        for column in range(int(common.x // side), math.ceil(common.x1 / side)):
            yield TileKey(downsample, column, row)


def wanted_tiles(view: Box, downsample: int, section: Box, focus: tuple[float, float]) -> list[TileKey]:
    """What a view needs, nearest to `focus` (level-0) first; then one ring around it, for the next movement."""
    side = TILE_PX * downsample
    seen = list(tiles_in(view, downsample, section))
    shown = set(seen)
    ring = [key for key in tiles_in(view.grown(side), downsample, section) if key not in shown]

    def distance(key: TileKey) -> float:
        return math.hypot((key.column + 0.5) * side - focus[0], (key.row + 0.5) * side - focus[1])

    return sorted(seen, key=distance) + sorted(ring, key=distance)
