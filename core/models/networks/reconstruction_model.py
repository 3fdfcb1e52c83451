"""Decides how a section is scanned by drawing its windows again: cut, drawn, compared, and put together.

Each window is a function of its own px alone: shrunk to the network's input, its edges found, drawn and compared by itself.
`core.models.window_blending` says where windows lie, `core.models.reconstruction` what counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch

from core.devices import choose_device
from core.errors import InputError
from core.models.base import Evidence, ModelSpec
from core.models.card import CARD_NAME
from core.models.networks.cgan import EdgeToImage
from core.models.networks.feature_comparison import FeatureComparison
from core.models.networks.folding import folded
from core.models.networks.reconstructors import (
    Reconstructor,
    as_seen,
    build,
    compared,
    features_of,
    residuals,
    together,
)
from core.models.networks.window_classifier import put_weights
from core.models.normal import ModelOfNormal
from core.models.reconstruction import BATCH, CELLS, CHANNELS, FEATURES, scoring_of
from core.models.window_blending import blended, window_starts

Array = np.ndarray

# A residual this far off, in grey levels, is as red as it gets: the same on every section.
_WHOLLY_OFF = 128.0
_DRAWN, _RESIDUAL, _EDGES = slice(0, 3), 3, 4


def load(spec: ModelSpec, device: str = "auto") -> ReconstructionModel:
    """The model of a folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a reconstruction model lives in a model folder")
    try:
        network = build(spec.card["network"])
        features = features_of(spec.card["network"])
        _check_scan(spec)
    except ValueError as error:
        raise InputError(str(error), path=spec.path / CARD_NAME, remedy="Train it again.") from None
    put_weights(together(network, features), spec)
    return ReconstructionModel(spec, network, choose_device(device), features)


def _check_scan(spec: ModelSpec) -> None:
    """Raises ValueError where windows are no whole number of cells, or of the network's px."""
    network = spec.card["network"]
    if spec.window_px != CELLS * spec.stride_px or spec.window_px % network["input_px"]:
        raise ValueError("its windows don't fit its network")
    if spec.map_channels != len(CHANNELS) - (FEATURES not in network):
        raise ValueError("its map doesn't hold what it compares")


