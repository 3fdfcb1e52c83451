"""Decides how a detector runs on tiles: what is computed at once, in which number format, and what a box is worth.

On CUDA equal tiles are computed together, the feature maps in 16-bit "brain" floats; boxes and scores stay 32-bit, since
16 bits could not tell neighbouring px of a tile apart. On processors tiles go one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from core.devices import choose_device, probe_batch
from core.errors import InputError
from core.models.base import Model, ModelSpec
from core.models.card import CARD_NAME
from core.models.networks.detectors import Detector, Limits, build
from core.models.networks.folding import folded
from core.models.networks.window_classifier import put_weights

Array = np.ndarray
Found = Mapping[str, torch.Tensor]

_CUDA_TILES = 8
_GRID_PX = 32  # what the coarsest map of most networks needs


def load(spec: ModelSpec, device: str = "auto") -> BoxDetector:
    """The detector of a model folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a detector lives in a model folder")
    try:
        if spec.output != "boxes":
            raise ValueError('scan.output of a detector must be "boxes"')
        network: Any = build(spec.card["network"], len(spec.labels), limits_of(spec))
    except ValueError as error:
        raise InputError(
            str(error), path=spec.path / CARD_NAME, remedy="Get the model folder again from whoever trained it."
        ) from None
    put_weights(network, spec)
    return BoxDetector(spec, network, choose_device(device))


def limits_of(spec: ModelSpec) -> Limits:
    values = spec.values
    known = {name: values[name] for name in ("nms_iou", "per_tile", "proposals") if name in values}
    return Limits(floor=spec.score_floor, **known)


class BoxDetector(Model):
    """`network` is copied: changing its weights afterwards changes nothing here."""

    device: torch.device

    def __init__(self, spec: ModelSpec, network: Detector, device: torch.device) -> None:
        self.spec, self.device = spec, device
        self._network: Any = folded(network).requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        if device.type == "cuda":
            _halve(self._network)
        self._scale, self._shift = (values.to(device) for values in normalisation(spec))
        self._zoom = _zoom(spec)
        self.batch_tiles = self._largest_batch() if device.type == "cuda" else 1

    def _largest_batch(self) -> int:
        """How many tiles the device computes at once, found by trying; 1 where not even one fits, which a scan tells."""
        side = self.spec.tile_px + 2 * self.spec.halo_px
        empty = np.zeros((side, side, 3), np.uint8)
        return max(1, probe_batch(lambda count: self.submit([self.prepare(empty)] * count), _CUDA_TILES))

    def prepare(self, pixels: Array) -> torch.Tensor:
        """(1, 3, h, w) uint8, channels last."""
        tile = torch.from_numpy(np.ascontiguousarray(pixels))[None].permute(0, 3, 1, 2)
        return tile.pin_memory() if self.device.type == "cuda" else tile

    def submit(self, prepared: Sequence[torch.Tensor]) -> list[Array]:
        """Tiles of equal size are computed together where the device can."""
        together: dict[Any, list[int]] = defaultdict(list)
        for index, tile in enumerate(prepared):
            together[index if self.device.type == "cpu" else tile.shape].append(index)
        found: dict[int, Array] = {}
        with torch.inference_mode():
            for indices in together.values():
                images = self._images([prepared[i] for i in indices])
                found.update(zip(indices, (self._rows(one) for one in self._network(images)), strict=True))
        return [found[index] for index in range(len(prepared))]

    def find_boxes(self, pixels: Array) -> Array:
        return self.collect(self.submit([self.prepare(pixels)]))[0]

    def explain(self, pixels: Array, label: str) -> Array | None:
        """What made the surest box of `label` sure: HiResCAM (Draelos and Carin 2020, eq. 4) on every feature map.

        Activations times the gradient of the box's score, summed over channels and maps. Grad-CAM would average the
        gradient over the whole map first, and so lose that a box looks at one place. The box over the crop's middle
        counts, else the surest anywhere; None where none of this label is found.
        """
        height, width = pixels.shape[:2]
        fill = ((0, -height % _GRID_PX), (0, -width % _GRID_PX), (0, 0))
        images = self._images([self.prepare(np.pad(pixels, fill, mode="symmetric"))]).requires_grad_()
        with torch.enable_grad(), _watched(self._network.backbone) as maps:
            found = self._network(images)[0]
            best = self._best(found, label, (width, height))
            if best is None:
                return None
            gradients = torch.autograd.grad(found["scores"][best], maps, allow_unused=True)
        size = (width + fill[1][1], height + fill[0][1])
        heat = sum(_heat(m, g, size) for m, g in zip(maps, gradients, strict=True) if g is not None)
        heat = np.asarray(heat, np.float32)[:height, :width]
        return heat / heat.max() if heat.any() else None

    def _images(self, tiles: Sequence[torch.Tensor]) -> torch.Tensor:
        """Normalised, zoomed, channels last: (n, 3, h, w) float32 on the device."""
        batch = tiles[0] if len(tiles) == 1 else torch.cat(list(tiles))
        images = batch.to(self.device, non_blocking=True).float().mul_(self._scale).sub_(self._shift)
        if self._zoom != 1:
            images = nn.functional.interpolate(images, scale_factor=self._zoom, mode="bilinear", antialias=True)
        return images.contiguous(memory_format=torch.channels_last)

    def _rows(self, found: Found) -> Array:
        """As `find_boxes` gives them; the network's label 0 is the background. What lies beyond the tile is dropped."""
        boxes = found["boxes"].float() / self._zoom
        labels, scores = (found[name].float()[:, None] for name in ("labels", "scores"))
        seen = (boxes[:, 2:] - boxes[:, :2] > 0).all(1)
        return torch.cat([boxes, scores, labels - 1], 1)[seen].cpu().numpy()

    def _best(self, found: Found, label: str, size: tuple[int, int]) -> int | None:
        """Index of the surest box of a label; of those over the middle if there are any."""
        boxes = found["boxes"] / self._zoom
        middle = boxes.new_tensor(size) / 2
        own = found["labels"] == 1 + self.spec.labels.index(label)
        over = own & (boxes[:, :2] <= middle).all(1) & (boxes[:, 2:] >= middle).all(1)
        chosen = torch.nonzero(over if over.any() else own)
        return int(chosen[0]) if len(chosen) else None  # they come surest first


