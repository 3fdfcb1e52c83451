"""Decides which marked pictures are validated on: whole groups, with every class on both sides where that can be.

A group is never split: what looks alike for other reasons than the defect (one section, one part) would be learnt.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.data.labelled import LabelledPicture, groups_in

Pictures = tuple[LabelledPicture, ...]

# So many ways to split are tried; the best one counts.
_TRIES = 64


def set_aside(pictures: Sequence[LabelledPicture], share: float, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
    """(training, validation): about `share` of the groups aside, at least one where there are two.

    A single group serves for both. A class that lies in one group alone is trained on and not validated. Of many splits
    drawn by chance the one counts that has the most classes on both sides and of each class nearly `share` aside.
    """
    groups = groups_in(pictures)
    if len(groups) == 1:
        return tuple(pictures), tuple(pictures)
    count = min(len(groups) - 1, max(1, round(share * len(groups))))
    counts = _marks_by_group(pictures, groups)
    splits = [rng.permutation(len(groups))[:count] for _ in range(_TRIES)]
    best = min(splits, key=lambda chosen: _cost(counts, chosen, count / len(groups)))
    aside = {groups[index] for index in best}
    return tuple(p for p in pictures if p.group not in aside), tuple(p for p in pictures if p.group in aside)


def _marks_by_group(pictures: Sequence[LabelledPicture], groups: Sequence[str]) -> np.ndarray:
    """(groups, classes + 1) float64: marks of each class, and in the last column pictures without any."""
    labels = sorted({mark.label for picture in pictures for mark in picture.marks})
    row, column = {name: i for i, name in enumerate(groups)}, {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(groups), len(labels) + 1))
    for picture in pictures:
        for mark in picture.marks:
            counts[row[picture.group], column[mark.label]] += 1
        counts[row[picture.group], -1] += not picture.marks
    return counts[:, counts.any(0)]


def _cost(counts: np.ndarray, chosen: np.ndarray, share: float) -> tuple[int, int, float]:
    """Classes that training lacks, classes that validation lacks, and how far the shares are off; the less the better."""
    total, aside = counts.sum(0), counts[chosen].sum(0)
    off = np.abs(aside / total - share).sum() if len(total) else 0.0
    return int((aside == total).sum()), int((aside == 0).sum()), float(off)
