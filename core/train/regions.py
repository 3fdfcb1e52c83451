"""Decides what training sees of a section: its pixels at the model's scale, and the marked boxes in those pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

IGNORED = -1


@dataclass(frozen=True)
class LabelledSection:
    """One section held in memory.

    Args:
        name: what groups are split by; two crops of one section never stand on both sides.
        pixels: (h, w, 3) uint8 RGB at the model's µm/px.
        boxes: (n, 4) float32 x, y, w, h in those px.
        classes: (n,) int64, 1 and up; 0 is "no defect".
    """

    name: str
    pixels: Array
    boxes: Array
    classes: Array


@dataclass(frozen=True)
class Crop:
    """A square cut from a section, boxes relative to it; parts of boxes may lie outside."""

    pixels: Array
    boxes: Array
    classes: Array


@dataclass(frozen=True)
class CellTargets:
    """What the cells of a crop should say.

    Args:
        plain: (rows, columns) int64: 0 where there is surely no defect, `IGNORED` in boxes and around them.
        box_of: (rows, columns) int64: which box a cell's middle lies in, `IGNORED` for none.
        box_class: (n,) int64, the class of each box.
        box_least: (n,) int64, how many of a box's cells must show the class; 0 where too little of it is seen.
    """

    plain: Array
    box_of: Array
    box_class: Array
    box_least: Array


def cell_targets(crop: Crop, stride: int, margin_cells: int) -> CellTargets:
    """A box says that its class is somewhere inside, not that it fills it: a thin crack runs through a wide box.

    So cells in a box may be its class or no defect, and as many of them as the box is long must be the class. Cells a
    box only touches are left out, and so are `margin_cells` at the crop's edge, whose surroundings are not in the crop.
    """
    cells = crop.pixels.shape[0] // stride
    plain = np.zeros((cells, cells), np.int64)
    box_of = np.full((cells, cells), IGNORED, np.int64)
    least = np.zeros(len(crop.boxes), np.int64)
    inner = slice(margin_cells, cells - margin_cells)
    order = np.argsort(-crop.boxes[:, 2] * crop.boxes[:, 3], kind="stable")  # small ones last, on top
    for index in order:
        x, y, w, h = crop.boxes[index] / stride
        rows, columns = _middles_in(y, h, cells), _middles_in(x, w, cells)
        plain[_touched(y, h, cells), _touched(x, w, cells)] = IGNORED
        box_of[rows, columns] = index
    for index in order:
        x, y, w, h = crop.boxes[index] / stride
        seen = np.count_nonzero(box_of[inner, inner] == index)
        if seen >= _ENOUGH_SEEN * w * h:
            least[index] = min(seen, max(1, round(max(w, h))))
    outside = np.ones((cells, cells), bool)
    outside[inner, inner] = False
    plain[outside], box_of[outside] = IGNORED, IGNORED
    return CellTargets(plain, box_of, crop.classes, least)


_ENOUGH_SEEN = 0.6


def _middles_in(start: float, length: float, cells: int) -> slice:
    """Cells whose middle lies in [start, start + length); at least the one in its middle."""
    first, last = int(np.ceil(start - 0.5)), int(np.ceil(start + length - 0.5))
    if last <= first:
        first = int(start + length / 2)
        last = first + 1
    return slice(min(max(first, 0), cells), min(max(last, 0), cells))


def _touched(start: float, length: float, cells: int) -> slice:
    """Cells that a window around may see the box from: those it touches, grown by half a cell."""
    first, last = int(np.floor(start - 0.5)), int(np.ceil(start + length + 0.5))
    return slice(min(max(first, 0), cells), min(max(last, 0), cells))
