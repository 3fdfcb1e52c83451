"""Decides what a detector finds on whole sections, and how good that is: mean average precision at an overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.check import Found, average_precision
from core.geometry import Box
from core.models.base import Model
from core.scan.box_reading import surest, with_middle_in
from core.truth import TruthBox

Array = np.ndarray


def section_boxes(model: Model, pixels: Array) -> Array:
    """What a detector finds on a whole picture: tiles with halo, the tile with a box's middle keeps it.

    Args:
        pixels: (h, w, 3) uint8 at the model's µm/px; beyond its edges it is mirrored.
    Returns:
        (n, 6) float32 as `Model.find_boxes`, in px of the picture, cut to it.
    """
    spec = model.spec
    tile, halo = spec.tile_px, spec.halo_px
    height, width = pixels.shape[:2]
    rows, columns = (-(-n // spec.stride_px) * spec.stride_px for n in (height, width))
    padded = np.pad(pixels, ((halo, rows - height + halo), (halo, columns - width + halo), (0, 0)), mode="symmetric")
    found = [np.empty((0, 6), np.float32)]
    for y in range(0, rows, tile):
        for x in range(0, columns, tile):
            boxes = model.find_boxes(padded[y : y + tile + 2 * halo, x : x + tile + 2 * halo])
            boxes[:, :4] += np.array([x, y, x, y], np.float32) - halo
            found.append(boxes[with_middle_in(boxes, Box(x, y, tile, tile))])
    boxes = np.concatenate(found)
    boxes[:, :4] = boxes[:, :4].clip(0, (width, height) * 2)
    return surest(boxes[(boxes[:, 2:4] > boxes[:, :2]).all(1)])


def mean_average_precision(found: Sequence[Found], marked: Sequence[TruthBox], iou: float) -> float:
    """The mean over marked classes of the average precision, where boxes match that overlap by at least `iou`."""
    labels = sorted({one.label for one in marked})
    values = [
        _class_precision([f for f in found if f.label == n], [m for m in marked if m.label == n], iou) for n in labels
    ]
    return float(np.mean(values)) if values else 0.0


def _class_precision(found: Sequence[Found], marked: Sequence[TruthBox], iou: float) -> float:
    """Surest first, each takes the truth it overlaps most of those that are free (Everingham et al. 2010, §4.2)."""
    ordered = sorted(found, key=lambda f: (-f.score, f.box))
    overlap = _overlaps([f.box for f in ordered], [m.box for m in marked])
    hits = []
    for row in overlap:
        best = int(row.argmax())
        hits.append(bool(row[best] >= iou))
        if hits[-1]:
            overlap[:, best] = -1.0
    return average_precision(hits, len(marked)) or 0.0


def _overlaps(ones: Sequence[Box], others: Sequence[Box]) -> Array:
    """IoU of each of `ones` with each of `others`, float64."""
    a, b = (np.array([(o.x, o.y, o.x1, o.y1) for o in boxes]).reshape(-1, 4) for boxes in (ones, others))
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(c[:, 2:] - c[:, :2], axis=1) for c in (a, b)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12)
