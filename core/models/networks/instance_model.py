"""Decides how parts are found and judged on tiles: boxes and outlines by Mask R-CNN, each part's class by a second network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from core.devices import choose_device
from core.errors import InputError
from core.geometry import Box
from core.models.base import ModelSpec
from core.models.card import CARD_NAME
from core.models.instance_crops import CropShape
from core.models.instances import OUTSIDE, values_of
from core.models.networks import backbones
from core.models.networks.box_detector import BoxDetector, Found
from core.models.networks.computing import Network
from core.models.networks.detectors import Detector, Limits
from core.models.networks.folding import folded
from core.models.networks.instance_networks import build_parts
from core.models.networks.window_classifier import put_weights
from core.outlines import COLUMNS, corners_of, ring_around

Array = np.ndarray

_AT_ONCE = 32  # parts that are judged together
_NO_DEFECT = -1
_BACKBONE_PX = 32  # the sides of what backbones look at are multiples of this
# What is less like anything at all is not looked at twice. A limit by number alone would take more from a tile that shows more.
_LEAST_OBJECTNESS = 0.05


@dataclass(frozen=True)
class Judge:
    """The second network of a model, and what it is shown. Its classes are the model's labels and then "no defect", if any.

    `mean`, `deviation`: (3,) of values from 0 to 1.
    """

    network: Network
    shape: CropShape
    mean: Sequence[float]
    deviation: Sequence[float]

    def images(self, crops: Sequence[Array], device: torch.device) -> torch.Tensor:
        """(n, 3, side, side) float32, normalised, channels last."""
        mean, deviation = (torch.tensor(v, device=device)[:, None, None] for v in (self.mean, self.deviation))
        images = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2).float() / 255
        return ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)


def classes_of(spec: ModelSpec) -> int:
    """How many classes the network that names them knows: the labels, and "no defect" where there are parts without."""
    return len(spec.labels) + (spec.card["network"].get("no_defect") is not None)


def build_networks(spec: ModelSpec) -> tuple[Detector, Judge | None]:
    """Both networks of a card, with random weights. Raises ValueError for what this code can't build."""
    card = spec.card["network"]
    parts, judge = card.get("parts"), card.get("judge")
    if not isinstance(parts, dict) or not isinstance(judge, dict | None):
        raise ValueError("network.parts and network.judge must be objects")
    no_defect = card.get("no_defect")
    if not isinstance(no_defect, str | None) or no_defect in spec.labels:
        raise ValueError("network.no_defect must be a name that is no label, or null")
    detector = build_parts(parts, 1 if judge else classes_of(spec), limits_of(spec))
    return detector, None if judge is None else build_judge(judge, classes_of(spec))


def build_judge(judge: Mapping[str, Any], classes: int) -> Judge:
    """The judge that a card's `network.judge` describes. Raises ValueError for one this code can't build."""
    side, margin, outside = (judge.get(name) for name in ("side_px", "margin", "outside"))
    if type(side) is not int or not _BACKBONE_PX <= side <= 1024 or side % _BACKBONE_PX:
        raise ValueError("network.judge.side_px must be a multiple of 32 up to 1024")
    if type(margin) not in (int, float) or not 0 <= float(margin or 0) <= 2 or outside not in OUTSIDE:
        raise ValueError("network.judge.margin must be 0 to 2, outside one of " + ", ".join(OUTSIDE))
    mean, deviation, network = (judge.get(name) for name in ("mean", "deviation", "network"))
    if not _are_shares(mean) or not _are_shares(deviation):
        raise ValueError("network.judge.mean and deviation must be three of 0.001 to 1")
    if not isinstance(network, dict):
        raise ValueError("network.judge.network must be an object")
    shape = CropShape(side, float(margin or 0), str(outside))
    return Judge(backbones.build(network, classes), shape, mean or (), deviation or ())


def _are_shares(values: Any) -> bool:
    three = values if isinstance(values, list) and len(values) == 3 else [None]
    return all(isinstance(v, int | float) and 1e-3 <= v <= 1 for v in three)


def limits_of(spec: ModelSpec) -> Limits:
    """Of the network that finds parts. Where another one judges them, its score is only that of being a part."""
    values = values_of(spec)
    known = {name: values[name] for name in ("nms_iou", "per_tile", "proposals")}
    return Limits(floor=values.get("part_score", spec.score_floor), **known)


def as_one(parts: nn.Module, judge: Judge | None) -> nn.ModuleDict:
    """Both networks as they lie in one file."""
    return nn.ModuleDict({"parts": parts, **({"judge": judge.network} if judge else {})})


