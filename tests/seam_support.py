"""Scans of arrays by the real emitters, with a store in memory: many small scans in little time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from core.detection import Candidate
from core.geometry import Box
from core.models.base import Model, ModelSpec
from core.project.fragments import Fragment
from core.scan.emitting import make_emitter
from core.scan.plan import plan_scan
from core.section_info import PyramidLevel, SectionInfo
from core.specimen_mask import whole_section
from tests.toy import toy_spec

Array = np.ndarray


class MemoryStore:
    """What emitters ask of `core.project.scan_store.ScanStore`. `found`: all detections; `most_open`: fragments at once."""

    def __init__(self, labels: int, rows: int, columns: int) -> None:
        self.arrays = {name: np.full((labels, rows, columns), np.nan, np.float32) for name in ("model", "scores")}
        self.maps = SimpleNamespace(read=self._read, write=self._write)
        self.states: dict[int, str] = {}
        self.seen: dict[int, Array] = {}
        self.fragments: list[Fragment] = []
        self.found: list[Candidate] = []
        self.most_open = 0
        self.sound = 0
        self._last_id = 0

    def _read(self, name: str, row: int, column: int, rows: int, columns: int) -> Array:
        return self.arrays[name][:, row : row + rows, column : column + columns].copy()

    def _write(self, name: str, row: int, column: int, values: Array) -> None:
        rows, columns = values.shape[1:]
        self.arrays[name][:, row : row + rows, column : column + columns] = values

    def mapped(self, tile: int, boxes: Array | None = None) -> None:
        self.states[tile] = "mapped"
        if boxes is not None:
            self.seen[tile] = boxes

    def boxes(self, tiles: Iterable[int]) -> dict[int, Array]:
        return {tile: self.seen[tile] for tile in tiles if tile in self.seen}

    def emit(
        self, tile: int, candidates: Sequence[Candidate], fragments: Sequence[Fragment] = (), join=None, sound: int = 0
    ) -> list:
        self.sound += sound
        self.states[tile] = "emitted"
        for one in fragments:
            self._last_id += 1
            self.fragments.append(replace(one, id=self._last_id))
        self.most_open = max(self.most_open, len(self.fragments))
        joined = join(self)
        gone = {number for one in joined for number in one.fragments}
        self.fragments = [one for one in self.fragments if one.id not in gone]
        self.found += [*candidates, *(one.candidate for one in joined if one.candidate is not None)]
        return []

    def of(self, tiles: Iterable[int]) -> list[Fragment]:
        wanted = set(tiles)
        return [one for one in self.fragments if one.tile in wanted]

    def finished(self, tiles: Iterable[int]) -> set[int]:
        return {tile for tile in tiles if self.states.get(tile) in ("emitted", "skipped")}


class GivenScores(Model):
    """`scores` are what was mapped."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def scores(self, maps: Array) -> Array:
        return maps


def bright_boxes(view: Array, label: int = 0) -> Array:
    """What a detector that makes no mistakes gives for a view (h, w) uint8: (n, 6)."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((view > 0).astype(np.uint8), connectivity=8)
    x, y, w, h = (stats[1:, i].astype(np.float32) for i in range(4))
    ones = np.ones_like(x)
    return np.stack([x, y, x + w, y + h, 0.9 * ones, label * ones], axis=1)


def scan_scores(scores: Array, side: int, seed: int | None = None, floor: float = 0.3) -> MemoryStore:
    """Scans a map of scores (labels, rows, columns) in tiles of `side` cells; one cell is one px."""
    labels = tuple(f"label {i}" for i in range(len(scores)))
    spec = toy_spec(tile_px=side, halo_px=0, stride_px=1, labels=labels, map_channels=len(labels), score_floor=floor)
    return _scan(GivenScores(spec), scores, 1, seed)


def scan_boxes(image: Array, tile_px: int, halo_px: int, seed: int | None = None) -> MemoryStore:
    """Scans (h, w) uint8 with a detector that makes no mistakes but sees only a tile with its halo."""
    return scan_views(image, tile_px, halo_px, bright_boxes, seed)


def scan_views(
    image: Array, tile_px: int, halo_px: int, detector: Callable[[Array], Array], seed: int | None = None
) -> MemoryStore:
    """Scans (h, w) uint8 with what a detector gives for each tile with its halo."""
    spec = toy_spec(tile_px=tile_px, halo_px=halo_px, output="boxes")
    return _scan(GivenScores(spec), image[None], spec.stride_px, seed, detector)


def _scan(
    model: Model, values: Array, stride: int, seed: int | None, detector: Callable[[Array], Array] | None = None
) -> MemoryStore:
    spec, (height, width) = model.spec, values.shape[1:]
    level = PyramidLevel(width, height, 1.0)
    info = SectionInfo(Path("/nowhere/a.tif"), "array", width, height, 3, np.dtype(np.uint8), (level,))
    plan = plan_scan(info, spec, whole_section(info), (), None)
    store = MemoryStore(len(spec.labels), *plan.grid.cells)
    emitter = make_emitter(model, plan, store, info.box, ())  # type: ignore[arg-type]
    tiles = list(plan.tiles)
    if seed is not None:
        random.Random(seed).shuffle(tiles)
    far = spec.tile_px + spec.halo_px
    padded = np.pad(values, ((0, 0), (far, far), (far, far)))
    for tile in tiles:
        x, y, w, h = plan.grid.model_box(tile, spec.halo_px)
        view = padded[:, far + y : far + y + h, far + x : far + x + w]
        emitter.keep(tile, view if detector is None else detector(view[0]))
        for index in [tile.index, *plan.neighbours(tile)]:
            ready = all(i in store.states for i in [index, *plan.neighbours(plan.grid.tile(index))])
            if ready and store.states[index] == "mapped":
                emitter.emit(plan.grid.tile(index))
    assert set(store.states.values()) == {"emitted"}
    return store


def boxes_of(store: MemoryStore, dx: float = 0, dy: float = 0) -> list[tuple[str, Box]]:
    """Labels and boxes, moved back by what the image was moved."""
    assert not store.fragments, "nothing is left open"
    return sorted((one.label, one.box.moved(-dx, -dy)) for one in store.found)


def moved(values: Array, dx: int, dy: int) -> Array:
    """(…, rows, columns) with so many empty columns and rows before them."""
    return np.pad(values, ((0, 0),) * (values.ndim - 2) + ((dy, 0), (dx, 0)))
