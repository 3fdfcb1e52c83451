"""Decides which classes a detection may be instead, by the scores that its scan stored: no model is asked again."""

from __future__ import annotations

from collections.abc import Sequence

from core.detection import Detection
from core.project.score_map import ScoreMap

TOP = 3  # so many are offered, as in Badmos's dissertation, §5.1


def class_scores(score_map: ScoreMap, labels: Sequence[str], detection: Detection) -> dict[str, float]:
    """The highest score of each class within a detection's box: its own class first, then the highest.

    Empty where the map has none. Raises InputError when the map is damaged.
    """
    highest = score_map.highest_in(detection.box) if score_map.labels == len(labels) else None
    if highest is None:
        return {}
    found = {label: float(score) for label, score in zip(labels, highest, strict=True)}
    return dict(sorted(found.items(), key=lambda item: (item[0] != detection.said_label, -item[1])))


def top_classes(score_map: ScoreMap, labels: Sequence[str], detection: Detection) -> list[tuple[str, float]]:
    """The `TOP` highest of `class_scores`, highest first."""
    found = class_scores(score_map, labels, detection)
    return sorted(found.items(), key=lambda item: -item[1])[:TOP]
