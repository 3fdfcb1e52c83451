"""Decides what is unusual in any micrograph: the texture scan, which needs no training and no weights.

It learns from the section itself which textures are normal (`core.texture`), and scores each cell by how rare its
texture is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from core.jobs import CancelToken, Progress, Step, no_progress
from core.mark_levels import MarkLevels
from core.models.base import Evidence, Model, ModelFamily, ModelSpec, TileReader
from core.texture.extent import at_finest
from core.texture.features import CELL_PX, SCALES, texture_features
from core.texture.gaps import filled, find_gaps
from core.texture.normal import Normal, fit_normal

Array = np.ndarray

LABEL = "anomaly"
_TILES_LEARNED = 32
_JOIN_CELLS = 3
_MOSTLY = 0.5
_RARE = 1.0  # in the units of rarity
_LINEAR_UP_TO = 2.0
_BLOCK_PX = CELL_PX * SCALES[-1]
# What of a tile's halo each scale does without: the finer it is, the less of it comes into the core (`core.texture.extent`).
_UNWANTED_PX = (128, 32, 0, 0)
_NO_BORDER = (0,) * len(SCALES)

SPEC_TEXTURE = ModelSpec(
    id="texture",
    name="Texture anomalies",
    family="anomaly",
    labels=(LABEL,),
    um_per_px=None,
    tile_px=1024,
    halo_px=192,
    window_px=64,
    stride_px=CELL_PX,
    map_channels=1,
    context_cells=2 * _JOIN_CELLS,
    score_unit="rarity",
    score_floor=0.5,
    threshold=1.7,
    version="4",
    grid_px=_BLOCK_PX,
    description="Finds what is unlike the rest of the section. Learns from the section itself; works on any micrograph.",
    licence="MIT",
    learns=True,
)


class TextureModel(Model):
    """See the file's first line. Before `learn` or `restore` nothing is unusual."""

    def __init__(self, spec: ModelSpec = SPEC_TEXTURE) -> None:
        self.spec = spec
        self._scales: list[Normal | None] = [None] * len(SCALES)

    def learn(
        self, tiles: int, read: TileReader, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> dict[str, Array]:
        """Fits the normal textures on the first `_TILES_LEARNED` of the offered tiles (offered in random order)."""
        from threadpoolctl import threadpool_limits  # scikit-learn's own dependency; slow to import

        count = min(tiles, _TILES_LEARNED)
        samples: list[list[Array]] = [[] for _ in SCALES]
        for index in range(count):
            if cancel is not None:
                cancel.check()
            pixels, gaps = _without_gaps(read(index))
            if gaps is None or gaps.mean() < _MOSTLY:
                for kept, cells in zip(samples, _features(pixels), strict=True):
                    kept.append(cells)
            progress(Step(index + 1, count, "Learning what is normal here"))
        # Products this small are computed in less time than several threads wait for each other.
        with threadpool_limits(1):
            self._scales = [fit_normal(kept, CELL_PX * scale) for kept, scale in zip(samples, SCALES, strict=True)]
        return self._state()

    def restore(self, state: Mapping[str, Array]) -> None:
        self._scales = [_normal_from(state, index) for index in range(len(SCALES))]

    def map_tile(self, pixels: Array) -> Array:
        pixels, gaps = _without_gaps(pixels)
        rows, columns = pixels.shape[0] // CELL_PX, pixels.shape[1] // CELL_PX
        unwanted = _UNWANTED_PX if min(pixels.shape[:2]) > 2 * self.spec.halo_px else _NO_BORDER
        found = [
            _compared(known, cells) for known, cells in zip(self._scales, _features(pixels, unwanted), strict=True)
        ]
        border = unwanted[0] // CELL_PX
        rarity = np.pad(at_finest(*zip(*found, strict=True)), border)[:rows, :columns]
        if gaps is not None:
            rarity[cv2.resize(gaps.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) >= _MOSTLY] = 0
        return _compressed(rarity)[None]

    def scores(self, maps: Array) -> Array:
        """Gaps of up to 2 · `_JOIN_CELLS` cells between unusual ones are closed: a cluster is one finding."""
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _JOIN_CELLS + 1, 2 * _JOIN_CELLS + 1))
        return np.stack([cv2.morphologyEx(plane, cv2.MORPH_CLOSE, disc) for plane in np.nan_to_num(maps)])

    @property
    def mark_levels(self) -> MarkLevels:
        """What is rare beside something far rarer is part of it, or has it in sight."""
        return MarkLevels(surely=_RARE, spills=True)

    def explain(self, pixels: Array, label: str) -> Array | None:
        """How rare each place of the crop is, as a share of the rarest in it (at least of the threshold)."""
        height, width = pixels.shape[:2]
        padded = cv2.copyMakeBorder(pixels, 0, -height % CELL_PX, 0, -width % CELL_PX, cv2.BORDER_REFLECT)
        rarity = self.map_tile(padded)[0]
        heat = _spread(rarity / max(float(rarity.max()), self.spec.threshold), CELL_PX)
        return np.ascontiguousarray(heat[:height, :width])

    def evidence(self, pixels: Array, label: str) -> tuple[Evidence, ...]:
        """At each scale of textures how rare each place is: black where it is common, white from twice the threshold on."""
        filled_in, _ = _without_gaps(pixels)
        height, width = pixels.shape[:2]
        shown = []
        for scale, known, cells in zip(SCALES, self._scales, _features(filled_in), strict=True):
            if known is None:
                continue
            rarity = _spread(_compressed(known.rarity_and_excess(cells)[0]), scale * CELL_PX)[:height, :width]
            grey = np.rint(np.clip(rarity * (127.5 / self.spec.threshold), 0, 255)).astype(np.uint8)
            shown.append(Evidence(f"Textures of {scale * CELL_PX} px", np.repeat(grey[..., None], 3, axis=2)))
        return tuple(shown)

    def _state(self) -> dict[str, Array]:
        return {
            f"{name}_{index}": value
            for index, normal in enumerate(self._scales)
            if normal is not None
            for name, value in normal.to_state().items()
        }


