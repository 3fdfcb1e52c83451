"""Decides how a feature memory scans a section and shows what it compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch

from core.anomaly.calibration import Calibration
from core.devices import choose_device
from core.errors import InputError
from core.mark_levels import MarkLevels
from core.models.base import Evidence, ModelSpec
from core.models.card import CARD_NAME
from core.models.memory import CELL_PX, EXAMPLE_PX, Sizes
from core.models.networks.backbones import build
from core.models.networks.folding import folded
from core.models.networks.memory_bank import nearest
from core.models.networks.memory_features import LocalFeatures
from core.models.networks.resnet_cells import normalise
from core.models.networks.window_classifier import normalisation_of
from core.models.networks.window_classifier import tensors_of as weights_of
from core.models.normal import ModelOfNormal
from core.models.weights import load_weights

Array = np.ndarray

_SHOWN = 3
_SIZES = "memory"


class Places:
    """What a frozen network says of the places of a picture. `mean`, `deviation`: see `normalise`."""

    def __init__(
        self, features: LocalFeatures, mean: float | torch.Tensor, deviation: float | torch.Tensor, device: torch.device
    ) -> None:
        self._network = folded(features).to(device).to(memory_format=torch.channels_last)
        self._mean, self._deviation = (v.to(device) if isinstance(v, torch.Tensor) else v for v in (mean, deviation))
        self._grid_px, self.device = features.taps.coarse_px, device

    @torch.inference_mode()
    def of(self, pixels: Array) -> torch.Tensor:
        """(h, w, 3) uint8, h and w multiples of 8 → (h / 8, w / 8, features) float32 on the device."""
        height, width = pixels.shape[:2]
        below, right = -height % self._grid_px, -width % self._grid_px
        if below or right:
            pixels = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT)
        shown = torch.from_numpy(np.ascontiguousarray(pixels))[None].to(self.device)
        images = normalise(shown, self._mean, self._deviation).contiguous(memory_format=torch.channels_last)
        return self._network(images)[0, :, : height // CELL_PX, : width // CELL_PX].permute(1, 2, 0).float()


def load(spec: ModelSpec, device: str = "auto") -> MemoryModel:
    """The memory of a folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a feature memory lives in a model folder")
    try:
        features = LocalFeatures(build({k: v for k, v in spec.card["network"].items() if k != _SIZES}, 1))
        sizes = Sizes.from_card(spec.card["network"].get(_SIZES))
        limit = Calibration.from_json(spec.card["calibration"]).limit
        _check(spec, features, sizes)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"this is no feature memory ({error})", path=spec.path / CARD_NAME, remedy="Train it again."
        ) from None
    own = {name: values.shape for name, values in weights_of(features).items()}
    tensors = load_weights(spec.path, spec.card, {**own, **sizes.shapes()})
    features.load_state_dict({name: torch.from_numpy(tensors[name]) for name in own}, strict=False)
    if not ((tensors["memory.origin"] >= 0) & (tensors["memory.origin"] < sizes.examples)).all():
        raise InputError("its examples don't fit what it remembers", path=spec.path, remedy="Train it again.")
    places = Places(features, *normalisation_of(spec), choose_device(device))
    return MemoryModel(spec, places, {name: tensors[name] for name in sizes.shapes()}, limit)


def network_fields(network: Mapping[str, object], sizes: Sizes) -> dict[str, object]:
    """The `network` part of a card."""
    return {**network, _SIZES: vars(sizes)}


def tensors_of(features: LocalFeatures, memory: Mapping[str, Array]) -> dict[str, Array]:
    """What `load` takes back."""
    return {**weights_of(features), **memory}


def _check(spec: ModelSpec, features: LocalFeatures, sizes: Sizes) -> None:
    """Raises ValueError when what the card promises is not what the network does."""
    promised = spec.stride_px, spec.map_channels, spec.halo_px >= features.halo_px, sizes.features
    if promised != (CELL_PX, 1, True, features.channels):
        raise ValueError("its cells, halo or features are not the network's")
    grid = features.taps.coarse_px
    if spec.halo_px % grid or spec.tile_px % grid:
        raise ValueError(f"its tiles are no multiple of {grid} px")


