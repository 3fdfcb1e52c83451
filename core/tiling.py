"""Decides how a section is cut into tiles. What a tile shows, and whether it is worth scanning, is for others
(`core.foreground`); reading and resampling it is for `core.scan`.

Three units, all with their origin at the section's top-left corner:
level-0 px (boxes), model px = level-0 px / `scale`, cells = model px / `stride_px` (the map's grid).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from core.foreground import Mask, foreground_mask
from core.geometry import Box

__all__ = ["Mask", "Tile", "TileGrid", "foreground_mask"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One read unit: the part of the map it owns, in whole cells, and the same in level-0 px.

    `index` is row · columns + col of the whole section's grid: the same for every region, so it names the tile for ever.
    `box` is the core without halo; at the section's right and lower edge it may reach beyond the section by less than a cell.
    """

    index: int
    row: int
    col: int
    x_cell: int
    y_cell: int
    w_cells: int
    h_cells: int
    box: Box


@dataclass(frozen=True)
class TileGrid:
    """The tiles of a whole section, laid out from its top-left corner, whatever region is asked for.

    Args:
        section_width_px, section_height_px: level-0 size.
        scale: level-0 px per model px.
        tile_px: side of a tile's core in model px; a multiple of `stride_px`.
        stride_px: model px per cell.
    Raises ValueError for sizes that don't make a grid.
    """

    section_width_px: int
    section_height_px: int
    scale: float
    tile_px: int
    stride_px: int

    def __post_init__(self) -> None:
        if min(self.section_width_px, self.section_height_px, self.stride_px, self.tile_px) < 1:
            raise ValueError(f"not a grid: {self}")
        if not (self.scale > 0 and math.isfinite(self.scale)) or self.tile_px % self.stride_px:
            raise ValueError(f"not a grid: {self}")

    @property
    def cell_px(self) -> float:
        """Level-0 px per cell."""
        return self.stride_px * self.scale

    @cached_property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the whole section's map; the last ones may be only partly inside the section."""
        return _parts(self.section_height_px, self.cell_px), _parts(self.section_width_px, self.cell_px)

    @property
    def _tile_cells(self) -> int:
        return self.tile_px // self.stride_px

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        rows, columns = self.cells
        return -(-rows // self._tile_cells), -(-columns // self._tile_cells)

    def tile(self, index: int) -> Tile:
        """The tile of that index. Raises IndexError beyond the grid."""
        rows, columns = self.shape
        if not 0 <= index < rows * columns:
            raise IndexError(f"tile {index} of {rows * columns}")
        row, col = divmod(index, columns)
        x, y = col * self._tile_cells, row * self._tile_cells
        w, h = min(self._tile_cells, self.cells[1] - x), min(self._tile_cells, self.cells[0] - y)
        cell = self.cell_px
        return Tile(index, row, col, x, y, w, h, Box(x * cell, y * cell, w * cell, h * cell))

    def tiles(self, region: Box | None = None) -> list[Tile]:
        """The tiles whose core overlaps `region` (all without one), by index."""
        rows, columns = self.shape
        if region is None:
            return [self.tile(index) for index in range(rows * columns)]
        side = self._tile_cells * self.cell_px
        row_range = _overlapped(region.y, region.y1, side, rows)
        col_range = _overlapped(region.x, region.x1, side, columns)
        return [self.tile(row * columns + col) for row in row_range for col in col_range]

    def order(self, tiles: Iterable[Tile], start_at: tuple[float, float] | None = None) -> list[Tile]:
        """Outwards from a level-0 point, ties by index; by index without a point."""
        if start_at is None:
            return sorted(tiles, key=lambda tile: tile.index)
        x, y = start_at
        return sorted(tiles, key=lambda tile: (_squared_distance(tile.box, x, y), tile.index))

    def model_box(self, tile: Tile, halo_px: int = 0) -> tuple[int, int, int, int]:
        """The tile with `halo_px` on each side, in model px: x, y, width, height. May reach beyond the section."""
        s = self.stride_px
        return (
            tile.x_cell * s - halo_px,
            tile.y_cell * s - halo_px,
            tile.w_cells * s + 2 * halo_px,
            tile.h_cells * s + 2 * halo_px,
        )


def _parts(length: float, part: float) -> int:
    """How many parts cover a length; a remainder of a millionth of a part is rounding, not a part."""
    return max(1, math.ceil(length / part - 1e-6))


def _overlapped(start: float, end: float, side: float, count: int) -> range:
    """Which of `count` intervals of length `side` a non-empty interval overlaps."""
    if end <= start:
        return range(0)
    return range(max(0, math.floor(start / side)), min(count, math.ceil(end / side)))


def _squared_distance(box: Box, x: float, y: float) -> float:
    cx, cy = box.center
    return (cx - x) ** 2 + (cy - y) ** 2
