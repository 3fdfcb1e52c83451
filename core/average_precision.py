"""Decides how average precision is counted: from hits, and from boxes at an overlap, class by class.

The overlap that `core.check` asks for tells whether a person would find the place; here boxes must fit, as in the
published figures of detectors. Boxes of several pictures are given together, moved so far apart that none overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.geometry import Box

if TYPE_CHECKING:
    from core.check import Found
    from core.truth import TruthBox

Array = np.ndarray

# Of recall at which precision is read: as the dissertation and Pascal VOC until 2009, as COCO, at every hit.
ELEVEN_POINTS, COCO_POINTS, ALL_POINTS = 11, 101, 0
COCO_OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))

_ROWS = 1024  # boxes whose overlaps with all the others are held at once


def average_precision(hits: Sequence[bool], truths: int, points: int = ALL_POINTS) -> float | None:
    """The mean of precision over recall, where precision counts as the best at this recall or any higher one.

    Args:
        hits: for each detection, surest first, whether it was matched.
        truths: how many there are to be found; None is returned for 0.
        points: recalls 0 to 1 at equal steps where precision is read: 11 (Badmos 2022, §5.2; Everingham et al. 2010,
            §4.2), 101 (Lin et al. 2014, COCO); `ALL_POINTS`: wherever recall rises, the exact area (Pascal VOC since
            2010). Recall is compared in whole numbers: three of ten reach 0.3, which they don't in pycocotools' floats.
    """
    if not truths:
        return None
    hit = np.asarray(hits, bool)
    right = np.cumsum(hit)[hit]
    precision = right / (np.flatnonzero(hit) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # of each hit and all that come after it
    if points == ALL_POINTS:
        return float(best.sum() / truths)
    needed = -(-np.arange(points) * truths // (points - 1))  # hits that make up this recall, the first one for 0
    reached = np.maximum(needed, 1) - 1
    return float(best[reached[reached < len(best)]].sum() / points)


def class_precisions(
    found: Sequence[Found], marked: Sequence[TruthBox], overlap: float, points: int = ALL_POINTS
) -> dict[str, float]:
    """The average precision of every marked class, sorted by name, where boxes match that have this IoU at least.

    Surest first, each box takes the truth of its class it overlaps most of those still free, as in COCO's evaluation
    (VOC's counts a box as false whose best truth is taken, though another would do). All boxes count: COCO's takes the
    100 surest of a picture, which is too few for a section. Classes that are found but marked nowhere have no precision.
    """
    return {label: values[0] for label, values in _precisions(found, marked, (overlap,), points)}


def coco_precisions(found: Sequence[Found], marked: Sequence[TruthBox]) -> dict[str, float]:
    """COCO's "AP" of every marked class: the mean over the IoUs 0.50, 0.55, … 0.95, at 101 points of recall."""
    rows = _precisions(found, marked, COCO_OVERLAPS, COCO_POINTS)
    return {label: float(np.mean(values)) for label, values in rows}


def mean_average_precision(
    found: Sequence[Found], marked: Sequence[TruthBox], overlap: float, points: int = ALL_POINTS
) -> float:
    """mAP: the mean of `class_precisions`; 0 where nothing is marked."""
    values = list(class_precisions(found, marked, overlap, points).values())
    return float(np.mean(values)) if values else 0.0


def hits_at(boxes: Sequence[Box], truths: Sequence[Box], overlap: float) -> list[bool]:
    """For each box of one class, surest first, whether it takes a truth at this IoU."""
    return _hits(_overlapping(boxes, truths, overlap), overlap)


def _precisions(
    found: Sequence[Found], marked: Sequence[TruthBox], overlaps: Sequence[float], points: int
) -> Iterator[tuple[str, list[float]]]:
    """For each marked class its average precision at each overlap."""
    for label in sorted({one.label for one in marked}):
        truths = [one.box for one in marked if one.label == label]
        boxes = [one.box for one in sorted(found, key=lambda f: (-f.score, f.box)) if one.label == label]
        pairs = _overlapping(boxes, truths, min(overlaps))
        yield label, [average_precision(_hits(pairs, iou), len(truths), points) or 0.0 for iou in overlaps]


def _hits(pairs: Sequence[Sequence[tuple[float, int]]], least: float) -> list[bool]:
    """Which boxes take a truth. `pairs`: for each box, the truths it overlaps and how much, most first."""
    taken: set[int] = set()
    hits = []
    for own in pairs:
        free = next((truth for overlap, truth in own if overlap >= least and truth not in taken), None)
        hits.append(free is not None)
        taken.add(-1 if free is None else free)
    return hits


def _overlapping(boxes: Sequence[Box], truths: Sequence[Box], least: float) -> list[list[tuple[float, int]]]:
    """For each box the truths with which it has at least this IoU, most first."""
    theirs = _edges(truths)
    pairs: list[list[tuple[float, int]]] = []
    for start in range(0, len(boxes), _ROWS):
        for row in _ious(_edges(boxes[start : start + _ROWS]), theirs):
            enough = np.flatnonzero(row >= least)
            pairs.append(sorted(((float(row[i]), int(i)) for i in enough), key=lambda pair: (-pair[0], pair[1])))
    return pairs


def _edges(boxes: Sequence[Box]) -> Array:
    return np.array([(one.x, one.y, one.x1, one.y1) for one in boxes], float).reshape(-1, 4)


def _ious(a: Array, b: Array) -> Array:
    """IoU of each of `a` with each of `b`, float64."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(c[:, 2:] - c[:, :2], axis=1) for c in (a, b)]
    return common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-12)
