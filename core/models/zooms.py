"""Decides how a window classifier looks at coarser zooms of a section too, for defects larger than its windows. No torch.

The picture is halved once or twice, as in an image pyramid, and each zoom is mapped by itself. All of them lie in one map:
the channels of the finest zoom come first, and a cell of a coarser one is repeated over the cells that it covers. So a scan
stores, shares and goes on with it as with any other map. Which zoom counts at a place is decided here alone (`surest`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from core.errors import UsageError
from core.models.base import Model, ModelSpec
from core.models.window_scores import spread
from core.parameters import Parameter

Array = np.ndarray

# Model px along the side of one px of each zoom, by the value of the parameter.
FACTORS = {"1": (1,), "1,0.5": (1, 2), "1,0.5,0.25": (1, 2, 4)}
ONE_ZOOM = "1"
PARAMETER = Parameter(
    "zooms", str, ONE_ZOOM, "at which sizes the section is looked at; coarser ones find defects larger than a window",
    choices=tuple(FACTORS),
)  # fmt: skip
# A finer window hides a coarser one around it if it is surer by more than this share: nearly sure is sure.
NEARLY = 0.95
# A scan reads marks from a tile and this many cells around it, or as many as a smaller tile is wide.
_MARGIN_CELLS = 64


def factors_of(spec: ModelSpec) -> tuple[int, ...]:
    """Of a configured model, the finest first."""
    return FACTORS[spec.values.get(PARAMETER.name, ONE_ZOOM)]


def zoomed(spec: ModelSpec) -> ModelSpec:
    """The spec of a model that looks at several zooms, from that of one which looks at the finest alone.

    Raises UsageError for windows too large for it.
    """
    factors = factors_of(spec)
    if len(factors) == 1:
        return spec
    coarsest, stride, window = factors[-1], spec.stride_px, spec.window_px // spec.stride_px
    steps = spec.values.get("stride_px", stride) // stride * coarsest
    whole = spec.tile_px // (stride * coarsest) * coarsest
    context = _context(factors, window, spec.context_cells)
    if not whole or whole % steps or context >= min(whole, _MARGIN_CELLS):
        raise UsageError(
            f"windows of {spec.window_px} px are too large, or too far apart, for zooms = {spec.values[PARAMETER.name]}",
            remedy="Choose fewer zooms, or smaller window_px and stride_px.",
        )
    return replace(
        spec,
        tile_px=whole * stride,
        # Where the section ends a tile may end within a cell of a coarser zoom: that one is seen wholly.
        halo_px=spec.halo_px * coarsest + (coarsest - 1) * stride,
        map_channels=spec.map_channels * len(factors),
        context_cells=context,
    )


def _context(factors: Sequence[int], window: int, cells: int) -> int:
    """How far, in cells of the finest zoom, `surest` and the windows of all zooms look around a cell."""
    reach = cells
    for factor in factors[1:]:
        reach = max(factor * (cells + 1) - 1, reach + window * factor // 2)
    return reach


def surest(scores: Sequence[Array], factors: Sequence[int], window: int) -> tuple[Array, Array]:
    """The scores of several zooms as one, and which zoom (by number) they come from.

    A coarser window counts where no finer one that lies in it is clearly surer (non-maximum suppression over zooms): so a
    large defect is one mark with what is found of its parts, and a small one is not blown up by the larger windows that
    see it too.

    Args:
        scores: of each zoom, the finest first: (labels, rows, columns) on the cells of the finest; NaN where unknown.
        factors: see `FACTORS`.
        window: cells along one side of a window at its own zoom.
    Returns:
        (labels, rows, columns) float32 and int8.
    """
    merged, taken = scores[0], np.zeros(scores[0].shape, np.int8)
    for number, (factor, coarse) in enumerate(zip(factors[1:], scores[1:], strict=True), start=1):
        side = 2 * (window * factor // 2) + 1
        finer = np.nan_to_num(merged)
        within = np.stack([cv2.dilate(plane, np.ones((side, side), np.uint8)) for plane in finer])
        counts = (coarse > finer) & (coarse >= NEARLY * within) & ~np.isnan(merged)
        merged, taken = np.where(counts, coarse, merged), np.where(counts, np.int8(number), taken)
    return merged, taken


class Zoomed(Model):
    """A window classifier at several zooms. `spec`: as `zoomed` gives it; `model`: the same for one zoom."""

    def __init__(self, spec: ModelSpec, model: Model) -> None:
        self.spec, self._model = spec, model
        self.device, self.batch_tiles = model.device, model.batch_tiles
        self._factors = factors_of(spec)

    def prepare(self, pixels: Array) -> list[Any]:
        return [self._model.prepare(self._seen(pixels, factor)) for factor in self._factors]

    def submit(self, prepared: Sequence[list[Any]]) -> Any:
        return self._model.submit([one for tile in prepared for one in tile])

    def collect(self, pending: Any) -> list[Array]:
        maps, count = self._model.collect(pending), len(self._factors)
        return [self._together(maps[at : at + count]) for at in range(0, len(maps), count)]

    def map_tile(self, pixels: Array) -> Array:
        """NaN within the halo, which is wider than what the finest zoom needs."""
        return self.collect(self.submit([self.prepare(pixels)]))[0]

    def scores(self, maps: Array) -> Array:
        return self._surest(maps)[0]

    def activations(self, maps: Array) -> Array | None:
        """Of each cell those of the zoom that its score comes from."""
        taken = self._surest(maps)[1]
        each = [self._model.activations(part) for part in self._parts(maps)]
        found = np.zeros(taken.shape, np.float32)
        for number, (factor, coarse) in enumerate(zip(self._factors, each, strict=True)):
            if coarse is None:
                return None
            np.copyto(found, spread(coarse, factor, maps.shape[1:]), where=taken == number)
        return found

    def explain(self, pixels: Array, label: str) -> Array | None:
        """At the zoom at which the label is surest."""
        spec, best, surest_of_all = self._model.spec, pixels, -1.0
        for factor in self._factors:
            seen = _shrunk(pixels, factor)
            height, width = (n // spec.stride_px * spec.stride_px for n in seen.shape[:2])
            if min(height, width) < spec.window_px:
                break
            scores = self._model.scores(self._model.map_tile(seen[:height, :width]))
            score = float(np.nanmax(scores[spec.labels.index(label)], initial=0.0))
            if score > surest_of_all:
                best, surest_of_all = seen, score
        heat = self._model.explain(best, label)
        return None if heat is None else cv2.resize(heat, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)

    def _surest(self, maps: Array) -> tuple[Array, Array]:
        one = self._model.spec
        each = [
            spread(self._model.scores(part), factor, maps.shape[1:])
            for factor, part in zip(self._factors, self._parts(maps), strict=True)
        ]
        return surest(each, self._factors, one.window_px // one.stride_px)

    def _parts(self, maps: Array) -> list[Array]:
        """The map of each zoom, on its own cells."""
        channels = self._model.spec.map_channels
        return [maps[n * channels :][:channels, ::f, ::f] for n, f in enumerate(self._factors)]

    def _seen(self, pixels: Array, factor: int) -> Array:
        """What one zoom is shown of a tile: its core, in whole cells, and the halo that it needs."""
        one, halo = self._model.spec, self.spec.halo_px
        around, cell = one.halo_px * factor, one.stride_px * factor
        core = [-(-(n - 2 * halo) // cell) * cell for n in pixels.shape[:2]]
        rows, columns = (slice(halo - around, halo + n + around) for n in core)
        return _shrunk(pixels[rows, columns], factor)

    def _together(self, maps: Sequence[Array]) -> Array:
        """The maps of a tile's zooms as one, with its halo."""
        edge, beyond = (spec.halo_px // self.spec.stride_px for spec in (self._model.spec, self.spec))
        cores = [found[:, edge : found.shape[1] - edge, edge : found.shape[2] - edge] for found in maps]
        shape = cores[0].shape[1:]
        core = np.concatenate([spread(c, factor, shape) for factor, c in zip(self._factors, cores, strict=True)])
        return np.pad(core, ((0, 0), (beyond, beyond), (beyond, beyond)), constant_values=np.nan)


def _shrunk(pixels: Array, factor: int) -> Array:
    """The mean of each factor × factor px; what is left over at the end is dropped."""
    if factor == 1:
        return np.ascontiguousarray(pixels)
    rows, columns = (n // factor for n in pixels.shape[:2])
    whole = pixels[: rows * factor, : columns * factor]
    return cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
