"""Decides what a model is to the rest of Schliff: a spec, and a function from a tile's pixels to a map.

A model never sees the section's tiling. The scan engine cuts tiles with halo, resamples them to the model's µm/px,
and stores the core of the returned map. Detections are read from the assembled map (`core.scan.extract`), so that
thresholds change without a new scan and no seam shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.anomaly.calibration import calibration_in
from core.jobs import CancelToken, Progress, no_progress
from core.mark_levels import ANY_LEVEL, MarkLevels
from core.parameters import Parameter, resolve

Array = np.ndarray
Family = Literal["classifier", "detector", "instances", "anomaly", "segmentation", "classical"]
Source = Literal["bundled", "trained", "imported"]
Output = Literal["map", "boxes"]

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
        output: what `compute` gives for a tile: a "map" of cells, or "boxes" (see `Model.map_tile`, `Model.find_boxes`).
        learns: whether `learn` fits it to each section first.
        grid_px: windows begin at whole multiples of it, in model px, so crops to explain do, too; 0: of `stride_px`.
        parameters: what can be chosen before a scan; `values`: what was chosen (see `ModelFamily.configure`).
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
    output: Output = "map"
    learns: bool = False
    grid_px: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A picture that helps to see why, and what it shows: (h, w, 3) uint8 RGB at the crop's scale, as large as the crop it
    was asked for, or an example from elsewhere of another size."""

    title: str
    pixels: Array


class Model:
    """A loaded model. `str(device)` names what it computes on.

    The engine takes a tile through three calls, each in a thread of its own so that they overlap: `prepare` (any number
    of threads; what the processor can do before), `submit` (one thread; starts the computation of up to `batch_tiles`
    tiles and may return before it is finished) and `collect` (one thread; waits for it). A model that has nothing to
    gain from that implements `map_tile` or `find_boxes` alone.
    """

    spec: ModelSpec
    device: object = "cpu"
    batch_tiles: int = 1
    devices: int = 1  # how many compute side by side (`core.models.across_devices`)

    def prepare(self, pixels: Array) -> Any:
        """What `submit` wants of a tile: (h, w, 3) uint8 RGB at the model's µm/px, h and w multiples of `stride_px`."""
        return pixels

    def submit(self, prepared: Sequence[Any]) -> Any:
        """Starts computing a batch of prepared tiles of any sizes; what it returns is for `collect`.

        Raises ResourceError when the device has too little memory even for one tile.
        """
        compute = self.map_tile if self.spec.output == "map" else self.find_boxes
        return [compute(one) for one in prepared]

    def collect(self, pending: Any) -> list[Array]:
        """For each tile of a submitted batch its map (see `map_tile`) or boxes (see `find_boxes`), in order."""
        return pending

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array] | None:
        """For models that learn what is normal from the section itself: fits on a sample of `tiles` foreground tiles.

        Returns what a resumed scan needs to go on with the same model (stored in the project), or None.
        """
        return None

    def restore(self, state: Mapping[str, Array]) -> None:
        """Takes back what `learn` returned."""

    def doubts(self) -> tuple[str, ...]:
        """What speaks against trusting it on the section it came to know by `learn` or `restore`: sentences for people."""
        return ()

    def map_tile(self, pixels: Array) -> Array:
        """One tile with its halo → its map. For models whose output is a "map".

        Args:
            pixels: (h, w, 3) uint8 RGB at the model's µm/px; h and w are multiples of `stride_px`.
        Returns:
            (map_channels, h / stride_px, w / stride_px) float32; the engine keeps the core and stores it as float16.
        """
        raise NotImplementedError

    def find_boxes(self, pixels: Array) -> Array:
        """One tile with its halo → what was found in it. For models whose output is "boxes".

        Args:
            pixels: as for `map_tile`.
        Returns:
            (n, 6) float32: x0, y0, x1, y1 in px of the tile with halo, score, index into `labels`; highest score first,
            suppressed within the tile. What the tile's border cuts is given as far as it is seen.
        """
        raise NotImplementedError

    def scores(self, maps: Array) -> Array:
        """Map → what is shown and thresholded, cell by cell (looks at most `context_cells` around each cell).

        Args:
            maps: (map_channels, rows, columns) float32, as `map_tile` gave them, tiles put together. They begin whole
                tiles, or a multiple of 64 cells, away from the map's first cell.
        Returns:
            (len(labels), rows, columns) float32 in `score_unit`.
        """
        raise NotImplementedError

    @property
    def mark_levels(self) -> MarkLevels:
        """Where findings end in its scores."""
        known = calibration_in(self.spec.card, self.spec.path)
        return ANY_LEVEL if known is None else known.mark_levels

    def activations(self, maps: Array) -> Array | None:
        """How much each cell of a map speaks for each label: (len(labels), rows, columns) float32, 0 and more.

        NaN where `maps` is, which is as for `scores`. None when a map does not tell.
        """
        return None

    def explain(self, pixels: Array, label: str) -> Array | None:
        """ "Why was this called a defect": for a crop (h, w, 3) uint8 at the model's µm/px, a map (h, w) float32 of 0 to 1.

        None when the model has no explanation to give.
        """
        return None

    def evidence(self, pixels: Array, label: str) -> tuple[Evidence, ...]:
        """What is shown beside a crop, given as for `explain`: what the model made of it, what normal looks like."""
        return ()


def with_values(spec: ModelSpec, given: Mapping[str, Any]) -> ModelSpec:
    """The spec with a value for each of its parameters. Raises UsageError for names and values that don't fit."""
    return replace(spec, values=resolve(spec.parameters, given))


def as_it_is(spec: ModelSpec) -> ModelSpec:
    return spec


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """What a file in `core/models` offers (as `SPEC`).

    `bundled` gives the specs of models that need no folder (training-free ones). `load` builds a model from its spec;
    heavy imports happen there. `configure` gives the spec that holds for chosen values of its parameters (the default
    changes nothing but `values`). `offer` adds to the spec of a model folder what its card leaves to the family: parameters.
    """

    id: str
    load: Callable[[ModelSpec, str], Model]
    bundled: Callable[[], tuple[ModelSpec, ...]] = tuple
    configure: Callable[[ModelSpec, Mapping[str, Any]], ModelSpec] = with_values
    offer: Callable[[ModelSpec], ModelSpec] = as_it_is
