"""Decides how a tile's detections are found in boxes: among what the tile and its neighbours saw.

The boxes a tile saw lie with its record. What no tile saw whole becomes fragments (`core.scan.joining`), which are the same
object as their neighbours' when both tiles see them alike (`core.scan.box_linking`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.detection import Candidate, Detection
from core.geometry import Box
from core.measure import area
from core.models.base import ModelSpec
from core.outlines import Outline, as_outline, corners_of, cut, placed
from core.project.fragments import Fragment
from core.project.scan_store import ScanStore
from core.scan.answers import require_numbers
from core.scan.box_reading import (
    SeenBoxes,
    covered,
    cut_by_view,
    highest_scores,
    reaching_into,
    surest,
    with_middle_in,
)
from core.scan.finishing import Finisher
from core.scan.plan import ScanPlan
from core.tiling import Tile

Array = np.ndarray

# Shares of the halo. Detectors don't put a box exactly on the border that cuts it;
_CUT_WITHIN = 1 / 8
# and two tiles don't put the middle of a box on exactly the same px, so each offers what lies just beyond its core too.
_OFFERED_BEYOND = 1 / 4


class BoxEmitter:
    """See `core.scan.emitting.Emitter`. `section`: its box in level-0 px."""

    def __init__(self, spec: ModelSpec, plan: ScanPlan, store: ScanStore, section: Box, finisher: Finisher) -> None:
        self._spec, self._plan, self._store, self._finisher = spec, plan, store, finisher
        self._section = section
        self._halo_px = spec.halo_px * plan.grid.scale

    def keep(self, tile: Tile, values: Array) -> None:
        """Stores a tile's boxes (see `Model.find_boxes`) in level-0 px, cut to the section; empty ones are dropped."""
        boxes = np.array(values, np.float32)
        require_numbers(boxes, self._spec.id, tile.box)
        x, y, *_ = self._plan.grid.model_box(tile, self._spec.halo_px)
        boxes = placed(boxes, x, y, self._plan.grid.scale, self._section)
        self._store.mapped(tile.index, boxes[boxes[:, 4] >= self._spec.score_floor])

    def emit(self, tile: Tile) -> list[Detection]:
        seen = self._seen(tile)
        self._write_scores(tile, seen)
        is_cut = {index: cut_by_view(one, self._section, self._halo_px * _CUT_WITHIN) for index, one in seen.items()}
        own = seen[tile.index]
        offered = [one.boxes[~is_cut[index] & self._is_offered(one, own)] for index, one in seen.items()]
        whole = surest(np.concatenate(offered))
        parts = own.boxes[is_cut[tile.index] & reaching_into(own.boxes, own.core) & (own.boxes[:, 5] >= 0)]
        parts = surest(parts[~covered(parts, whole)])
        here = self._on_specimen(whole[with_middle_in(whole, own.core)])
        candidates = [self._candidate(box) for box in here if box[5] >= 0]
        fragments = [self._fragment(tile, own, box) for box in self._on_specimen(parts)]
        return self._finisher.finish(tile, candidates, fragments, [_box(one) for one in here if one[5] < 0])

    def _is_offered(self, seen: SeenBoxes, to: SeenBoxes) -> Array:
        """(n,) bool: which of a tile's boxes may be its own and matter to another tile."""
        core = seen.core.grown(self._halo_px * _OFFERED_BEYOND)
        return with_middle_in(seen.boxes, core) & reaching_into(seen.boxes, to.view)

    def _on_specimen(self, boxes: Array) -> Array:
        """Dust in the resin is no defect."""
        return boxes[self._plan.mask.covers_each(boxes[:, :4])]

    def _seen(self, tile: Tile) -> dict[int, SeenBoxes]:
        """What the tile and its neighbours saw, by index."""
        stored = self._store.boxes([tile.index, *self._plan.neighbours(tile)])
        cores = {index: self._plan.grid.tile(index).box for index in sorted(stored)}
        return {i: SeenBoxes(stored[i], core, core.grown(self._halo_px)) for i, core in cores.items()}

    def _write_scores(self, tile: Tile, seen: dict[int, SeenBoxes]) -> None:
        grid, first, shape = self._plan.grid, (tile.y_cell, tile.x_cell), (tile.h_cells, tile.w_cells)
        boxes = np.concatenate([one.boxes[reaching_into(one.boxes, tile.box)] for one in seen.values()])
        scores = highest_scores(boxes, len(self._spec.labels), grid.cell_px, first, shape)
        specimen = self._plan.mask.at_cells(*shape, grid.cell_px, first)
        self._store.maps.write("scores", *first, np.where(specimen, scores, np.float32(np.nan)))

    def _candidate(self, box: Array) -> Candidate:
        found, outline = _box(box), _outline(box)
        size = min(area(outline), found.area) if outline else found.area
        return Candidate(self._spec.labels[int(box[5])], float(box[4]), found, size, found.center, outline)

    def _fragment(self, tile: Tile, seen: SeenBoxes, part: Array) -> Fragment:
        box = _box(part)
        mine = box.intersection(seen.core) or box
        whole = _outline(part)
        outline = cut(whole, mine)
        return Fragment(
            tile=tile.index,
            label=self._spec.labels[int(part[5])],
            score=float(part[4]),
            box=box,
            area_px=(area(outline) if outline else 0.0) if whole else mine.area,
            peak=mine.center,
            edges=dict(self._edges(tile, seen, box)),
            outline=outline,
        )

    def _edges(self, tile: Tile, seen: SeenBoxes, box: Box) -> Iterator[tuple[int, tuple[Box, ...]]]:
        """For each neighbour across a side into which a box reaches, the strip that both tiles see."""
        for index in self._plan.neighbours(tile):
            other = self._plan.grid.tile(index)
            strip = other.box.grown(self._halo_px).intersection(seen.view)
            is_beside = other.row == tile.row or other.col == tile.col
            if strip is not None and is_beside and box.intersection(other.box):
                yield index, (strip,)


def _box(box: Array) -> Box:
    return Box.from_edges(*(float(value) for value in box[:4]))


def _outline(box: Array) -> Outline:
    return as_outline(corners_of(box[None])[0])
