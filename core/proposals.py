"""Decides which detections a person should judge next, so that the next training learns most: uncertain and diverse ones.

Uncertain is a detection whose score lies near the threshold, on either side, or for which two classes score alike.
Diverse are those that lie far from each other, and from what was judged already, in a space of what is stored of them:
class, size, elongation and, a little, place; what they look like is not. From the most uncertain ones each next is the one with the
highest product of uncertainty and distance to the nearest chosen one: the greedy k-center choice of Sener & Savarese
(2018, "Active learning for convolutional neural networks: a core-set approach", algorithm 1), weighted. Nothing is left
to chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.class_colours import class_name
from core.detection import Detection
from core.errors import UsageError
from core.project import Project, ScanRecord

Array = np.ndarray

DEFAULT_COUNT, MOST = 20, 500
# Chosen among so many times as many of the most uncertain ones.
_POOL = 10
_LEAST_POOL = 100
# A class that scores less is no rival.
_LEAST_SCORE = 0.1
# How much the section's longer side, and another class, count beside boxes of twice the side.
_PLACE_SHARE, _CLASS_SHARE = 0.5, 1.0
_MOST_JUDGED = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """One detection to judge. `uncertainty`: 0 to 1; `why`: for people."""

    detection: Detection
    uncertainty: float
    why: str

    def to_json(self) -> dict[str, Any]:
        one = self.detection
        return {
            "id": one.id, "scan_id": one.scan_id, "class": one.label, "score": one.score,
            "uncertainty": round(self.uncertainty, 4), "why": self.why,
            "x_px": one.box.x, "y_px": one.box.y, "w_px": one.box.w, "h_px": one.box.h,
        }  # fmt: skip


def propose(project: Project, scan: ScanRecord, count: int = DEFAULT_COUNT) -> list[Proposal]:
    """At most `count` detections of a scan that nobody has judged, the one to look at first first.

    Those below the scan's threshold are among them. Raises UsageError for a count out of range.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"{count} proposals are out of range", remedy=f"Ask for 1 to {MOST}.")
    found = project.detections(scan.id)
    doubts = [_doubt(scan, one, {}) for one in found if one.status == "unreviewed"]
    doubts.sort(key=lambda one: (-one.uncertainty, one.detection.id))
    pool = doubts[: max(_LEAST_POOL, _POOL * count)]
    scores = _class_scores(project, scan, [one.detection for one in pool])
    pool = [_doubt(scan, one.detection, known) for one, known in zip(pool, scores, strict=True)]
    judged = [one for one in found if one.is_decided][:_MOST_JUDGED]
    return _spread(project, scan, pool, judged, count)


def _doubt(scan: ScanRecord, one: Detection, scores: dict[str, float]) -> Proposal:
    near = near_threshold(one.score, scan.threshold, is_probability=scan.score_unit == "probability")
    rivals = {label: score for label, score in scores.items() if label != one.label and score >= _LEAST_SCORE}
    rival = max(rivals, key=lambda label: rivals[label], default="")
    torn = min(rivals[rival] / one.score, one.score / rivals[rival]) if rival and one.score > 0 else 0.0
    if torn > near:
        return Proposal(
            one, torn, f"{class_name(one.label)} {one.score:.2f} or {class_name(rival)} {rivals[rival]:.2f}"
        )
    side = "above" if one.score >= scan.threshold else "below"
    return Proposal(one, near, f"Score {one.score:.2f}, {side} the threshold {scan.threshold:.2f}")


def near_threshold(score: float, threshold: float, *, is_probability: bool) -> float:
    """The entropy, in bits, of whether it is a defect: 1 at the threshold, where that is even odds, 0 far from it.

    Odds are relative to those at the threshold: s / (1 − s) for a probability, the score itself for a distance.
    """
    if score <= 0 or threshold <= 0:
        return 0.0 if score != threshold else 1.0
    odds = score / threshold
    if is_probability:
        if score >= 1 or threshold >= 1:
            return 0.0
        odds *= (1 - threshold) / (1 - score)
    share = odds / (1 + odds)
    return -sum(p * math.log2(p) for p in (share, 1 - share) if p > 0)


def _spread(
    project: Project, scan: ScanRecord, pool: Sequence[Proposal], judged: Sequence[Detection], count: int
) -> list[Proposal]:
    """Greedy: each next one by uncertainty times distance to the nearest that was judged or chosen."""
    section = project.section(scan.section_id)
    side = max(section.width_px, section.height_px)
    points = _descriptors([one.detection for one in pool], scan.labels, side)
    uncertainty = np.array([one.uncertainty for one in pool])
    apart = np.full(len(pool), np.inf)
    for point in _descriptors(judged, scan.labels, side):
        apart = np.minimum(apart, np.linalg.norm(points - point, axis=1))
    chosen: list[int] = []
    while len(chosen) < min(count, len(pool)):
        gain = uncertainty * np.where(np.isinf(apart), 1.0, apart)
        gain[chosen] = -1
        chosen.append(int(gain.argmax()))
        apart = np.minimum(apart, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return [pool[index] for index in chosen]


def _descriptors(detections: Sequence[Detection], labels: Sequence[str], side: float) -> Array:
    """(n, labels + 4): score of the class, log2 of size and of elongation, place in the section (`side`: px)."""
    points = np.zeros((len(detections), len(labels) + 4))
    for row, one in zip(points, detections, strict=True):
        if one.label in labels:
            row[labels.index(one.label)] = _CLASS_SHARE
        width, height = max(one.box.w, 1.0), max(one.box.h, 1.0)
        x, y = one.box.center
        row[len(labels) :] = (
            math.log2(width * height) / 2, math.log2(width / height), _PLACE_SHARE * x / side, _PLACE_SHARE * y / side,
        )  # fmt: skip
    return points


def _class_scores(project: Project, scan: ScanRecord, detections: Sequence[Detection]) -> list[dict[str, float]]:
    """The highest score of each class within each box; nothing for models that give no map, or know one class."""
    scores = project.score_map(scan.id) if len(scan.labels) > 1 else None
    if scores is None or scores.labels != len(scan.labels):
        return [{} for _ in detections]
    found = [scores.highest_in(one.box) for one in detections]
    return [{} if v is None else dict(zip(scan.labels, map(float, v), strict=True)) for v in found]