def load(spec: ModelSpec, device: str = "auto") -> InstanceModel:
    """The model of a model folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a model of instances lives in a model folder")
    try:
        if spec.output != "boxes":
            raise ValueError('scan.output of a model of instances must be "boxes"')
        parts, judge = build_networks(spec)
    except ValueError as error:
        raise InputError(
            str(error), path=spec.path / CARD_NAME, remedy="Get the model folder again from whoever trained it."
        ) from None
    whole: Any = as_one(parts, judge)
    put_weights(whole, spec)
    return InstanceModel(spec, parts, judge, choose_device(device))


class InstanceModel(BoxDetector):
    """Boxes with outlines (`core.outlines`). The networks are copied."""

    def __init__(self, spec: ModelSpec, parts: Detector, judge: Judge | None, device: torch.device) -> None:
        self._judge = judge
        self._network_of_judge: Any = None
        if judge is not None:
            own: Any = folded(judge.network)
            self._network_of_judge = own.requires_grad_(False).to(device).to(memory_format=torch.channels_last)
        super().__init__(spec, parts, device)
        self._network.rpn.score_thresh = _LEAST_OBJECTNESS

    def submit(self, prepared: Sequence[torch.Tensor]) -> list[Array]:
        found = super().submit(prepared)
        return [self._judged(rows, tile) for rows, tile in zip(found, prepared, strict=True)]

    def explain(self, pixels: Array, label: str) -> Array | None:
        """What made the part over the crop's middle look like `label` and not like its other classes.

        The judge's class activation map (Zhou et al. 2016, eq. 2): by how much the label's features exceed the mean of
        all classes', laid over the place that the judge saw. None where there is no part.
        """
        if self._judge is None:
            return super().explain(pixels, label)
        rows = super().submit([self.prepare(pixels)])[0]
        at = _over_middle(rows, pixels.shape[1] / 2, pixels.shape[0] / 2)
        if at is None:
            return None
        box = Box.from_edges(*(float(v) for v in rows[at, :4]))
        crop = self._judge.shape.cut(pixels, box, corners_of(rows)[at])
        with torch.inference_mode():
            logits = self._network_of_judge(self._judge.images([crop], self.device))[0].float().cpu().numpy()
        cells = logits[self.spec.labels.index(label)] - logits.mean(0)
        return _laid_over(np.maximum(cells, 0), self._judge.shape.around(box), pixels.shape[:2])

    def _rows(self, found: Found) -> Array:
        """With an outline of each part; what has none is no part. Classes after the labels are "no defect"."""
        rows = super()._rows({name: found[name] for name in ("boxes", "labels", "scores")})
        seen = (found["boxes"][:, 2:] - found["boxes"][:, :2] > 0).all(1)
        masks = found["masks"][seen].float().cpu().numpy()[:, 0]
        rows[rows[:, 5] >= len(self.spec.labels), 5] = _NO_DEFECT
        whole = np.empty((len(rows), COLUMNS), np.float32)
        has_outline = np.zeros(len(rows), bool)
        for index, (row, mask) in enumerate(zip(rows, masks, strict=True)):
            ring = ring_around(mask, Box.from_edges(*(float(v) for v in row[:4])))
            if ring is not None:
                has_outline[index] = True
                whole[index] = np.concatenate([row, ring.ravel()])
        return whole[has_outline]

    def _judged(self, rows: Array, tile: torch.Tensor) -> Array:
        """Each part with the class that the judge gives it, and how sure it is of that; surest first."""
        if self._judge is None or not len(rows):
            return rows
        pixels = tile[0].permute(1, 2, 0).cpu().numpy()
        chances = np.concatenate([self._chances(pixels, rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)])
        label = chances.argmax(1)
        rows[:, 4] = chances[np.arange(len(rows)), label]
        rows[:, 5] = np.where(label < len(self.spec.labels), label, _NO_DEFECT)
        return rows[np.argsort(-rows[:, 4], kind="stable")]

    def _chances(self, pixels: Array, rows: Array) -> Array:
        """(n, classes) probabilities."""
        assert self._judge is not None
        boxes = (Box.from_edges(*(float(v) for v in row[:4])) for row in rows)
        crops = [self._judge.shape.cut(pixels, box, ring) for box, ring in zip(boxes, corners_of(rows), strict=True)]
        with torch.inference_mode():
            logits = self._network_of_judge(self._judge.images(crops, self.device)).mean((2, 3))
            return logits.float().softmax(1).cpu().numpy()


def _over_middle(rows: Array, x: float, y: float) -> int | None:
    """The smallest part over a place."""
    over = np.flatnonzero((rows[:, :2] <= (x, y)).all(1) & (rows[:, 2:4] >= (x, y)).all(1))
    return int(min(over, key=lambda i: np.prod(rows[i, 2:4] - rows[i, :2]))) if len(over) else None


def _laid_over(cells: Array, seen: Box, shape: tuple[int, int]) -> Array | None:
    """A map of what a box shows, in a picture (h, w), 0 to 1; None when it is empty."""
    if not cells.any():
        return None
    x, y, w, h = seen.outer_pixels()
    heat = cv2.resize(cells / cells.max(), (w, h), interpolation=cv2.INTER_LINEAR)
    whole = np.zeros(shape, np.float32)
    top, left, bottom, right = max(y, 0), max(x, 0), min(y + h, shape[0]), min(x + w, shape[1])
    whole[top:bottom, left:right] = heat[top - y : bottom - y, left - x : right - x]
    return whole / whole.max() if whole.any() else None
