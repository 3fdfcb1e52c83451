"""Decides which parts of a picture are held to learn what is normal from, and where a window may lie in them.

A picture is cut into clips of two windows' width, of which as many as are wanted are read: never a whole section. What
must not be in a window is known in steps of `STEP_PX`. Px here are the model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from core.data.clips import joined
from core.data.normal import NormalPicture, Ring
from core.data.opening import open_picture
from core.display import DisplayRange, auto_range
from core.foreground import foreground_mask
from core.geometry import Box
from core.scan.plan import scale_for
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.seen_range import is_comparable
from core.specimen_mask import Mask

Array = np.ndarray

STEP_PX = 8
# So much of a window must show the specimen, which has an edge that is normal, too.
_LEAST_SPECIMEN = 0.25
_CLIP_WINDOWS, _HALVED_FROM_WINDOWS = 2, 3
_EDGE = 1e-6


@dataclass(frozen=True)
class Clip:
    """A part of a picture: whole px, and where windows may begin in it.

    Args:
        picture: which one; x, y, w, h: px of the picture.
        free: (rows, columns) bool, whether a window may begin at `STEP_PX` times (column, row) in the clip.
        at: where in the clip its only window lies, px; None: anywhere that is free.
    """

    picture: int
    x: int
    y: int
    w: int
    h: int
    free: Array
    at: tuple[int, int] | None = None

    @property
    def nbytes(self) -> int:
        return 3 * self.w * self.h + self.free.nbytes


class NormalPlaces:
    """One picture at `um_per_px`, or as it is; `number`: which one; `side`: of a window.

    `shown`: in which range its values are read, its own at first; `is_comparable`: whether those of others may be, too.

    Raises InputError when it can't be read, UsageError when it is too coarse.
    """

    def __init__(self, picture: NormalPicture, number: int, um_per_px: float | None, side: int) -> None:
        self._picture, self._number, self._side = picture, number, side
        with open_picture(picture) as section:
            info = section.info
            self._scale = scale = scale_for(info, um_per_px, "these windows")
            self.shown = auto_range(section, Plane())
            self.is_comparable = is_comparable(info)
            self._mask = None if picture.is_cut else _specimen(section, self.shown)
        self.width, self.height = (max(1, round(n / scale)) for n in (info.width_px, info.height_px))
        self._regions = None if picture.regions is None else [_scaled(ring, scale) for ring in picture.regions]
        self._defects = _scaled_boxes(picture.defects, scale)
        self._doubtful = _scaled_boxes(picture.doubtful, scale)

    def blocks(self) -> Array:
        """(n, 4) int: x, y, w, h of all clips there may be, whatever may be in them."""
        whole = Box(0, 0, self.width, self.height)
        areas: Sequence[Box] = [whole]
        if self._regions is not None:
            around = [_box_around(ring).intersection(whole) for ring in self._regions]
            areas = joined([box for box in around if box is not None])
        pieces = [piece for area in areas for piece in self._cut(area)]
        return np.array(pieces, int).reshape(-1, 4)

    def clip(self, block: Array) -> Clip | None:
        """What may be used of a block; None where no window fits."""
        x, y, w, h = (int(v) for v in block)
        wrong = self._marked(self._defects, x, y, w, h)
        if self._regions is not None:
            wrong |= ~self._inside(x, y, w, h)
        free = _room(wrong, self._side, w, h)
        if self._mask is not None:
            free &= self._shows_specimen(self._mask, x, y, w, h)
        return Clip(self._number, x, y, w, h, free) if free.any() else None

    def around_false_alarms(self) -> Iterator[Clip]:
        """A clip of one window around each place somebody found normal, unless something else shows in it."""
        yield from self._around(self._picture.false_alarms, np.concatenate([self._defects, self._doubtful]))

    def around_defects(self) -> Iterator[Clip]:
        """The same around what is marked as a defect."""
        yield from self._around(self._picture.defects, _scaled_boxes((), 1))

    def reader(self, section: Section) -> TileSource:
        return TileSource(section, Plane(), self.shown, self._scale)

    def _around(self, boxes: Iterable[Box], wrong: Array) -> Iterator[Clip]:
        for x, y, w, h in _scaled_boxes(boxes, self._scale):
            left = _begin(x + w / 2, self._side, self.width)
            top = _begin(y + h / 2, self._side, self.height)
            apart = (wrong[:, 0] >= left + self._side) | (wrong[:, 0] + wrong[:, 2] <= left)
            apart |= (wrong[:, 1] >= top + self._side) | (wrong[:, 1] + wrong[:, 3] <= top)
            if apart.all():
                yield Clip(self._number, left, top, self._side, self._side, np.ones((1, 1), bool), (0, 0))

    def _cut(self, area: Box) -> Iterator[tuple[int, int, int, int]]:
        """Pieces of an area, about `_CLIP_WINDOWS` windows wide, none narrower than a window."""
        xs, ys = _edges(area.x, area.x1, self._side, self.width), _edges(area.y, area.y1, self._side, self.height)
        for y0, y1 in ys:
            for x0, x1 in xs:
                yield x0, y0, x1 - x0, y1 - y0

    def _marked(self, boxes: Array, x: int, y: int, w: int, h: int) -> Array:
        cells = np.zeros((-(-h // STEP_PX), -(-w // STEP_PX)), bool)
        touching = (boxes[:, 0] < x + w) & (boxes[:, 0] + boxes[:, 2] > x)
        touching &= (boxes[:, 1] < y + h) & (boxes[:, 1] + boxes[:, 3] > y)
        for bx, by, bw, bh in (boxes[touching] - np.array([x, y, 0, 0])) / STEP_PX:
            cells[_touched(by, by + bh), _touched(bx, bx + bw)] = True
        return cells

    def _inside(self, x: int, y: int, w: int, h: int) -> Array:
        """Cells that lie wholly in a region, to a px."""
        px, here = np.zeros((h, w), np.uint8), Box(x, y, w, h)
        for ring in self._regions or ():
            if _box_around(ring).intersection(here) is not None:
                corners = np.round((ring - np.array([x, y]) - 0.5) * 16).astype(np.int32)
                cv2.fillPoly(px, [corners], 1, shift=4)
        padded = cv2.copyMakeBorder(px, 0, -h % STEP_PX, 0, -w % STEP_PX, cv2.BORDER_REPLICATE)
        rows, columns = padded.shape[0] // STEP_PX, padded.shape[1] // STEP_PX
        return padded.reshape(rows, STEP_PX, columns, STEP_PX).min((1, 3)) > 0

    def _shows_specimen(self, mask: Mask, x: int, y: int, w: int, h: int) -> Array:
        """Where a window may begin so that enough of it is specimen."""
        rows, columns = -(-h // STEP_PX), -(-w // STEP_PX)
        step = STEP_PX * self._scale
        at_y = (np.clip(y / STEP_PX + np.arange(rows) + 0.5, 0, None) * step // mask.cell_px).astype(int)
        at_x = (np.clip(x / STEP_PX + np.arange(columns) + 0.5, 0, None) * step // mask.cell_px).astype(int)
        height, width = mask.values.shape
        shown = mask.values[np.minimum(at_y, height - 1)[:, None], np.minimum(at_x, width - 1)]
        count = -(-self._side // STEP_PX)
        return _sums(shown, count, w, h, self._side) >= _LEAST_SPECIMEN * count**2


def halved(block: Array, side: int) -> Array:
    """(n, 4) int: a block (see `NormalPlaces.blocks`) as two, across its longer side, where that leaves each one several
    windows: of a single one nobody can tell how scores are spread."""
    x, y, w, h = (int(v) for v in block)
    if max(w, h) < _HALVED_FROM_WINDOWS * side:
        return block[None]
    across, down = (w // 2, 0) if w >= h else (0, h // 2)
    first = (x, y, across or w, down or h)
    return np.array([first, (x + across, y + down, w - across, h - down)])


def _room(wrong: Array, side: int, w: int, h: int) -> Array:
    """Where windows may begin so that none of `wrong` is in them."""
    return _sums(wrong, -(-side // STEP_PX), w, h, side) == 0


def _sums(cells: Array, count: int, w: int, h: int, side: int) -> Array:
    """For each place a window of `side` px may begin at in a clip of w × h px: how many of its cells are set."""
    rows, columns = (h - side) // STEP_PX + 1, (w - side) // STEP_PX + 1
    padded = np.zeros((max(cells.shape[0], rows + count), max(cells.shape[1], columns + count)), np.int32)
    padded[: cells.shape[0], : cells.shape[1]] = cells
    sums = np.zeros((padded.shape[0] + 1, padded.shape[1] + 1), np.int32)
    np.cumsum(np.cumsum(padded, axis=0, dtype=np.int32), axis=1, dtype=np.int32, out=sums[1:, 1:])
    found = sums[count:, count:] - sums[:-count, count:] - sums[count:, :-count] + sums[:-count, :-count]
    return found[:rows, :columns]


def _touched(start: float, end: float) -> slice:
    return slice(max(0, int(start)), max(int(start) + 1, int(np.ceil(end - _EDGE))))


def _edges(start: float, end: float, side: int, size: int) -> list[tuple[int, int]]:
    """An interval in equal parts of whole px, each at least a window long, within a picture where that is large enough."""
    first, last = int(np.ceil(start - _EDGE)), int(np.floor(end + _EDGE))
    if last - first < side:
        return [(0, side)] if size <= side else []
    count = max(1, (last - first) // (_CLIP_WINDOWS * side))
    at = [first + round((last - first) * i / count) for i in range(count + 1)]
    return list(pairwise(at))


def _begin(middle: float, side: int, size: int) -> int:
    """Where a window around a place begins: inside the picture if it fits."""
    return int(np.clip(round(middle - side / 2), 0, max(0, size - side)))


def _scaled(ring: Ring, scale: float) -> Array:
    return np.array(ring, float).reshape(-1, 2) / scale


def _scaled_boxes(boxes: Iterable[Box], scale: float) -> Array:
    return np.array([(b.x, b.y, b.w, b.h) for b in boxes], float).reshape(-1, 4) / scale


def _box_around(ring: Array) -> Box:
    (x0, y0), (x1, y1) = ring.min(0), ring.max(0)
    return Box.from_edges(float(x0), float(y0), float(x1), float(y1))


def _specimen(section: Section, shown: DisplayRange) -> Mask:
    return foreground_mask(section, Plane(), (shown.low, shown.high))
