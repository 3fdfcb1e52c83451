"""Decides what training sees of a section: its pixels at the model's scale, and the marked boxes in those pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Array = np.ndarray

IGNORED = -1


def no_boxes() -> Array:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True)
class LabelledSection:
    """One section, or a clip of one, held in memory. Boxes are (n, 4) float32 x, y, w, h in px of `pixels`.

    Args:
        name: of its file.
        pixels: (h, w, 3) uint8 RGB at the model's µm/px.
        boxes: what is marked, as far as it lies in `pixels`.
        classes: (n,) int64, 1 and up; 0 is "no defect".
        group: two sections of one group never stand on both sides of a split.
        known: where everything there is has been marked; elsewhere nothing is said. None: everywhere.
        empty: places somebody looked at and found no defect in; they lie within `known`.
        outlines: for each box (k, 2) float32 corners around what is marked; without any where only boxes are known.
    """

    name: str
    pixels: Array
    boxes: Array
    classes: Array
    group: str = ""
    known: Array | None = None
    empty: Array = field(default_factory=no_boxes)
    outlines: tuple[Array, ...] = ()

    @property
    def rings(self) -> tuple[Array, ...]:
        """The outline of each box, without corners where only the box is known."""
        return self.outlines or (np.zeros((0, 2), np.float32),) * len(self.boxes)

    def knows(self, x: float, y: float) -> bool:
        """Whether what is at a place is known."""
        return self.known is None or bool(_contain(self.known, x, y).any())


@dataclass(frozen=True)
class Crop:
    """A square cut from a section, boxes relative to it; parts of boxes may lie outside. `known` and `outlines`: as
    `LabelledSection`."""

    pixels: Array
    boxes: Array
    classes: Array
    known: Array | None = None
    outlines: tuple[Array, ...] = ()

    def without_unknown(self) -> Array:
        """Its pixels, plain grey where nothing is known: for networks that can't be told to leave places out."""
        if self.known is None:
            return self.pixels
        side = self.pixels.shape[0]
        hidden = np.ones((side, side), bool)
        for x, y, w, h in np.concatenate([self.known, self.boxes]):
            hidden[_pixels(y, h), _pixels(x, w)] = False
        shown = self.pixels.copy()
        shown[hidden] = np.uint8(_GREY) if hidden.all() else self.pixels[~hidden].mean(0).astype(np.uint8)
        return shown


_GREY = 128


def _contain(boxes: Array, x: float, y: float) -> Array:
    at = np.array([x, y])
    return ((boxes[:, :2] <= at) & (at < boxes[:, :2] + boxes[:, 2:])).all(1)


def _pixels(start: float, length: float) -> slice:
    """Px that an interval touches; none below 0."""
    return slice(max(int(np.floor(start)), 0), max(int(np.ceil(start + length)), 0))


@dataclass(frozen=True)
class CellTargets:
    """What the cells of a crop should say.

    Args:
        plain: (rows, columns) int64: 0 where there is surely no defect, `IGNORED` in boxes and around them, and where
            nothing is known.
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
    plain = np.full((cells, cells), IGNORED if crop.known is not None else 0, np.int64)
    for x, y, w, h in no_boxes() if crop.known is None else crop.known / stride:
        plain[_middles_in(y, h, cells), _middles_in(x, w, cells)] = 0
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
