"""Decides how tiles become maps: reading the next ones while the model computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.jobs import CancelToken
from core.models.base import Model
from core.scan.plan import ScanPlan
from core.scan.reading import TileSource
from core.tiling import Tile

Array = np.ndarray


class TilePipeline:
    """Runs a model over tiles: `results` gives each tile with what the model said of it, in the order asked for."""

    def __init__(self, model: Model, plan: ScanPlan, source: TileSource, cancel: CancelToken) -> None:
        self._model, self._plan, self._source, self._cancel = model, plan, source, cancel

    def read(self, tile: Tile) -> Array:
        """The tile with its halo, (h, w, 3) uint8 at the model's scale."""
        return self._source.read(*self._plan.grid.model_box(tile, self._model.spec.halo_px))

    def results(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Array]]:
        """Each tile with its map or its boxes, halo included."""
        for tile, pixels in self._read_ahead(tiles):
            prepared = [self._model.prepare(pixels)]
            yield tile, self._model.collect(self._model.submit(prepared))[0]

    def _read_ahead(self, tiles: Sequence[Tile]) -> Iterator[tuple[Tile, Array]]:
        """Each tile with its pixels, the next one being read meanwhile."""
        with ThreadPoolExecutor(1, "schliff-scan-read") as reader:
            upcoming = reader.submit(self.read, tiles[0]) if tiles else None
            for position, tile in enumerate(tiles):
                assert upcoming is not None
                pixels = upcoming.result()
                following = tiles[position + 1] if position + 1 < len(tiles) else None
                upcoming = reader.submit(self.read, following) if following else None
                self._cancel.check()
                yield tile, pixels
