"""Decides what a model is to the rest of Schliff: a spec, and a function from a tile's pixels to a map.

A model never sees the section's tiling. The scan engine cuts tiles with halo, resamples them to the model's µm/px,
and stores the core of the returned map. Detections are read from the assembled map (`core.scan.extract`), so that
thresholds change without a new scan and no seam shows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.jobs import CancelToken, Progress, no_progress
from core.parameters import Parameter

Array = np.ndarray
Family = Literal["classifier", "detector", "instances", "anomaly", "segmentation", "classical"]
Source = Literal["bundled", "trained", "imported"]

# Samples one tile for `Model.learn`: the index-th of the offered places, as `map_tile` would get it.
TileReader = Callable[[int], Array]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model says of itself before it is loaded.

    Args:
        labels: what it can find; for an anomaly model the single label "anomaly". "No defect" is not a label.
        artefact_labels: those of `labels` that are traces of preparation, not defects.
        um_per_px: the scale at which it wants its input; None: the section's own level 0.
        tile_px: side of the tile core the engine cuts, in model px; a multiple of `stride_px`.
        halo_px: surroundings on each side that a core value depends on, in model px; a multiple of `stride_px`.
        window_px: side of one window, in model px (for people and for context; the map is already dense).
        stride_px: model px per cell of the map.
        map_channels: channels of the map that `map_tile` returns.
        context_cells: how far, in cells, `scores` looks around a cell.
        score_unit: "probability" (0 to 1) or what a distance means, shown beside every score.
        score_floor: cells scoring less are never kept as detections; below any useful threshold.
        threshold: the default above which detections are shown.
        version: changes when the same input would give another map (hash of the weights and code version).
    """

    id: str
    name: str
    family: Family
    labels: tuple[str, ...]
    um_per_px: float | None
    tile_px: int
    halo_px: int
    window_px: int
    stride_px: int
    map_channels: int
    context_cells: int
    score_unit: str
    score_floor: float
    threshold: float
    version: str
    artefact_labels: tuple[str, ...] = ()
    source: Source = "bundled"
    path: Path | None = None
    description: str = ""
    licence: str = ""
    parameters: tuple[Parameter, ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)


class Model(ABC):
    """A loaded model. `map_tile` may be called from one thread at a time. `str(device)` names what it computes on."""

    spec: ModelSpec
    device: object = "cpu"

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array] | None:
        """For models that learn what is normal from the section itself: fits on a sample of `tiles` foreground tiles.

        Returns what a resumed scan needs to go on with the same model (stored in the project), or None.
        """
        return None

    def restore(self, state: Mapping[str, Array]) -> None:  # noqa: B027 - most models learn nothing from the section
        """Takes back what `learn` returned."""

    @abstractmethod
    def map_tile(self, pixels: Array) -> Array:
        """One tile with its halo → its map.

        Args:
            pixels: (h, w, 3) uint8 RGB at the model's µm/px; h and w are multiples of `stride_px`.
        Returns:
            (map_channels, h / stride_px, w / stride_px) float32; the engine keeps the core and stores it as float16.
        """

    @abstractmethod
    def scores(self, maps: Array) -> Array:
        """Map → what is shown and thresholded, cell by cell (looks at most `context_cells` around each cell).

        Args:
            maps: (map_channels, rows, columns) float32, as `map_tile` gave them, tiles put together.
        Returns:
            (len(labels), rows, columns) float32 in `score_unit`.
        """

    def explain(self, pixels: Array, label: str) -> Array | None:
        """ "Why was this called a defect": for a crop (h, w, 3) uint8 at the model's µm/px, a map (h, w) float32 of 0 to 1.

        None when the model has no explanation to give.
        """
        return None


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """What a file in `core/models` offers (as `SPEC`).

    `bundled` gives the specs of models that need no folder (training-free ones). `load` builds a model from its spec;
    heavy imports happen there. `train` is None for families that can't be trained (see `core.train`).
    """

    id: str
    load: Callable[[ModelSpec, str], Model]
    bundled: Callable[[], tuple[ModelSpec, ...]] = tuple
