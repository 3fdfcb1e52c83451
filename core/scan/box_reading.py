"""Decides which boxes that a detector found in overlapping tiles are findings, and which are parts of longer ones. Pure.

A box belongs to the tile that has its middle in its core; the others saw the same thing nearer to their border. What a
tile's border cuts is dropped where a whole box covers it, and is a part of something longer otherwise.

Boxes are (n, 6) float32: x0, y0, x1, y1 in level-0 px, score, label; or wider, with outlines (`core.outlines`). An outline
is that of one thing, which has one label: there boxes of several labels are the same finding, too. Label −1 is a thing
that was found and is no defect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.geometry import Box
from core.outlines import BOX_COLUMNS

Array = np.ndarray

# Of one label, or with outlines, two boxes that overlap this much are the same finding.
SAME_FINDING_IOU = 0.5
# A cut box of which such a whole box covers this much is a part of it.
COVERED_SHARE = 0.8


@dataclass(frozen=True)
class SeenBoxes:
    """What one tile saw. `core`, and `view` (with halo), as far as the section reaches; level-0 px."""

    boxes: Array
    core: Box
    view: Box


def cut_by_view(seen: SeenBoxes, section: Box, within_px: float) -> Array:
    """(n,) bool: which boxes come within `within_px` of the view's border, where that is not the section's."""
    view, (x0, y0, x1, y1) = seen.view, seen.boxes[:, :4].T
    cut = np.zeros(len(seen.boxes), bool)
    cut |= (x0 <= view.x + within_px) & (view.x > section.x)
    cut |= (y0 <= view.y + within_px) & (view.y > section.y)
    cut |= (x1 >= view.x1 - within_px) & (view.x1 < section.x1)
    return cut | (y1 >= view.y1 - within_px) & (view.y1 < section.y1)


def with_middle_in(boxes: Array, area: Box) -> Array:
    """(n,) bool. Half open, so that of two neighbouring tiles exactly one has a middle on their border."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return (x >= area.x) & (x < area.x1) & (y >= area.y) & (y < area.y1)


def reaching_into(boxes: Array, area: Box) -> Array:
    """(n,) bool: which boxes have something in common with an area."""
    x0, y0, x1, y1 = boxes[:, :4].T
    return (x0 < area.x1) & (x1 > area.x) & (y0 < area.y1) & (y1 > area.y)


def surest(boxes: Array) -> Array:
    """Of boxes that are the same finding only the surest; ties go to the left and upper one."""
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], boxes[:, 5], -boxes[:, 4]))
    waiting, kept = boxes[order], []
    while len(waiting):
        first, waiting = waiting[0], waiting[1:]
        kept.append(first)
        common = _common(waiting, first)
        union = _areas(waiting) + _areas(first[None]) - common
        waiting = waiting[~((common >= SAME_FINDING_IOU * union) & _may_be_one(waiting, first))]
    return np.array(kept, np.float32).reshape(-1, boxes.shape[1])


def covered(parts: Array, whole: Array) -> Array:
    """(n,) bool: which parts lie mostly in a whole box that may be the same thing."""
    found = np.zeros(len(parts), bool)
    for box in whole:
        found |= (_common(parts, box) >= COVERED_SHARE * _areas(parts)) & _may_be_one(parts, box)
    return found


def highest_scores(boxes: Array, labels: int, cell_px: float, first: tuple[int, int], shape: tuple[int, int]) -> Array:
    """(labels, rows, columns) float32: the highest score of the boxes that touch a cell, else 0. What is no defect has none.

    Args:
        first: row and column in the map of the first cell; shape: rows and columns.
    """
    scores = np.zeros((labels, *shape), np.float32)
    boxes = boxes[boxes[:, 5] >= 0]
    start = np.floor(boxes[:, :2] / cell_px).astype(int) - first[::-1]
    end = np.ceil(boxes[:, 2:4] / cell_px).astype(int) - first[::-1]
    for (x0, y0), (x1, y1), score, label in zip(
        np.maximum(start, 0), np.maximum(end, 0), boxes[:, 4], boxes[:, 5].astype(int), strict=True
    ):
        cells = scores[label, y0:y1, x0:x1]
        np.maximum(cells, score, out=cells)
    return scores


def _may_be_one(boxes: Array, box: Array) -> Array:
    has_outlines = boxes.shape[1] > BOX_COLUMNS
    return np.ones(len(boxes), bool) if has_outlines else boxes[:, 5] == box[5]


def _common(boxes: Array, box: Array) -> Array:
    w = np.minimum(boxes[:, 2], box[2]) - np.maximum(boxes[:, 0], box[0])
    h = np.minimum(boxes[:, 3], box[3]) - np.maximum(boxes[:, 1], box[1])
    return np.maximum(w, 0) * np.maximum(h, 0)


def _areas(boxes: Array) -> Array:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
