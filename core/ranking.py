"""Decides what "worst" means. The gallery, the lists and the report all sort by this and by nothing else.

Severity is a class's weight times the sum of three shares, each 0 to 1:

- certainty: the model's score; of a distance, how far it is beyond the model's own threshold (one half there);
- size: the marked area a against a₀ = 50 µm × 50 µm, as a / (a + a₀);
- rarity: how few of the scan's detections are like it. Alike are those of the same class whose area differs by a factor of
  two at most. With k alike (itself included) among n, it is log(n / k) / log n: 0 if all are alike, 1 if it is the only
  one of its kind. It is the self-information of meeting one like it (Shannon 1948), by the most there can be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.detection import Detection
from core.detection_table import DetectionTable

Array = np.ndarray

CERTAINTY_SHARE, SIZE_SHARE, RARITY_SHARE = 0.65, 0.20, 0.15
ARTEFACT_WEIGHT = 0.2
ALIKE_FACTOR = 2.0  # of areas
# An area at which size counts half: a mark of 50 µm side, or of 100 px where the section has no scale.
HALF_SIDE_UM, HALF_SIDE_PX = 50.0, 100.0

RANKING_HELP = (
    "Severity, 0 to 100: "
    f"{100 * CERTAINTY_SHARE:.0f} for how sure the model is, {100 * SIZE_SHARE:.0f} for how large the mark is, "
    f"{100 * RARITY_SHARE:.0f} for how unusual it is "
    "among the detections of its scan; times the weight of its class. "
    "Equal severities are ordered from top to bottom, left to right."
)


@dataclass(frozen=True, slots=True)
class Scale:
    """What severity needs to know beside the detections.

    Args:
        threshold: the model's default one, so that moving the threshold never reorders the gallery.
        is_probability: whether scores are; else they are distances.
        um2_per_px2: the area of a level-0 px, None without calibration.
        weights: 0 to 1 by class; 1 for those that are missing.
    """

    threshold: float
    is_probability: bool
    um2_per_px2: float | None
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Parts:
    """How the severity of one detection comes about. `alike` of `count` detections of its scan are like it."""

    certainty: float
    size: float
    rarity: float
    weight: float
    alike: int
    count: int

    @property
    def severity(self) -> float:
        return float(self.weight * _sum(self.certainty, self.size, self.rarity))

    def words(self) -> list[str]:
        """A line for the severity, one for each of its parts."""
        alike = f"{self.alike:,} of {self.count:,} detections are like it"
        weighed = f"times {100 * self.weight:.0f} %, the weight of its class" if self.weight != 1 else ""
        lines = [
            f"Severity {self.severity:.0f} of 100",
            f"  {100 * CERTAINTY_SHARE * self.certainty:.0f} of {100 * CERTAINTY_SHARE:.0f} for how sure the model is",
            f"  {100 * SIZE_SHARE * self.size:.0f} of {100 * SIZE_SHARE:.0f} for its size",
            f"  {100 * RARITY_SHARE * self.rarity:.0f} of {100 * RARITY_SHARE:.0f} for how unusual it is: {alike}",
            f"  {weighed}" if weighed else "",
        ]
        return [line for line in lines if line]


class Ranking:
    """Severities among the detections of one scan.

    Args:
        labels, areas_px: the class and the marked area (level-0 px²) of each of them, those below the threshold too. Others
            may be ranked among them; each counts itself.
    """

    def __init__(self, scale: Scale, labels: Iterable[str] = (), areas_px: Iterable[float] = ()) -> None:
        self.scale = scale
        names, areas = np.array(list(labels), dtype=object), np.fromiter(areas_px, np.float64)
        self.count = len(areas)
        self._areas = {label: np.sort(areas[names == label]) for label in set(names.tolist())}

    def severities(self, labels: Sequence[str], scores: Array, areas_px: Array) -> Array:
        """(n,) of 0 to 100."""
        names = np.array(labels, dtype=object)
        rarity, weight = np.zeros(len(scores)), np.ones(len(scores))
        for label in set(labels):
            here = names == label
            rarity[here] = self._rarity(self._alike(label, areas_px[here]))
            weight[here] = self.scale.weights.get(label, 1.0)
        return weight * _sum(_certainty(scores, self.scale), _size(areas_px, self.scale), rarity)

    def parts(self, detection: Detection) -> Parts:
        """Of one detection, for people who ask why."""
        score, area = np.array([detection.score]), np.array([detection.area_px])
        alike = self._alike(detection.label, area)
        return Parts(
            certainty=float(_certainty(score, self.scale)[0]),
            size=float(_size(area, self.scale)[0]),
            rarity=float(self._rarity(alike)[0]),
            weight=self.scale.weights.get(detection.label, 1.0),
            alike=int(alike[0]),
            count=max(self.count, 1),
        )

    def ranked(self, detections: Sequence[Detection]) -> list[Detection]:
        """The same with their severities here, in the order given."""
        found = self.severities(
            [d.label for d in detections],
            np.array([d.score for d in detections], np.float64),
            np.array([d.area_px for d in detections], np.float64),
        )
        return [replace(d, severity=value) for d, value in zip(detections, found.tolist(), strict=True)]

    def _alike(self, label: str, areas_px: Array) -> Array:
        known = self._areas.get(label, np.empty(0))
        low = np.searchsorted(known, areas_px / ALIKE_FACTOR, "left")
        return np.maximum(np.searchsorted(known, areas_px * ALIKE_FACTOR, "right") - low, 1)

    def _rarity(self, alike: Array) -> Array:
        if self.count < 2:
            return np.zeros(len(alike))  # nothing to compare it with
        return np.clip(1 - np.log(alike) / np.log(self.count), 0.0, 1.0)


def default_weights(labels: Iterable[str], artefact_labels: Collection[str]) -> dict[str, float]:
    """Every class counts fully, traces of preparation a fifth."""
    return {label: ARTEFACT_WEIGHT if label in artefact_labels else 1.0 for label in labels}


def worst_first(detections: Iterable[Detection]) -> list[Detection]:
    """Highest severity first; ties from top to bottom, left to right, then by id, so that the order is stable."""
    table = DetectionTable.of(detections)
    order = worst_order(*(table.column(name) for name in ("id", "left", "top", "severity")))
    return [table[row] for row in order.tolist()]


def worst_order(ids: Array, left: Array, top: Array, severities: Array) -> Array:
    """(n,): which comes first, second, … by the rule of `worst_first`."""
    return np.lexsort((ids, left, top, -severities))


def _certainty(scores: Array, scale: Scale) -> Array:
    if scale.is_probability:
        return scores
    positive = np.maximum(scores, 0.0)
    return positive / np.maximum(positive + scale.threshold, np.finfo(float).tiny)


def _size(areas_px: Array, scale: Scale) -> Array:
    if scale.um2_per_px2 is None:
        return areas_px / (areas_px + HALF_SIDE_PX**2)
    areas = areas_px * scale.um2_per_px2
    return areas / (areas + HALF_SIDE_UM**2)


def _sum(certainty: Array | float, size: Array | float, rarity: Array | float) -> Array | float:
    return 100 * (CERTAINTY_SHARE * certainty + SIZE_SHARE * size + RARITY_SHARE * rarity)