class MemoryModel(ModelOfNormal):
    """Maps are distances to the most similar member, (1, rows, columns)."""

    device: torch.device

    def __init__(self, spec: ModelSpec, places: Places, memory: Mapping[str, Array], limit: float) -> None:
        self.spec, self.device, self._places, self._limit = spec, places.device, places, limit
        on_device = {name.partition(".")[2]: torch.from_numpy(v).to(self.device) for name, v in memory.items()}
        self._mean, self._projection = on_device["mean"], on_device["projection"]
        self._members = on_device["members"]
        self._origin = memory["memory.origin"].astype(np.intp)
        self._examples = np.rint(memory["memory.examples"]).clip(0, 255).astype(np.uint8)

    @property
    def mark_levels(self) -> MarkLevels:
        """What its network sees around a place counts for the place, too."""
        return replace(super().mark_levels, spills=True)

    def prepare(self, pixels: Array) -> Array:
        return self.matched(pixels)

    def submit(self, prepared: Sequence[Array]) -> list[Array]:
        return [self._compared(self._components(pixels))[None] for pixels in prepared]

    def map_tile(self, pixels: Array) -> Array:
        return self.submit([self.prepare(pixels)])[0]

    def scores(self, maps: Array) -> Array:
        return maps / np.float32(self._limit)

    def explain(self, pixels: Array, label: str) -> Array:
        """The scores of the crop's places, the same scale on every section: 1 where one is twice the limit or more."""
        height, width = pixels.shape[:2]
        cells = np.clip(self.scores(self.map_tile(_whole(pixels)))[0] / 2, 0, 1)
        size = cells.shape[1] * CELL_PX, cells.shape[0] * CELL_PX
        return np.ascontiguousarray(cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[:height, :width])

    def evidence(self, pixels: Array, label: str) -> tuple[Evidence, ...]:
        """The crop's most unusual place, and the most similar normal examples, as large."""
        whole = _whole(self.matched(pixels))
        found = self._components(whole)
        distances = self._compared(found)
        # Where the crop has surroundings they only help to see what is inside them.
        edge = self.spec.halo_px // CELL_PX if min(distances.shape) * CELL_PX > 2 * self.spec.halo_px else 0
        inner = distances[edge : len(distances) - edge, edge : distances.shape[1] - edge]
        row, column = (int(at) + edge for at in np.unravel_index(inner.argmax(), inner.shape))
        shown = [(f"Most unusual: {distances[row, column] / self._limit:.2f}", example_at(whole, row, column))]
        for number, (origin, away) in enumerate(self._similar(found[row, column]), 1):
            shown.append((f"Normal {number}: {away / self._limit:.2f} away", self._examples[origin]))
        return tuple(Evidence(title, picture) for title, picture in shown)

    def _similar(self, found: torch.Tensor) -> list[tuple[int, float]]:
        """Examples most like a place, each once, with their distance."""
        apart = (self._members - found).norm(dim=1).cpu().numpy()
        order = np.argsort(apart, kind="stable")
        _, first = np.unique(self._origin[order], return_index=True)
        return [(int(self._origin[order[at]]), float(apart[order[at]])) for at in np.sort(first)[:_SHOWN]]

    def _components(self, pixels: Array) -> torch.Tensor:
        """(rows, columns, components) of a crop of whole cells."""
        with torch.inference_mode():
            return (self._places.of(pixels) - self._mean) @ self._projection

    def _compared(self, found: torch.Tensor) -> Array:
        """(rows, columns) float32: how far the most similar member is from each cell."""
        with torch.inference_mode():
            distances, _ = nearest(found.flatten(0, 1), self._members)
        return distances.reshape(found.shape[:2]).cpu().numpy()


def example_at(pixels: Array, row: int, column: int) -> Array:
    """(`EXAMPLE_PX`, `EXAMPLE_PX`, 3) around the middle of a cell, mirrored beyond the picture's edge."""
    half = EXAMPLE_PX // 2
    framed = cv2.copyMakeBorder(pixels, half, half, half, half, cv2.BORDER_REFLECT_101)
    y, x = row * CELL_PX + CELL_PX // 2, column * CELL_PX + CELL_PX // 2
    return np.ascontiguousarray(framed[y : y + EXAMPLE_PX, x : x + EXAMPLE_PX])


def _whole(pixels: Array) -> Array:
    """Mirrored to whole cells."""
    border = (0, -pixels.shape[0] % CELL_PX, 0, -pixels.shape[1] % CELL_PX)
    return cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REFLECT) if any(border) else pixels