class ReconstructionModel(ModelOfNormal):
    """Maps are as `core.models.reconstruction` says: (3 or 4, rows, columns), NaN within the halo, whose windows aren't all
    there.

    Args:
        spec: configured.
        network: a copy of it computes; features: compares, too.
    """

    device: torch.device

    def __init__(
        self,
        spec: ModelSpec,
        network: Reconstructor,
        device: torch.device,
        features: FeatureComparison | None = None,
    ) -> None:
        self.spec, self.device = spec, device
        self._features = features.to(device) if features is not None else None
        self._network = folded(network).to(device).to(memory_format=torch.channels_last)
        self._side = int(spec.card["network"]["input_px"])
        self._stride = spec.halo_px // spec.stride_px  # cells
        self._batch = int(spec.values[BATCH.name])
        self._scoring = scoring_of(spec)

    def prepare(self, pixels: Array) -> Array:
        return self.matched(pixels)

    def submit(self, prepared: Sequence[Array]) -> list[tuple[torch.Tensor, tuple[int, int]]]:
        """For each tile what its windows say, on the device, and its shape in px."""
        return [(torch.cat(list(self._said(pixels))), pixels.shape[:2]) for pixels in prepared]

    def collect(self, pending: Sequence[tuple[torch.Tensor, tuple[int, int]]]) -> list[Array]:
        return [self._map(said.cpu().numpy(), shape) for said, shape in pending]

    def map_tile(self, pixels: Array) -> Array:
        return self.collect(self.submit([self.prepare(pixels)]))[0]

    def scores(self, maps: Array) -> Array:
        return self._scoring.scores(maps)

    def explain(self, pixels: Array, label: str) -> Array:
        """How far each px is off what was drawn: the root of the squared residual, 1 where it is 128 grey levels or more."""
        return np.sqrt(self._pictures(self.matched(pixels))[_RESIDUAL])

    def evidence(self, pixels: Array, label: str) -> tuple[Evidence, ...]:
        """The input, its edges where the network sees nothing else, what was drawn, and the squared residual."""
        shown = self.matched(pixels)
        found = np.rint(255 * self._pictures(shown)).astype(np.uint8)
        heat = cv2.applyColorMap(found[_RESIDUAL], cv2.COLORMAP_TURBO)
        pictures = {"Input": shown, "Edge map": np.repeat(found[_EDGES][..., None], 3, axis=2)}
        pictures |= {"Drawn again": np.moveaxis(found[_DRAWN], 0, -1), "Residual": heat[..., ::-1]}
        if not isinstance(self._network, EdgeToImage):
            del pictures["Edge map"]
        return tuple(Evidence(title, np.ascontiguousarray(picture)) for title, picture in pictures.items())

    # -- windows ---------------------------------------------------------------------------------------------------------

    def _said(self, pixels: Array) -> Iterator[torch.Tensor]:
        with torch.inference_mode():
            for windows in self._cut(pixels, *self._starts(pixels.shape[:2])):
                yield self._cells(windows)

    def _cut(self, pixels: Array, rows: Array, columns: Array) -> Iterator[Array]:
        """Windows that begin at these px, in batches, rows first; what reaches beyond the picture is mirrored."""
        side = self.spec.window_px
        lacking = [
            max(0, int(at[-1]) + side - length) for at, length in zip((rows, columns), pixels.shape, strict=False)
        ]
        if any(lacking):
            pixels = cv2.copyMakeBorder(pixels, 0, lacking[0], 0, lacking[1], cv2.BORDER_REFLECT)
        corners = [(y, x) for y in rows for x in columns]
        for at in range(0, len(corners), self._batch):
            yield np.stack([pixels[y : y + side, x : x + side] for y, x in corners[at : at + self._batch]])

    def _starts(self, shape: tuple[int, int]) -> tuple[Array, Array]:
        """In px."""
        rows, columns = (window_starts(length, self.spec.halo_px) for length in shape)
        return rows, columns

    def _seen(self, windows: Array) -> torch.Tensor:
        """(n, window_px, window_px, 3) uint8 → (n, 3, side, side) float32 of -1 to 1 on the device."""
        values = torch.from_numpy(np.ascontiguousarray(windows)).to(self.device, non_blocking=True)
        return as_seen(values, self._side).contiguous(memory_format=torch.channels_last)

    def _cells(self, windows: Array) -> torch.Tensor:
        seen = self._seen(windows)
        return compared(seen, self._network(seen), self._features)

    def _map(self, said: Array, shape: tuple[int, int]) -> Array:
        rows, columns = self._starts(shape)
        whole = blended(said.reshape(len(rows), len(columns), *said.shape[1:]), self._stride)
        found = np.full((len(whole), *(length // self.spec.stride_px for length in shape)), np.nan, np.float32)
        edge = self._stride
        inner = tuple(slice(edge, max(edge, length - edge)) for length in found.shape[1:])
        found[:, inner[0], inner[1]] = whole[:, inner[0], inner[1]]
        return found

    def _pictures(self, pixels: Array) -> Array:
        """(5, h, w) float32 of 0 to 1 on a crop (h, w, 3) uint8: what was drawn, the squared residual (a whole one is
        128² grey levels²), edges. Where the crop has a stride of surroundings, inside them as in the scan."""
        stride, (height, width) = self.spec.halo_px, pixels.shape[:2]
        rows, columns = (np.arange(0, max(1, n + stride - self.spec.window_px), stride) for n in (height, width))
        with torch.inference_mode():
            said = torch.cat([self._pictured(windows).cpu() for windows in self._cut(pixels, rows, columns)]).numpy()
        fine = self._side // CELLS * self._stride
        grid = said.reshape(len(rows), len(columns), *said.shape[1:])
        weights = blended(np.ones_like(grid[:, :, :1]), fine)
        whole = np.moveaxis(blended(grid, fine) / weights, 0, -1)
        factor = self.spec.window_px // self._side
        size = whole.shape[1] * factor, whole.shape[0] * factor
        found = cv2.resize(whole, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
        return np.moveaxis(np.clip(found, 0, 1), -1, 0)

    def _pictured(self, windows: Array) -> torch.Tensor:
        """(n, 5, side, side), as `_pictures`."""
        seen = self._seen(windows)
        drawn, edges = self._network(seen), torch.zeros_like(seen[:, :1])
        if isinstance(self._network, EdgeToImage):
            edges = self._network.edges(seen)
        off = (residuals(seen, drawn) / _WHOLLY_OFF**2).clamp(max=1)
        return torch.cat([(drawn + 1) / 2, off, edges], 1)
