"""Decides which tiles of a section teach what was judged on it: squares that show each judged place whole at least once.

Whoever judged a place saw what is around it, so a tile is taken as looked at as a whole, but for what nobody has decided in
it and for marks that are hardly in it. Windows that show nothing are those around false alarms, and those that lie within
a region that was drawn as normal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.box_index import BoxIndex
from core.data.judged import JudgedSection, Told
from core.data.labelled import Mark
from core.detection import Detection
from core.geometry import Box
from core.outlines import Outline, cut

DEFAULT_TILE_PX, LEAST_TILE_PX, MOST_TILE_PX = 512, 32, 8192
# Of a mark that lies less than this in a tile nobody could say what it is.
_LEAST_SHARE = 0.25
_MARGIN = 1.25  # around a place that is larger than a tile
_MOST_EMPTY = 500  # of one section: more of the same teach nothing


@dataclass(frozen=True, slots=True)
class TileMark:
    """A mark in px of its tile, and what it was made of."""

    mark: Mark
    detection: Detection


@dataclass(frozen=True, slots=True)
class Tile:
    """A window of a section. All boxes but `box` (level-0 px) are in px of the tile.

    Args:
        unknown: places of which nothing is known; known: where everything was told for sure, as a project tells it.
        empty: places that somebody judged as no defect.
    """

    box: Box
    marks: tuple[TileMark, ...]
    unknown: tuple[Box, ...]
    known: tuple[Box, ...]
    empty: tuple[Box, ...]
    judged: tuple[Detection, ...]


def tiles_of(section: JudgedSection, normal: Sequence[Outline], side: int) -> list[Tile]:
    """The tiles of one section; `normal`: outlines of what was drawn as normal, level-0 px."""
    plan = _Plan(section, normal, side)
    return [*plan.around_places(), *plan.of_normal()]


class _Plan:
    def __init__(self, section: JudgedSection, normal: Sequence[Outline], side: int) -> None:
        record = section.record
        self._whole = Box(0, 0, record.width_px, record.height_px)
        self._section, self._normal, self._side = section, normal, side
        self._told = _index([one.box for one in section.told])
        self._waiting = _index(section.waiting)
        self._known_boxes = section.known()
        self._known = _index(self._known_boxes)

    def around_places(self) -> Iterator[Tile]:
        """Each place lies whole in one tile at least; a place that an earlier tile shows gets none of its own."""
        told = self._section.told
        shown = np.zeros(len(told), bool)
        for index in sorted(range(len(told)), key=lambda i: (told[i].box.y, told[i].box.x)):
            if shown[index]:
                continue
            tile = self._around(told[index].box)
            near = self._told.touching(tile.x, tile.y, tile.x1, tile.y1)
            inside = [i for i in near.tolist() if _inside(told[i].box, tile, self._whole)]
            shown[[index, *inside]] = True
            yield self._tile(tile)

    def of_normal(self) -> Iterator[Tile]:
        """A grid over what was drawn as normal; only tiles that lie wholly in it and show nothing else."""
        count = 0
        for outline in self._normal:
            xs, ys = [x for x, _ in outline], [y for _, y in outline]
            around = Box.from_edges(min(xs), min(ys), max(xs), max(ys)).intersection(self._whole)
            for tile in () if around is None else _grid(around, self._side):
                marked = self._told.touching(tile.x, tile.y, tile.x1, tile.y1).size
                waits = self._waiting.touching(tile.x, tile.y, tile.x1, tile.y1).size
                if not marked and not waits and _covers(outline, tile) and count < _MOST_EMPTY:
                    count += 1
                    yield Tile(tile, (), (), (Box(0, 0, tile.w, tile.h),), (), ())

    def _around(self, box: Box) -> Box:
        """Whole px, inside the section where that is large enough."""
        side = max(self._side, math.ceil(max(box.w, box.h) * _MARGIN))
        width, height = min(side, int(self._whole.w)), min(side, int(self._whole.h))
        x, y = (round(middle - size / 2) for middle, size in zip(box.center, (width, height), strict=True))
        return Box(min(max(x, 0), self._whole.w - width), min(max(y, 0), self._whole.h - height), width, height)

    def _tile(self, tile: Box) -> Tile:
        edges = (tile.x, tile.y, tile.x1, tile.y1)
        near = [self._section.told[i] for i in self._told.touching(*edges).tolist()]
        marks, hardly = [], []
        for one in near:
            fitted = _fitted(one, tile)
            if fitted is None:
                hardly.append(one.box)
            elif fitted.mark is not None:
                marks.append(TileMark(fitted.mark, one.detection))
        unknown = [self._section.waiting[i] for i in self._waiting.touching(*edges).tolist()] + hardly
        known = [self._known_boxes[i] for i in self._known.touching(*edges).tolist()]
        empty = [one.box for one in near if one.mark is None]
        judged = tuple(one.detection for one in near if one.box not in hardly)
        return Tile(tile, tuple(marks), _moved(unknown, tile), _moved(known, tile), _moved(empty, tile), judged)


def _fitted(told: Told, tile: Box) -> Told | None:
    """A place in px of a tile, cut at its edges; None for one that is hardly in it."""
    inside = told.box.intersection(tile)
    if inside is None or inside.area < _LEAST_SHARE * told.box.area:
        return None
    if told.mark is None:
        return told
    outline = tuple((x - tile.x, y - tile.y) for x, y in cut(told.mark.outline, tile)) if told.mark.outline else ()
    return Told(told.detection, Mark(told.mark.label, inside.moved(-tile.x, -tile.y), outline))


def _moved(boxes: Sequence[Box], tile: Box) -> tuple[Box, ...]:
    cut_ones = (box.intersection(tile) for box in boxes)
    return tuple(dict.fromkeys(box.moved(-tile.x, -tile.y) for box in cut_ones if box is not None))


def _inside(box: Box, tile: Box, whole: Box) -> bool:
    seen = box.intersection(whole)
    return seen is None or (seen.x >= tile.x and seen.y >= tile.y and seen.x1 <= tile.x1 and seen.y1 <= tile.y1)


def _grid(around: Box, side: int) -> Iterator[Box]:
    """Tiles of whole px beside each other, in the middle of a box; one smaller tile where none fits."""
    width, height = (min(side, math.floor(size)) for size in (around.w, around.h))
    if min(width, height) < LEAST_TILE_PX:
        return
    columns, rows = math.floor(around.w / width), math.floor(around.h / height)
    left = math.ceil(around.x + (around.w - columns * width) / 2 - 0.5)
    top = math.ceil(around.y + (around.h - rows * height) / 2 - 0.5)
    for row in range(rows):
        for column in range(columns):
            yield Box(left + column * width, top + row * height, width, height)


def _covers(outline: Outline, tile: Box) -> bool:
    """Whether an outline encloses a tile, but for what its rounding to whole px takes away."""
    inner = cut(outline, tile)
    return len(inner) > 2 and _area(inner) >= 0.99 * tile.area


def _area(ring: Outline) -> float:
    from core.measure import area

    return area(list(ring))


def _index(boxes: Sequence[Box]) -> BoxIndex:
    return BoxIndex(np.array([(b.x, b.y, b.x1, b.y1) for b in boxes], float).reshape(-1, 4))
