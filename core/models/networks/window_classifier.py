"""Decides what a window of a section is: one network pass over a tile answers for every window in it.

A window is `window_px` wide; the class probabilities of a window are the softmax of the mean, over its cells, of the
network's logits. The network looks `halo_px` beyond each cell, so a window is judged with its surroundings, and the
dense map equals cutting every window out one by one. `core.models.window_scores` says which window a cell shows,
`core.models.classifier` which ways there are to run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch

from core.devices import choose_device
from core.errors import InputError
from core.models.base import Model, ModelSpec
from core.models.card import CARD_NAME
from core.models.classifier import DENSE
from core.models.networks.backbones import build
from core.models.networks.computing import DenseComputing, Network, Pending
from core.models.weights import load_weights
from core.models.window_scores import window_probabilities

Array = np.ndarray


def load(spec: ModelSpec, device: str = "auto") -> WindowClassifier:
    """The classifier of a model folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a window classifier lives in a model folder")
    try:
        network = build(spec.card["network"], len(spec.labels) + 1)
        check_scan(spec, network)
    except ValueError as error:
        raise InputError(
            str(error), path=spec.path / CARD_NAME, remedy="Get the model folder again from whoever trained it."
        ) from None
    put_weights(network, spec)
    if spec.values.get("mode", DENSE) == DENSE:
        return WindowClassifier(spec, network, choose_device(device))
    from core.models.networks.exact_windows import ExactWindows

    return ExactWindows(spec, network, choose_device(device))


def put_weights(network: torch.nn.Module, spec: ModelSpec) -> None:
    """Fills a network with a model folder's weights. Raises InputError for weights that can't be used."""
    if spec.path is None:
        raise ValueError("a window classifier lives in a model folder")
    expected = {name: tuple(t.shape) for name, t in network.state_dict().items() if not _is_counter(name)}
    tensors = load_weights(spec.path, spec.card, expected)
    network.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()}, strict=False)


def tensors_of(network: torch.nn.Module) -> dict[str, Array]:
    """What is saved of a network: its weights and batch statistics, not the counters that only training needs."""
    state = network.state_dict().items()
    return {name: values.detach().cpu().numpy() for name, values in state if not _is_counter(name)}


def check_scan(spec: ModelSpec, network: Network) -> None:
    """Raises ValueError when what the card promises to the scan is not what the network does."""
    scan, stride = spec.card["scan"], network.stride_px
    promised = (scan["stride_px"], scan["map_channels"], scan["halo_px"] >= network.reach_px)
    if promised != (stride, len(spec.labels) + 1, True):
        raise ValueError("the card's stride, halo or channels are not the network's")
    if scan["window_px"] % stride or scan["context_cells"] != scan["window_px"] // stride // 2:
        raise ValueError("window_px is not a whole number of cells, or context_cells not its half")


class WindowClassifier(Model):
    """Maps are logits per cell, (1 + labels, rows, columns), "no defect" first.

    What scans is a copy of `network`; explanations are computed by `network` itself, so leave its weights as they are.
    """

    device: torch.device

    def __init__(self, spec: ModelSpec, network: Network, device: torch.device) -> None:
        self.spec = spec
        self.device = device
        self._network = network
        self._computing = DenseComputing(network, device, *normalisation_of(spec), spec.id)

    def prepare(self, pixels: Array) -> torch.Tensor:
        return self._computing.prepare(pixels)

    def submit(self, prepared: Sequence[torch.Tensor]) -> list[Pending]:
        return [self._computing.submit(one) for one in prepared]

    def collect(self, pending: Sequence[Pending]) -> list[Array]:
        return [one.wait()[0] for one in pending]

    def map_tile(self, pixels: Array) -> Array:
        return self.collect(self.submit([self.prepare(pixels)]))[0]

    def scores(self, maps: Array) -> Array:
        """Probability of each label for the window that each cell shows; NaN where the map is.

        `maps` begins where a tile of the scan's grid begins, so that steps of more than one cell fall in place.
        """
        cell = self.spec.stride_px
        step = self.spec.values.get("stride_px", cell) // cell
        return window_probabilities(maps, self.spec.window_px // cell, step)[1:]

    def activations(self, maps: Array) -> Array:
        """Class activation maps of a whole region from its logits: (len(labels), rows, columns) float32, 0 and more.

        With a 1×1 convolution before the mean, the gradient of the mean logit is the same everywhere, and the weighted
        sum of the features is the exact class activation map (Zhou et al. 2016, eq. 2) and, but for its scale, Grad-CAM
        (Selvaraju et al. 2017, eq. 1 and 2). That sum is the logit without its bias. What is explained is by how much a
        label's logit exceeds that of "no defect", since the softmax knows only differences; negative parts are cut.
        """
        return self._above_nothing(maps)

    def _above_nothing(self, maps: Array) -> Array:
        above = self._computing.bias
        differences = maps[1:] - maps[:1] - (above[1:] - above[0])[:, None, None]
        return np.maximum(differences, 0, dtype=np.float32)

    @cached_property
    def _exact(self) -> DenseComputing:
        """Shortcuts and short floats change a map by little, but what speaks for a class may be as little."""
        return DenseComputing(self._network, self.device, *normalisation_of(self.spec), self.spec.id, exact=True)

    def explain(self, pixels: Array, label: str) -> Array:
        """Grad-CAM of how much more `label` than "no defect" a place looks (see `activations`); the highest is 1."""
        h, w = pixels.shape[:2]
        stride = self._computing.stride_px
        padded = np.pad(pixels, ((0, -h % stride), (0, -w % stride), (0, 0)), mode="symmetric")
        maps = self._exact.submit(self._exact.prepare(padded)).wait()[0]
        cells = self._above_nothing(maps)[self.spec.labels.index(label)]
        heat = cv2.resize(cells, padded.shape[1::-1], interpolation=cv2.INTER_LINEAR)[:h, :w]
        return heat / max(float(heat.max()), 1e-6)


def normalisation_of(spec: ModelSpec) -> tuple[Any, Any]:
    """Mean and deviation of the card: one number for all channels, or one for each."""
    values = spec.card["input"]
    found = [values.get("mean"), values.get("deviation")]
    if all(_is_share(v) for v in found):
        return float(found[0]), float(found[1])
    if all(isinstance(v, list) and len(v) == 3 and all(_is_share(one) for one in v) for v in found):
        return torch.tensor(found[0])[:, None, None], torch.tensor(found[1])[:, None, None]
    path = spec.path / CARD_NAME if spec.path else None
    raise InputError("input.mean and input.deviation must be 0.001 to 1", path=path, remedy="Train it again.")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1e-3 <= value <= 1


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