class _Halved(nn.Module):
    """Computes in 16-bit floats what is given and taken in 32-bit ones."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner.to(torch.bfloat16)

    def forward(self, values: torch.Tensor) -> Any:
        given = self.inner(values.to(torch.bfloat16))
        return {name: m.float() for name, m in given.items()} if isinstance(given, Mapping) else given.float()


def _halve(network: Any) -> None:
    network.backbone = _Halved(network.backbone)
    if hasattr(network, "roi_heads"):
        network.roi_heads.box_head = _Halved(network.roi_heads.box_head)


@contextmanager
def _watched(backbone: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The feature maps that a backbone gives while this is open."""
    maps: list[torch.Tensor] = []

    def keep(_module: nn.Module, _given: Any, out: Any) -> None:
        maps.extend(out.values() if isinstance(out, Mapping) else [out])

    hook = backbone.register_forward_hook(keep)
    try:
        yield maps
    finally:
        hook.remove()


def _heat(features: torch.Tensor, gradient: torch.Tensor, size: tuple[int, int]) -> Array:
    cells = (features * gradient).sum(1)[0].clamp(min=0).float().detach().cpu().numpy()
    return cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)


def normalisation(spec: ModelSpec) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and what is then taken away, (1, 3, 1, 1): (value / 255 − mean) / deviation."""
    values = [spec.card["input"].get(name) for name in ("mean", "deviation")]
    for three in values:
        good = isinstance(three, list) and len(three) == 3
        if not good or not all(isinstance(v, int | float) and 1e-3 <= v <= 1 for v in three):
            path = spec.path / CARD_NAME if spec.path else None
            raise InputError(
                "input.mean and input.deviation must be three of 0.001 to 1", path=path, remedy="Train it again."
            )
    mean, deviation = (torch.tensor(three, dtype=torch.float32).view(1, 3, 1, 1) for three in values)
    return 1 / (255 * deviation), mean / deviation


def _zoom(spec: ModelSpec) -> float:
    side = spec.values.get("short_side_px", 0)
    return side / (spec.tile_px + 2 * spec.halo_px) if side else 1.0
