"""Decides how a tile's detections are found once its neighbours are mapped too: from scores computed over all nine, so
that they depend neither on the order of work, nor on a restart, nor on a seam."""

from __future__ import annotations

import numpy as np

from core.detection import Candidate, Detection
from core.errors import ResourceError
from core.geometry import Box
from core.models.base import Model
from core.project.scan_store import ScanStore
from core.scan.extract import find_marks, to_candidate
from core.scan.plan import ScanPlan
from core.tiling import Tile

Array = np.ndarray


class MapEmitter:
    """Reads detections from the stored maps of a scan and stores them, tile by tile.

    Args:
        section: the section's box; region: where findings must have their middle, None for everywhere. Level-0 px.
    """

    def __init__(self, model: Model, plan: ScanPlan, store: ScanStore, section: Box, region: Box | None) -> None:
        self._model, self._spec = model, model.spec
        self._plan, self._store = plan, store
        self._section, self._region = section, region

    def keep(self, tile: Tile, values: Array) -> None:
        """Stores what the model said of a tile with its halo (see `Model.map_tile`), and that it is mapped.

        Raises ResourceError for values that are not numbers.
        """
        spec = self._spec
        halo = spec.halo_px // spec.stride_px
        values = values[:, halo : halo + tile.h_cells, halo : halo + tile.w_cells]
        if not np.isfinite(values).all():
            raise ResourceError(f"{spec.id} gave values that are not numbers", remedy="Scan on the CPU (--device cpu).")
        self._store.maps.write("model", tile.y_cell, tile.x_cell, values)
        self._store.mapped(tile.index)

    def emit(self, tile: Tile) -> list[Detection]:
        """Stores the scores and the detections of a tile whose neighbours are mapped, skipped or not asked for."""
        row, column, block = self._block(tile)
        scores = self._scores(row, column, block)
        r, c = tile.y_cell - row, tile.x_cell - column
        core_scores = scores[:, r : r + tile.h_cells, c : c + tile.w_cells]
        self._store.maps.write("scores", tile.y_cell, tile.x_cell, core_scores)
        # Half floats, as stored: a threshold then means the same for the map and for the detections.
        marks = find_marks(scores.astype(np.float16).astype(np.float32), self._spec.score_floor)
        candidates = [
            to_candidate(mark, self._spec.labels, self._plan.grid.cell_px, row, column, self._section)
            for mark in marks
            if r <= mark.peak[0] < r + tile.h_cells and c <= mark.peak[1] < c + tile.w_cells
        ]
        return self._store.emit(tile.index, [one for one in candidates if self._is_inside(one)])

    def _is_inside(self, candidate: Candidate) -> bool:
        return self._region is None or self._region.contains(*candidate.box.center)

    def _block(self, tile: Tile) -> tuple[int, int, Array]:
        """The model's map of a tile and its neighbours: first row and column, and the values within the section."""
        side = self._spec.tile_px // self._spec.stride_px
        rows, columns = self._plan.grid.cells
        row, column = max(0, tile.y_cell - side), max(0, tile.x_cell - side)
        height = min(rows, tile.y_cell + 2 * side) - row
        width = min(columns, tile.x_cell + 2 * side) - column
        return row, column, self._store.maps.read("model", row, column, height, width)

    def _scores(self, row: int, column: int, block: Array) -> Array:
        """The model's scores; NaN where nothing was scanned and where there is no specimen.

        Where nothing was scanned the model is shown what is usual around. Dust in the resin is no defect.
        """
        missing = np.isnan(block)
        usual = np.nanmedian(block, axis=(1, 2), keepdims=True)
        scores = self._model.scores(np.where(missing, usual, block))
        grid = self._plan.grid
        specimen = self._plan.mask.at_cells(block.shape[1], block.shape[2], grid.cell_px, (row, column))
        return np.where(missing.any(axis=0) | ~specimen, np.float32(np.nan), scores)
