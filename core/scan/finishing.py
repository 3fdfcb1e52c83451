"""Decides how a tile is finished: what was found in it is stored, with the objects that are wholly seen now."""

from __future__ import annotations

from collections.abc import Sequence

from core.detection import Candidate, Detection
from core.geometry import Box
from core.models.base import ModelSpec
from core.project.fragments import Fragment, Joined, OpenFragments
from core.project.scan_store import ScanStore
from core.scan.joining import Link, wholly_seen
from core.scan.plan import ScanPlan
from core.tiling import Tile


class Finisher:
    """Stores what emitters find.

    Args:
        regions: where findings must have their middle (level-0 px); without any, everywhere.
        link: which fragments of neighbouring tiles are the same object.
    """

    def __init__(self, spec: ModelSpec, plan: ScanPlan, store: ScanStore, regions: Sequence[Box], link: Link) -> None:
        self._spec, self._plan, self._store, self._regions, self._link = spec, plan, store, regions, link
        self._awaited = frozenset(tile.index for tile in plan.tiles)

    def finish(
        self, tile: Tile, candidates: Sequence[Candidate], fragments: Sequence[Fragment], sound: Sequence[Box] = ()
    ) -> list[Detection]:
        """What is stored by this, objects from other tiles' fragments among it. `sound`: things that are no defect."""

        def join(stored: OpenFragments) -> list[Joined]:
            around = self._plan.neighbours(tile)
            joined = wholly_seen(tile.index, around, stored, self._awaited.__contains__, self._link)
            return [one if self._is_kept(one.candidate) else Joined(one.fragments, one.tile, None) for one in joined]

        kept = [one for one in candidates if self._is_kept(one)]
        return self._store.emit(tile.index, kept, fragments, join, sum(map(self._is_asked_for, sound)))

    def _is_kept(self, candidate: Candidate | None) -> bool:
        if candidate is None or candidate.score < self._spec.score_floor:
            return False
        return self._is_asked_for(candidate.box)

    def _is_asked_for(self, box: Box) -> bool:
        middle = box.center
        return not self._regions or any(region.contains(*middle) for region in self._regions)
