"""Decides whether two scans found the same, and by how much they differ where they didn't. Pure.

What a person decided, when it was found and under which number is no part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.box_index import BoxIndex
from core.detection import Detection

# As for decisions that go over to a scan made anew: the same label over about the same px is the same finding.
SAME_FINDING_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of detections: `before` and `now` in all; `equal` in every value, `changed` in some, `gone` and `new`.

    The largest differences are among the changed ones: of scores, and of a box's edges in level-0 px.
    """

    before: int
    now: int
    equal: int
    changed: int
    gone: int
    new: int
    largest_score_difference: float
    largest_box_difference_px: float

    @property
    def identical(self) -> bool:
        return self.equal == self.before == self.now


def compare(before: Sequence[Detection], now: Sequence[Detection]) -> Comparison:
    """Detections of two scans of the same section, in any order."""
    old, new = _unequal(before, now), _unequal(now, before)
    pairs = _pairs(old, new)
    return Comparison(
        before=len(before),
        now=len(now),
        equal=len(before) - len(old),
        changed=len(pairs),
        gone=len(old) - len(pairs),
        new=len(new) - len(pairs),
        largest_score_difference=max((abs(a.score - b.score) for a, b in pairs), default=0.0),
        largest_box_difference_px=max((_edge_difference(a, b) for a, b in pairs), default=0.0),
    )


def _unequal(ones: Sequence[Detection], others: Sequence[Detection]) -> list[Detection]:
    """Those that have no equal among the others, each of which equals one only; surest first."""
    left = Counter(map(_values, others))
    unequal = []
    for one in ones:
        if left[_values(one)] > 0:
            left[_values(one)] -= 1
        else:
            unequal.append(one)
    return sorted(unequal, key=lambda d: (-d.score, d.box))


def _values(detection: Detection) -> tuple[Any, ...]:
    return detection.label, detection.score, detection.box, detection.area_px


def _pairs(old: Sequence[Detection], new: Sequence[Detection]) -> list[tuple[Detection, Detection]]:
    """The same findings with other values: one to one, surest first, each with the free one it overlaps most."""
    index = BoxIndex(np.array([_edges(one) for one in new], np.float64).reshape(-1, 4))
    taken: set[int] = set()
    pairs = []
    for one in old:
        near = [int(i) for i in index.touching(*_edges(one)) if i not in taken and new[i].label == one.label]
        best = max(near, key=lambda i: new[i].box.iou(one.box), default=None)
        if best is not None and new[best].box.iou(one.box) >= SAME_FINDING_IOU:
            taken.add(best)
            pairs.append((one, new[best]))
    return pairs


def _edges(one: Detection) -> tuple[float, float, float, float]:
    return one.box.x, one.box.y, one.box.x1, one.box.y1


def _edge_difference(a: Detection, b: Detection) -> float:
    return max(abs(p - q) for p, q in zip(_edges(a), _edges(b), strict=True))
