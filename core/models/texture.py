"""Decides what is unusual in any micrograph: the texture scan, which needs no training and no weights.

It learns from the section itself which textures are normal (`core.texture`), and scores each cell by how rare its
texture is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelFamily, ModelSpec, TileReader
from core.texture.features import CELL_PX, SCALES, texture_features
from core.texture.mixture import Mixture, fit_mixture

Array = np.ndarray

LABEL = "anomaly"
_TILES_LEARNED = 32
_CELLS_LEARNED = 40_000
_FEWEST_CELLS = 150
_CELLS_PER_COMPONENT = 400
_MOST_COMPONENTS = 10
_BLOCK_PX = CELL_PX * SCALES[-1]

SPEC_TEXTURE = ModelSpec(
    id="texture",
    name="Texture anomalies",
    family="anomaly",
    labels=(LABEL,),
    um_per_px=None,
    tile_px=1024,
    halo_px=128,
    window_px=64,
    stride_px=CELL_PX,
    map_channels=1,
    context_cells=0,
    score_unit="rarity (decades)",
    score_floor=3.0,
    threshold=6.0,
    version="1",
    description="Finds what is unlike the rest of the section. Learns from the section itself; works on any micrograph.",
    licence="MIT",
)


@dataclass(frozen=True)
class _Scale:
    """What is normal at one scale. A cell's rarity is (surprise − `zero`) / `decade`."""

    mixture: Mixture
    zero: float
    decade: float

    def rarity(self, cells: Array) -> Array:
        surprise = self.mixture.surprise(cells.reshape(-1, cells.shape[-1]))
        return np.maximum((surprise - self.zero) / self.decade, 0).reshape(cells.shape[:2])


class TextureModel(Model):
    """See the file's first line. Before `learn` or `restore` nothing is unusual."""

    def __init__(self, spec: ModelSpec = SPEC_TEXTURE) -> None:
        self.spec = spec
        self._scales: list[_Scale | None] = [None] * len(SCALES)

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array]:
        """Fits the normal textures on the first `_TILES_LEARNED` of the offered tiles (offered in random order)."""
        count = min(tiles, _TILES_LEARNED)
        samples: list[list[Array]] = [[] for _ in SCALES]
        for index in range(count):
            if cancel is not None:
                cancel.check()
            for kept, cells in zip(samples, self._features(read(index)), strict=True):
                kept.append(cells.reshape(-1, cells.shape[-1]))
            progress(Step(index + 1, count, "Learning what is normal here"))
        self._scales = [_fit_scale(_thinned(kept)) for kept in samples]
        return self._state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._scales = [_scale_from(state, index) for index in range(len(SCALES))]

    def map_tile(self, pixels: Array) -> Array:
        rows, columns = pixels.shape[0] // CELL_PX, pixels.shape[1] // CELL_PX
        highest = np.zeros((rows, columns), np.float32)
        for scale, known, cells in zip(SCALES, self._scales, self._features(pixels), strict=True):
            if known is not None:
                highest = np.maximum(highest, _spread(known.rarity(cells), scale)[:rows, :columns])
        return highest[None]

    def scores(self, maps: Array) -> Array:
        return maps

    def explain(self, pixels: Array, label: str) -> Array | None:
        """How rare each place of the crop is, as a share of the rarest in it (at least of the threshold)."""
        height, width = pixels.shape[:2]
        padded = cv2.copyMakeBorder(pixels, 0, -height % CELL_PX, 0, -width % CELL_PX, cv2.BORDER_REFLECT)
        rarity = self.map_tile(padded)[0]
        heat = _spread(rarity / max(float(rarity.max()), self.spec.threshold), CELL_PX)
        return np.ascontiguousarray(heat[:height, :width])

    def _features(self, pixels: Array) -> list[Array]:
        height, width = pixels.shape[:2]
        if height % _BLOCK_PX or width % _BLOCK_PX:
            border = (0, -height % _BLOCK_PX, 0, -width % _BLOCK_PX)
            pixels = cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REFLECT)
        return texture_features(pixels)

    def _state(self) -> dict[str, Array]:
        state: dict[str, Array] = {}
        for index, scale in enumerate(self._scales):
            if scale is not None:
                state |= {f"{name}_{index}": value for name, value in vars(scale.mixture).items()}
                state[f"calibration_{index}"] = np.array([scale.zero, scale.decade], np.float64)
        return state


def _fit_scale(cells: Array) -> _Scale | None:
    """None where the section is too small to know its texture at this scale, or has none."""
    if len(cells) < _FEWEST_CELLS:
        return None
    mixture = fit_mixture(cells, int(np.clip(len(cells) // _CELLS_PER_COMPONENT, 1, _MOST_COMPONENTS)))
    q80, q95 = np.quantile(mixture.surprise(cells).astype(np.float64), (0.80, 0.95))
    # An exponential tail through both quantiles: its rate tells how much surprise makes a cell ten times rarer.
    decade = max((q95 - q80) / np.log10(0.20 / 0.05), 0.5)
    return _Scale(mixture, float(q80 + np.log10(0.20) * decade), float(decade))


def _thinned(kept: list[Array]) -> Array:
    """At most `_CELLS_LEARNED` of all cells, evenly."""
    cells = np.concatenate(kept) if kept else np.empty((0, 1), np.float32)
    return cells[:: max(1, -(-len(cells) // _CELLS_LEARNED))]


def _scale_from(state: Mapping[str, Array], index: int) -> _Scale | None:
    if f"calibration_{index}" not in state:
        return None
    zero, decade = (float(value) for value in state[f"calibration_{index}"])
    return _Scale(Mixture(**{name: state[f"{name}_{index}"] for name in Mixture.__annotations__}), zero, decade)


def _spread(cells: Array, factor: int) -> Array:
    """Each cell interpolated to factor × factor finer ones."""
    if factor == 1:
        return cells
    size = (cells.shape[1] * factor, cells.shape[0] * factor)
    return cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)


SPEC = ModelFamily(id="texture", load=lambda spec, device: TextureModel(spec), bundled=lambda: (SPEC_TEXTURE,))
