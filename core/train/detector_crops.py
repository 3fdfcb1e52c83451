"""Decides what a detector is shown and told of a crop: pixels, and the boxes in it as far as they are seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from core.outlines import drawn
from core.train.augment import augment
from core.train.regions import Crop
from core.train.sampling import CropSampler

Array = np.ndarray
Targets = list[dict[str, torch.Tensor]]

# Of a box that the crop's border cuts, this much must be seen for the crop to show it.
_SEEN_SHARE = 0.25
_LEAST_SIDE_PX = 3.0


def draw_batch(
    sampler: CropSampler, count: int, rng: np.random.Generator, strength: float, masks: bool = False
) -> tuple[torch.Tensor, Targets]:
    """Varied crops, (n, 3, side, side) uint8 channels last, and for each its boxes (x0, y0, x1, y1) and labels from 1; with
    `masks` also what each box's outline encloses, (boxes, side, side) uint8."""
    crops = [augment(sampler.draw(), rng, strength) for _ in range(count)]
    pixels = torch.from_numpy(np.stack([crop.without_unknown() for crop in crops])).permute(0, 3, 1, 2)
    return pixels, targets_of(crops, masks)


def targets_of(crops: Sequence[Crop], masks: bool = False) -> Targets:
    """Boxes cut to their crop; those of which too little is seen are left out."""
    return [_target(crop, masks) for crop in crops]


def _target(crop: Crop, masks: bool) -> dict[str, torch.Tensor]:
    side = crop.pixels.shape[0]
    start, size = crop.boxes[:, :2], crop.boxes[:, 2:]
    low, high = np.clip(start, 0, side), np.clip(start + size, 0, side)
    seen = np.prod(high - low, axis=1) >= _SEEN_SHARE * np.prod(size, axis=1)
    kept = seen & (high - low >= _LEAST_SIDE_PX).all(1)
    boxes = np.concatenate([low, high], 1)[kept].astype(np.float32)
    target = {"boxes": torch.from_numpy(boxes), "labels": torch.from_numpy(crop.classes[kept].astype(np.int64))}
    if masks:
        seen_masks = [_mask(crop, int(index), side) for index in np.flatnonzero(kept)]
        target["masks"] = torch.from_numpy(np.array(seen_masks, np.uint8).reshape(-1, side, side))
    return target


def _mask(crop: Crop, index: int, side: int) -> Array:
    """What a marked outline encloses; all of the box where only that is known."""
    if crop.outlines and len(crop.outlines[index]) > 2:
        return drawn(crop.outlines[index], side, side)
    x, y, w, h = crop.boxes[index]
    return drawn([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], side, side)
