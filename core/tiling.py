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

import numpy as np

from core.geometry import Box

Array = np.ndarray
_Span = tuple[int, int, float, float]


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
        return self.tiles_at([index])[0]

    def tiles_at(self, indices: Iterable[int]) -> list[Tile]:
        """The tiles of these indices. Raises IndexError beyond the grid."""
        rows, columns = self._spans
        made = []
        for index in indices:
            row, col = divmod(index, len(columns))
            if not 0 <= row < len(rows):
                raise IndexError(f"tile {index} of {len(rows) * len(columns)}")
            x_cell, w_cells, x, w = columns[col]
            y_cell, h_cells, y, h = rows[row]
            made.append(Tile(index, row, col, x_cell, y_cell, w_cells, h_cells, Box(x, y, w, h)))
        return made

    @cached_property
    def _spans(self) -> tuple[list[_Span], list[_Span]]:
        """Of each row and of each column of tiles: first cell, cells, and the same in level-0 px."""
        side, cell = self._tile_cells, self.cell_px
        rows, columns = (
            [(at, min(side, count - at), at * cell, min(side, count - at) * cell) for at in range(0, count, side)]
            for count in self.cells
        )
        return rows, columns

    def tiles(self, region: Box | None = None) -> list[Tile]:
        """The tiles whose core overlaps `region` (all without one), by index."""
        return self.tiles_at(self.indices(region).tolist())

    def indices(self, region: Box | None = None) -> Array:
        """(n,) int64: which tiles `tiles` gives."""
        rows, columns = self.shape
        row_range, col_range = range(rows), range(columns)
        if region is not None:
            side = self._tile_cells * self.cell_px
            row_range = _overlapped(region.y, region.y1, side, rows)
            col_range = _overlapped(region.x, region.x1, side, columns)
        return (np.array(row_range, np.int64)[:, None] * columns + np.array(col_range, np.int64)).ravel()

    def order(self, indices: Array, start_at: tuple[float, float] | None = None) -> Array:
        """Indices outwards from a level-0 point, ties by index; by index without a point."""
        if start_at is None:
            return np.sort(indices)
        x_edges, y_edges = self.edges
        rows, columns = np.divmod(indices, self.shape[1])
        across = ((x_edges[:-1] + x_edges[1:]) / 2 - start_at[0])[columns]
        down = ((y_edges[:-1] + y_edges[1:]) / 2 - start_at[1])[rows]
        return indices[np.lexsort((indices, across**2 + down**2))]

    @cached_property
    def edges(self) -> tuple[Array, Array]:
        """Where tiles begin and end in level-0 px: (columns + 1,) and (rows + 1,) float64."""
        (rows, columns), (cell_rows, cell_columns) = self.shape, self.cells
        x = np.minimum(np.arange(columns + 1) * self._tile_cells, cell_columns) * self.cell_px
        y = np.minimum(np.arange(rows + 1) * self._tile_cells, cell_rows) * self.cell_px
        return x, y

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
