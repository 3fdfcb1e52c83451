"""Decides how detections are read from a map of scores. Pure: no model, no file.

A detection starts at a local maximum of one label's scores and covers the joined cells around it that reach a share of
that maximum (the cut at 45 % is Badmos's for class activation maps, dissertation §4.1.3). Where marks of several labels
lie on each other, the surest stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.detection import Candidate
from core.geometry import Box

Array = np.ndarray

SHARE_OF_PEAK = 0.45
# Two marks are the same finding when this much of the smaller one lies in the other.
SAME_FINDING = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding in cells: its box, how many cells it marks, and the cell (row, column) of its highest score."""

    label: int
    score: float
    box: Box
    cells: int
    peak: tuple[int, int]


def find_marks(scores: Array, floor: float) -> list[Mark]:
    """Every mark in a map, surest first, one per finding.

    Args:
        scores: (labels, rows, columns) float32; NaN where nothing was scanned.
        floor: maxima below it are nothing.
    """
    filled = np.nan_to_num(scores, nan=0.0, posinf=6e4)
    marks = [mark for label, plane in enumerate(filled) for mark in _marks_of(label, plane, floor)]
    return suppress(marks)


def suppress(marks: Iterable[Mark]) -> list[Mark]:
    """Of marks that are the same finding only the surest; ties go to the upper left one."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda m: (-m.score, m.peak, m.label)):
        if not any(_same_finding(mark.box, other.box) for other in kept):
            kept.append(mark)
    return kept


def to_candidate(mark: Mark, labels: Sequence[str], cell_px: float, row: int, column: int, section: Box) -> Candidate:
    """A mark of a block whose cell [0, 0] is the map's cell [row, column], in level-0 px, cut to the section."""
    box = mark.box.moved(column, row).scaled(cell_px)
    box = box.intersection(section) or box
    y, x = mark.peak
    return Candidate(
        label=labels[mark.label],
        score=mark.score,
        box=box,
        area_px=min(mark.cells * cell_px**2, box.area),
        peak=((column + x + 0.5) * cell_px, (row + y + 0.5) * cell_px),
    )


def _marks_of(label: int, plane: Array, floor: float) -> list[Mark]:
    """One label's marks: each maximum, highest first, takes the cells around it that are not taken yet."""
    plane = np.ascontiguousarray(plane, np.float32)
    free = np.zeros((plane.shape[0] + 2, plane.shape[1] + 2), np.uint8)  # flood fill wants a border; 0 = free
    marks = []
    for row, column in _maxima(plane, floor):
        if free[row + 1, column + 1]:
            continue
        score = float(plane[row, column])
        marks.append(_grow(label, plane, free, row, column, score))
    return marks


def _maxima(plane: Array, floor: float) -> list[tuple[int, int]]:
    """Cells at or above `floor` that no neighbour exceeds, highest first, ties by position."""
    highest = cv2.dilate(plane, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((plane >= floor) & (plane >= highest) & (plane > 0))
    order = np.lexsort((columns, rows, -plane[rows, columns]))
    return [(int(rows[i]), int(columns[i])) for i in order]


def _grow(label: int, plane: Array, taken: Array, row: int, column: int, score: float) -> Mark:
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    lower, upper = score * (1 - SHARE_OF_PEAK), 0.0
    cells, _, _, (x, y, w, h) = cv2.floodFill(plane, taken, (column, row), 0, lower, upper, flags)
    return Mark(label, score, Box(x, y, w, h), int(cells), (row, column))


def _same_finding(a: Box, b: Box) -> bool:
    common = a.intersection(b)
    return common is not None and common.area >= SAME_FINDING * min(a.area, b.area)