def _without_gaps(pixels: Array) -> tuple[Array, Array | None]:
    gaps = find_gaps(pixels)
    return (pixels, None) if gaps is None else (filled(pixels, gaps), gaps)


def _features(pixels: Array, unwanted_px: Sequence[int] = _NO_BORDER) -> list[Array]:
    """Of a tile of any size: mirrored to whole cells of the coarsest scale."""
    height, width = pixels.shape[:2]
    if height % _BLOCK_PX or width % _BLOCK_PX:
        border = (0, -height % _BLOCK_PX, 0, -width % _BLOCK_PX)
        pixels = cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REFLECT)
    return texture_features(pixels, unwanted_px)


def _compared(known: Normal | None, cells: Array) -> tuple[Array, Array]:
    """Rarity and excess; none where it is not known what is normal."""
    if known is None:
        return (np.zeros(cells.shape[:2], np.float32),) * 2
    return known.rarity_and_excess(cells)


def _normal_from(state: Mapping[str, Array], index: int) -> Normal | None:
    ending = f"_{index}"
    own = {name.removesuffix(ending): value for name, value in state.items() if name.endswith(ending)}
    return Normal.from_state(own) if own else None


def _compressed(rarity: Array) -> Array:
    """Unchanged up to `_LINEAR_UP_TO`, logarithmic beyond: how much rarer than rare something is counts little."""
    return np.minimum(rarity, _LINEAR_UP_TO) + np.log(np.maximum(rarity / _LINEAR_UP_TO, 1))


def _spread(cells: Array, factor: int) -> Array:
    """Each cell interpolated to factor × factor finer ones."""
    if factor == 1:
        return cells
    size = (cells.shape[1] * factor, cells.shape[0] * factor)
    return cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)


SPEC = ModelFamily(id="texture", load=lambda spec, device: TextureModel(spec), bundled=lambda: (SPEC_TEXTURE,))
