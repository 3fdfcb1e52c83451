"""Decides how one model computes on several graphics cards: tiles are dealt out to them in turn.

Each card holds the whole model. Batches are handed out in the order of the tiles and collected in the same order, so that
what is found depends neither on how many cards there are nor on which is faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.jobs import CancelToken, Progress, no_progress
from core.models.base import Evidence, Model, TileReader

Array = np.ndarray


class AcrossDevices(Model):
    """`models`: the same model, loaded once for each device. It gains where `submit` returns before it is finished."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = tuple(models)
        self._first = self._models[0]
        self.spec, self.device = self._first.spec, self._first.device
        self.batch_tiles = min(model.batch_tiles for model in self._models)
        self.devices = len(self._models)
        self._turn = 0

    def prepare(self, pixels: Array) -> Any:
        return self._first.prepare(pixels)

    def submit(self, prepared: Sequence[Any]) -> tuple[Model, Any]:
        model = self._models[self._turn % self.devices]
        pending = model.submit(prepared)
        self._turn += 1  # a batch that found no room is tried again on the same device
        return model, pending

    def collect(self, pending: tuple[Model, Any]) -> list[Array]:
        model, own = pending
        return model.collect(own)

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array] | None:
        return self._first.learn(tiles, read, progress, cancel)

    def restore(self, state: Mapping[str, Array]) -> None:
        for model in self._models:
            model.restore(state)

    def doubts(self) -> tuple[str, ...]:
        return self._first.doubts()

    def map_tile(self, pixels: Array) -> Array:
        return self._first.map_tile(pixels)

    def find_boxes(self, pixels: Array) -> Array:
        return self._first.find_boxes(pixels)

    def scores(self, maps: Array) -> Array:
        return self._first.scores(maps)

    def activations(self, maps: Array) -> Array | None:
        return self._first.activations(maps)

    def explain(self, pixels: Array, label: str) -> Array | None:
        return self._first.explain(pixels, label)

    def evidence(self, pixels: Array, label: str) -> tuple[Evidence, ...]:
        return self._first.evidence(pixels, label)
