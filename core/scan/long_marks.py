"""Decides which marks of a block are too long for one tile to know, and what part of them a tile keeps. Pure.

A block is a tile with a margin around it. A mark that passes a tile is wholly seen by it, and by every other tile it
passes, if it is no longer than the margin; otherwise all of them see that it is longer. So all decide alike.

Of a long object, blocks see different peaks, and cut it at different scores. What touches a long mark and is not much
fainter therefore belongs to it: what one block cuts off is what the next one holds to be part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from core.geometry import Box
from core.scan.extract import SHARE_OF_PEAK, MarkedCells

Array = np.ndarray

# Fainter by more than two cuts is something else.
_FAINTEST_SHARE = SHARE_OF_PEAK**2


@dataclass(frozen=True, slots=True)
class Part:
    """A joined part of a long object within a tile's core. `rows`, `columns`: its cells, in the block.

    `score` is the highest of these cells, and `peak` (row, column) where it is.
    """

    label: int
    score: float
    peak: tuple[int, int]
    rows: Array
    columns: Array


def long_objects(cells: MarkedCells, margin: int, seen: Box) -> dict[int, int]:
    """For each mark (number) of a long object the number of its surest mark.

    Args:
        margin: of a block, in cells.
        seen: the cells of the block beyond which nothing is known but something may be.
    """
    long = {n for n, mark in cells.marks.items() if _is_long(mark.box, margin, seen)}
    if not long:
        return {}
    touching = _touching(cells.numbers[sorted({cells.marks[number].label for number in long})])
    objects: dict[int, int] = {}
    for number, mark in cells.marks.items():
        above = [other for other in touching.get(number, ()) if other in objects]
        surer = {objects[o] for o in above if mark.score >= _FAINTEST_SHARE * cells.marks[objects[o]].score}
        if surer:
            _unite(objects, number, surer)
        elif number in long:
            objects[number] = number
    return objects


def parts_within(cells: MarkedCells, objects: Mapping[int, int], scores: Array, core: Box) -> Iterator[Part]:
    """What a tile keeps of long objects: their joined parts in its core (cells of the block)."""
    x, y, w, h = core.outer_pixels()
    numbers = cells.numbers[:, y : y + h, x : x + w]
    object_of = np.zeros(max(cells.marks, default=0) + 1, np.int32)
    object_of[list(objects)] = list(objects.values())
    for label, plane in enumerate(object_of[numbers]):
        for number in np.unique(plane[plane > 0]):
            for rows, columns in _joined_parts(plane == number):
                values = scores[label, y + rows, x + columns]
                best = int(values.argmax())
                peak = int(y + rows[best]), int(x + columns[best])
                yield Part(label, float(values[best]), peak, y + rows, x + columns)


def _is_long(box: Box, margin: int, seen: Box) -> bool:
    at_border = box.x <= seen.x or box.y <= seen.y or box.x1 >= seen.x1 or box.y1 >= seen.y1
    return max(box.w, box.h) > margin or at_border


def _unite(objects: dict[int, int], number: int, others: set[int]) -> None:
    """Adds a mark to the surest of some objects, and these to each other. Objects lie in the order of their sureness."""
    surest = next(n for n in objects if n in others)
    if len(others) > 1:
        objects.update({n: surest for n, its_object in objects.items() if its_object in others})
    objects[number] = surest


def _touching(numbers: Array) -> dict[int, set[int]]:
    """Which marks have cells side by side, or corner to corner, with which of the same label."""
    a, b = numbers[:, :-1], numbers[:, 1:]
    sides = [(a, b), (a[:, :, :-1], b[:, :, 1:]), (a[:, :, 1:], b[:, :, :-1])]
    sides.append((numbers[:, :, :-1], numbers[:, :, 1:]))
    touching: dict[int, set[int]] = {}
    for one, other in sides:
        differ = (one != other) & (one > 0) & (other > 0)
        for i, j in set(zip(one[differ].tolist(), other[differ].tolist(), strict=True)):
            touching.setdefault(i, set()).add(j)
            touching.setdefault(j, set()).add(i)
    return touching


def _joined_parts(mask: Array) -> Iterator[tuple[Array, Array]]:
    """Rows and columns of the cells of each 8-connected part."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for part in range(1, count):
        rows, columns = np.nonzero(parts == part)
        yield rows, columns
