"""Decides what a window of a section is: one network pass over a tile answers for every window in it.

A window is `window_px` wide; the class probabilities of a window are the softmax of the mean, over its cells, of the
network's logits. The network looks `halo_px` beyond each cell, so a window is judged with its surroundings, and the
dense map equals cutting every window out one by one.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from core.devices import choose_device
from core.errors import InputError, ResourceError
from core.models.base import Model, ModelSpec
from core.models.card import CARD_NAME
from core.models.networks.resnet_cells import ResNetCells, build, normalise
from core.models.weights import load_weights

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
    return WindowClassifier(spec, network, choose_device(device))


def put_weights(network: ResNetCells, spec: ModelSpec) -> None:
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


def check_scan(spec: ModelSpec, network: ResNetCells) -> None:
    """Raises ValueError when what the card promises to the scan is not what the network does."""
    promised = (spec.stride_px, spec.map_channels, spec.halo_px >= network.reach_px)
    if promised != (8, len(spec.labels) + 1, True):
        raise ValueError("the card's stride, halo or channels are not the network's")
    if spec.window_px != spec.stride_px * (2 * spec.context_cells + 1):
        raise ValueError("window_px is not an odd number of cells, or context_cells not its half")


class WindowClassifier(Model):
    """Maps are logits per cell, (1 + labels, rows, columns), "no defect" first."""

    device: torch.device

    def __init__(self, spec: ModelSpec, network: ResNetCells, device: torch.device) -> None:
        self.spec = spec
        self.device = device
        self._network = network.to(device).to(memory_format=torch.channels_last).eval()
        self._mean, self._deviation = _normalisation(spec)

    def map_tile(self, pixels: Array) -> Array:
        try:
            with torch.inference_mode():
                return self._network(self._input(pixels))[0].float().cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise ResourceError(
                f"{self.device} has too little free memory for {self.spec.id}",
                remedy="Close what else uses it, or scan with --device cpu; what was scanned is kept.",
            ) from error

    def scores(self, maps: Array) -> Array:
        """Probability of each label for the window around each cell; NaN where the map is."""
        return window_probabilities(maps, self.spec.context_cells)[1:]

    def explain(self, pixels: Array, label: str) -> Array:
        """Grad-CAM (Selvaraju et al. 2017, eq. 1 and 2) of how much more `label` than "no defect" a place looks.

        With a 1×1 convolution before the mean, the gradient of the mean logit is the same everywhere, and the weighted
        sum of the features is the exact class activation map (Zhou et al. 2016, eq. 2). What is explained is the
        difference of two logits, since the softmax knows only differences. Negative parts are cut, the highest is 1.
        """
        h, w = pixels.shape[:2]
        stride = self.spec.stride_px
        padded = np.pad(pixels, ((0, -h % stride), (0, -w % stride), (0, 0)), mode="symmetric")
        with torch.inference_mode():
            features = self._network.features(self._input(padded))[0]
            weights = self._network.head.weight[:, :, 0, 0]
            weight = weights[1 + self.spec.labels.index(label)] - weights[0]
            cells = torch.einsum("c,chw->hw", weight, features).clamp(min=0).float().cpu().numpy()
        heat = cv2.resize(cells, padded.shape[1::-1], interpolation=cv2.INTER_LINEAR)[:h, :w]
        return heat / max(float(heat.max()), 1e-6)

    def _input(self, pixels: Array) -> torch.Tensor:
        batch = torch.from_numpy(np.ascontiguousarray(pixels))[None].to(self.device)
        return normalise(batch, self._mean, self._deviation).contiguous(memory_format=torch.channels_last)


def window_probabilities(maps: Array, context_cells: int) -> Array:
    """Softmax over channels of the mean logits of the square window around each cell.

    Args:
        maps: (channels, rows, columns) float32; NaN where nothing was scanned (such cells count in no window).
        context_cells: cells on each side of the middle one.
    Returns:
        The same shape, float32; NaN where `maps` is.
    """
    known = np.isfinite(maps).all(0)
    filled = np.where(known, maps, 0).astype(np.float32)
    side = (2 * context_cells + 1,) * 2
    share = cv2.blur(known.astype(np.float32), side, borderType=cv2.BORDER_CONSTANT)
    means = [cv2.blur(plane, side, borderType=cv2.BORDER_CONSTANT) for plane in filled]
    logits = np.stack(means) / np.maximum(share, 1e-6)
    exponentials = np.exp(logits - logits.max(0))
    probabilities = exponentials / exponentials.sum(0)
    probabilities[:, ~known] = np.nan
    return probabilities


def _normalisation(spec: ModelSpec) -> tuple[float, float]:
    values = spec.card["input"]
    mean, deviation = values.get("mean"), values.get("deviation")
    if not all(isinstance(v, int | float) and 1e-3 <= v <= 1 for v in (mean, deviation)):
        path = spec.path / CARD_NAME if spec.path else None
        raise InputError("input.mean and input.deviation must be 0.001 to 1", path=path, remedy="Train it again.")
    return float(mean), float(deviation)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
