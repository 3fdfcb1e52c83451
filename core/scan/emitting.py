"""Decides who reads detections from what a model said: of maps `core.scan.map_emitting`, of boxes `core.scan.box_emitting`.

Both look at a tile once its neighbours are mapped too, and at nothing else, so that what they find depends neither on the
order of work, nor on a restart, nor on a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from core.detection import Detection
from core.geometry import Box
from core.models.base import Model
from core.project.scan_store import ScanStore
from core.scan.box_emitting import BoxEmitter
from core.scan.box_linking import agreeing
from core.scan.finishing import Finisher
from core.scan.joining import touching
from core.scan.map_emitting import MapEmitter
from core.scan.plan import ScanPlan
from core.tiling import Tile

Array = np.ndarray


class Emitter(Protocol):
    """Stores what a model said of tiles, and the detections in it, tile by tile."""

    def keep(self, tile: Tile, values: Array) -> None:
        """Stores what the model said of a tile with its halo, and that it is mapped.

        Raises ResourceError for values that are not numbers.
        """

    def emit(self, tile: Tile) -> list[Detection]:
        """Stores the scores and the detections of a tile whose neighbours are mapped, skipped or not asked for.

        Returns the new detections; objects that this tile made whole are among them.
        """


def make_emitter(model: Model, plan: ScanPlan, store: ScanStore, section: Box, regions: Sequence[Box]) -> Emitter:
    """The emitter for a model.

    Args:
        section: the section's box; regions: where findings must have their middle, without any everywhere. Level-0 px.
    """
    if model.spec.output == "boxes":
        return BoxEmitter(model.spec, plan, store, section, Finisher(model.spec, plan, store, regions, agreeing))
    return MapEmitter(model, plan, store, section, Finisher(model.spec, plan, store, regions, touching))
