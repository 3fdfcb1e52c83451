"""Decides how marks are read from a map of scores. Pure: no model, no file.

A mark starts at a local maximum of one label's scores and covers the joined cells around it that reach a share of its
height (the cut at 45 % is Badmos's for class activation maps, dissertation §4.1.3), within what the model says of its
scores (`core.mark_levels`): what much that is normal reaches isn't part of a mark, and what hardly anything normal reaches is
no mark of its own beside one. Gaps are bridged between what is far above that only, and on ground that isn't the one that was
learnt all levels are higher: bumps of the ground would else run together. Where marks of several labels cover the same cells, the surest stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from core.detection import Candidate
from core.geometry import Box
from core.mark_levels import ANY_LEVEL, MarkLevels

Array = np.ndarray

SHARE_OF_PEAK = 0.45
# Two marks are the same finding when this much of the smaller one's cells are the other's too.
SAME_FINDING = 0.5
# So much of a map is ground: a defect that covers the rest of it is still one.
_GROUND = 1 / 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding in cells: the box it is drawn by, how many cells of that it marks, and the cell (row, column) of its
    highest score."""

    label: int
    score: float
    box: Box
    cells: int
    peak: tuple[int, int]


@dataclass(frozen=True)
class MarkedCells:
    """The marks of a map by number, surest first, and `numbers`: (labels, rows, columns) int32, which one covers a cell.

    0: none. Marks of one label never share a cell.
    """

    marks: dict[int, Mark]
    numbers: Array


def find_marks(scores: Array, floor: float, levels: MarkLevels = ANY_LEVEL) -> list[Mark]:
    """Every mark in a map, surest first, one per finding. Arguments as for `mark_cells`."""
    return list(mark_cells(scores, floor, levels).marks.values())


def mark_cells(scores: Array, floor: float, levels: MarkLevels = ANY_LEVEL) -> MarkedCells:
    """Every mark in a map, one per finding, with its cells.

    Args:
        scores: (labels, rows, columns) float32; NaN where nothing was scanned.
        floor: maxima below it are nothing.
        levels: see `core.models.base.Model.mark_levels`.
    """
    unknown = np.isnan(scores)
    if not unknown.all():
        levels = levels.on_ground(float(np.quantile(scores[~unknown], _GROUND)))
    filled = _without_gaps(np.nan_to_num(scores, nan=0.0, posinf=6e4), levels)
    filled[unknown] = 0
    numbers = np.zeros(filled.shape, np.int32)
    marks: dict[int, Mark] = {}
    for label, plane in enumerate(filled):
        for mark in _marks_of(label, plane, floor, levels, numbers[label], len(marks) + 1):
            marks[len(marks) + 1] = mark
    kept = _surest(marks, numbers)
    is_kept = np.zeros(len(marks) + 1, np.int32)
    is_kept[list(kept)] = 1
    numbers *= is_kept[numbers]
    return MarkedCells(kept, numbers)


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


def _surest(marks: dict[int, Mark], numbers: Array) -> dict[int, Mark]:
    """Of marks that are the same finding only the surest, surest first; ties go to the upper left one."""
    rivals = _same_findings(marks, numbers)
    kept: dict[int, Mark] = {}
    for number, mark in sorted(marks.items(), key=lambda item: (-item[1].score, item[1].peak, item[1].label)):
        if rivals.get(number, set()).isdisjoint(kept):
            kept[number] = mark
    return kept


def _same_findings(marks: dict[int, Mark], numbers: Array) -> dict[int, set[int]]:
    """For each mark those of other labels which are the same finding."""
    rivals: dict[int, set[int]] = {}
    claimed = numbers[:, np.count_nonzero(numbers, axis=0) > 1]  # cells that marks of several labels cover
    for one, other in combinations(sorted({mark.label for mark in marks.values()}), 2):
        both = claimed[[one, other]]
        pairs, common = np.unique(both[:, both.all(axis=0)], axis=1, return_counts=True)
        for (a, b), count in zip(pairs.T.tolist(), common.tolist(), strict=True):
            if count >= SAME_FINDING * min(marks[a].cells, marks[b].cells):
                rivals.setdefault(a, set()).add(b)
                rivals.setdefault(b, set()).add(a)
    return rivals


def _marks_of(label: int, plane: Array, floor: float, levels: MarkLevels, numbers: Array, first: int) -> Iterator[Mark]:
    """One label's marks: each maximum, highest first, takes the cells around it that are not taken yet.

    Writes the marks' numbers, from `first` on, into `numbers`.
    """
    plane = np.ascontiguousarray(plane, np.float32)
    taken = np.zeros((plane.shape[0] + 2, plane.shape[1] + 2), np.uint8)  # flood fill wants a border; 0 = free
    number = first
    for row, column in _maxima(plane, floor):
        if not numbers[row, column]:
            yield _grow(label, plane, levels, taken, numbers, (row, column), number)
            number += 1


def _without_gaps(planes: Array, levels: MarkLevels) -> Array:
    """(labels, rows, columns) with valleys filled up (grey closings) between cells that belong to findings: the further
    above what is normal they are, the wider ones (see `MarkLevels.gap_cells`)."""
    rim = 2 * levels.gap_cells
    framed = np.pad(np.float32(planes), ((0, 0), (rim, rim), (rim, rim)))  # beyond the border there is nothing to join
    for reach in range(1, levels.gap_cells + 1):
        strong = levels.surely + reach / levels.gap_cells * (levels.surely - levels.ground)
        joined = [cv2.morphologyEx(np.where(one >= strong, one, 0), cv2.MORPH_CLOSE, _square(reach)) for one in framed]
        framed = np.maximum(framed, np.stack(joined))
    return framed[:, rim : framed.shape[1] - rim, rim : framed.shape[2] - rim]


def _square(reach: int) -> Array:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _maxima(plane: Array, floor: float) -> list[tuple[int, int]]:
    """Cells at or above `floor` that no neighbour exceeds, highest first, ties by position."""
    highest = cv2.dilate(plane, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((plane >= floor) & (plane >= highest) & (plane > 0))
    order = np.lexsort((columns, rows, -plane[rows, columns]))
    return [(int(rows[i]), int(columns[i])) for i in order]


_JUST_TAKEN, _TAKEN = 2, 1


def _grow(
    label: int,
    plane: Array,
    levels: MarkLevels,
    taken: Array,
    numbers: Array,
    peak: tuple[int, int],
    number: int,
) -> Mark:
    score = float(plane[peak])
    height = SHARE_OF_PEAK * max(score - levels.ground, 0.0)
    of_peak = min(max(levels.ground + height, levels.least), score)
    cut = min(of_peak, levels.surely)
    flags = 8 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (_JUST_TAKEN << 8)
    lower, upper = score - cut, 0.0
    cells, _, _, (x, y, w, h) = cv2.floodFill(plane, taken, peak[::-1], 0, lower, upper, flags)
    around = taken[y + 1 : y + 1 + h, x + 1 : x + 1 + w]
    mine = around == _JUST_TAKEN
    numbers[y : y + h, x : x + w][mine] = number
    around[mine] = _TAKEN
    if not levels.spills:
        return Mark(label, score, Box(x, y, w, h), int(cells), peak)
    drawn = mine & (plane[y : y + h, x : x + w] >= of_peak)
    left, top, width, height = cv2.boundingRect(drawn.astype(np.uint8))
    return Mark(label, score, Box(x + left, y + top, width, height), int(drawn.sum()), peak)
