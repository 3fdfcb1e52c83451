"""Decides how a tile's detections are found in maps: from scores computed over the tile and a margin around it.

A mark that is no longer than the margin is stored by the tile in which its peak lies. Of a longer one each tile stores
the part in its core, as a fragment (`core.scan.long_marks`), and the fragments are joined (`core.scan.joining`). Only marks
that one tile knows wholly can be drawn tighter (`core.scan.activation_boxes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.detection import Candidate, Detection
from core.geometry import Box
from core.models.base import Model
from core.models.classifier import BOXES, CAM
from core.models.zooms import factors_of
from core.project.fragments import Fragment
from core.project.scan_store import ScanStore
from core.scan.activation_boxes import tightened
from core.scan.answers import require_numbers
from core.scan.extract import SHARE_OF_PEAK, MarkedCells, mark_cells, to_candidate
from core.scan.finishing import Finisher
from core.scan.long_marks import Part, long_objects, parts_within
from core.scan.plan import ScanPlan
from core.tiling import Tile

Array = np.ndarray


# Wide enough for nearly every mark to be seen whole, narrow enough that little is computed twice.
MARGIN_CELLS = 64


@dataclass(frozen=True)
class _Block:
    """What the model said of a tile and the margin around it, and the scores there.

    `row`, `column`: its first cell in the map; `core`: the tile, in its cells.
    """

    row: int
    column: int
    maps: Array
    scores: Array
    core: Box

    @property
    def core_scores(self) -> Array:
        x, y, w, h = self.core.outer_pixels()
        return self.scores[:, y : y + h, x : x + w]


class MapEmitter:
    """See `core.scan.emitting.Emitter`. `section`: its box in level-0 px."""

    def __init__(self, model: Model, plan: ScanPlan, store: ScanStore, section: Box, finisher: Finisher) -> None:
        self._model, self._spec = model, model.spec
        self._plan, self._store, self._finisher = plan, store, finisher
        self._section = section
        side = self._spec.tile_px // self._spec.stride_px
        self._margin = MARGIN_CELLS if side >= 2 * MARGIN_CELLS else side
        # The windows of coarser zooms look so far that scores near a block's border are not those of the section.
        unsure = self._spec.context_cells if len(factors_of(self._spec)) > 1 else 0
        self._longest = self._margin - unsure
        self._by_activations = self._spec.values.get(BOXES.name) == CAM
        self._cell_px = plan.grid.cell_px

    def keep(self, tile: Tile, values: Array) -> None:
        """Stores the core of a tile's map (see `Model.map_tile`)."""
        halo = self._spec.halo_px // self._spec.stride_px
        values = values[:, halo : halo + tile.h_cells, halo : halo + tile.w_cells]
        require_numbers(values, self._spec.id, tile.box)
        self._store.maps.write("model", tile.y_cell, tile.x_cell, values)
        self._store.mapped(tile.index)

    def emit(self, tile: Tile) -> list[Detection]:
        block = self._block(tile)
        self._store.maps.write("scores", tile.y_cell, tile.x_cell, block.core_scores)
        if not np.nanmax(block.core_scores, initial=0.0) >= SHARE_OF_PEAK * self._spec.score_floor:
            return self._finisher.finish(tile, [], [])  # no mark reaches into it
        cells = mark_cells(block.scores, self._spec.score_floor, self._model.mark_levels)
        objects = long_objects(cells, self._longest, self._seen(block))
        candidates = list(self._candidates(cells, objects, block))
        parts = parts_within(cells, objects, block.scores, block.core)
        return self._finisher.finish(tile, candidates, [self._fragment(tile, part, block) for part in parts])

    def _candidates(self, cells: MarkedCells, objects: dict[int, int], block: _Block) -> Iterator[Candidate]:
        mine = [
            mark
            for number, mark in cells.marks.items()
            if number not in objects and block.core.contains(*reversed(mark.peak))
        ]
        activations = self._model.activations(block.maps) if self._by_activations and mine else None
        for mark in mine:
            drawn = mark if activations is None else tightened(mark, activations)
            yield to_candidate(drawn, self._spec.labels, self._cell_px, block.row, block.column, self._section)

    def _seen(self, block: _Block) -> Box:
        """The block's cells, and one more beyond where the map ends: nothing comes from there."""
        rows, columns = self._plan.grid.cells
        height, width = block.scores.shape[1:]
        x0, y0 = -1 if block.column == 0 else 0, -1 if block.row == 0 else 0
        x1, y1 = width + (block.column + width == columns), height + (block.row + height == rows)
        return Box.from_edges(x0, y0, x1, y1)

    def _fragment(self, tile: Tile, part: Part, block: _Block) -> Fragment:
        rows, columns = part.rows + block.row, part.columns + block.column
        y, x = int(rows.min()), int(columns.min())
        box = Box(x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y).scaled(self._cell_px)
        peak = (part.peak[1] + block.column + 0.5) * self._cell_px, (part.peak[0] + block.row + 0.5) * self._cell_px
        return Fragment(
            tile=tile.index,
            label=self._spec.labels[part.label],
            score=part.score,
            box=box.intersection(self._section) or box,
            area_px=len(rows) * self._cell_px**2,
            peak=peak,
            edges=dict(self._edges(tile, rows, columns)),
        )

    def _edges(self, tile: Tile, rows: Array, columns: Array) -> Iterator[tuple[int, tuple[Box, ...]]]:
        """For each neighbour that cells (of the map) border on, those that do, in runs."""
        first, last = (tile.y_cell, tile.x_cell), (tile.y_cell + tile.h_cells - 1, tile.x_cell + tile.w_cells - 1)
        for index in self._plan.neighbours(tile):
            other = self._plan.grid.tile(index)
            at_row = {-1: rows == first[0], 0: True, 1: rows == last[0]}[other.row - tile.row]
            at_column = {-1: columns == first[1], 0: True, 1: columns == last[1]}[other.col - tile.col]
            bordering = at_row & at_column
            if bordering.any():
                places = _runs(rows[bordering], columns[bordering])
                yield index, tuple(place.scaled(self._cell_px) for place in places)

    def _block(self, tile: Tile) -> _Block:
        """The scores of a tile and its margin, as far as the section reaches."""
        rows, columns = self._plan.grid.cells
        row, column = max(0, tile.y_cell - self._margin), max(0, tile.x_cell - self._margin)
        height = min(rows, tile.y_cell + tile.h_cells + self._margin) - row
        width = min(columns, tile.x_cell + tile.w_cells + self._margin) - column
        maps = self._store.maps.read("model", row, column, height, width)
        scores = self._scores(row, column, maps)
        # Half floats, as stored: a threshold then means the same for the map and for the detections.
        scores = scores.astype(np.float16).astype(np.float32)
        core = Box(tile.x_cell - column, tile.y_cell - row, tile.w_cells, tile.h_cells)
        return _Block(row, column, maps, scores, core)

    def _scores(self, row: int, column: int, block: Array) -> Array:
        """The model's scores; NaN where nothing was scanned and where there is no specimen.

        Where nothing was scanned the model is shown what is usual around. Dust in the resin is no defect.
        """
        grid = self._plan.grid
        unknown = ~self._plan.mask.at_cells(block.shape[1], block.shape[2], grid.cell_px, (row, column))
        missing = np.isnan(block)
        if missing.any():
            block = np.where(missing, np.nanmedian(block, axis=(1, 2), keepdims=True), block)
            unknown |= missing.any(axis=0)
        scores = self._model.scores(block)
        cell = grid.cell_px
        around = Box(column * cell, row * cell, block.shape[2] * cell, block.shape[1] * cell)
        require_numbers(scores[:, ~unknown], self._spec.id, around)
        return np.where(unknown, np.float32(np.nan), scores) if unknown.any() else scores


def _runs(rows: Array, columns: Array) -> Iterator[Box]:
    """Cells in one row or one column as boxes of cells side by side."""
    cells = sorted(zip(columns.tolist(), rows.tolist(), strict=True))
    start = end = cells[0]
    for x, y in cells[1:]:
        if x - end[0] + y - end[1] > 1:
            yield _from_to(start, end)
            start = x, y
        end = x, y
    yield _from_to(start, end)


def _from_to(start: tuple[int, int], end: tuple[int, int]) -> Box:
    return Box(start[0], start[1], end[0] - start[0] + 1, end[1] - start[1] + 1)
