"""Decides how a score is written, wherever the window shows one."""

from __future__ import annotations

from core.detection import Detection

PROBABILITY = "probability"  # the score unit of models that classify


def format_score(score: float, unit: str = PROBABILITY) -> str:
    """The same decimals for all of a unit, so that columns of scores compare: 0.934; distances 4.60, 12.44, 183."""
    if unit == PROBABILITY:
        return f"{score:.3f}"
    return f"{score:.2f}" if abs(score) < 99.995 else f"{score:.0f}"


def score_text(detection: Detection, unit: str = PROBABILITY) -> str:
    """A detection's score; what a person drew has none."""
    return "drawn" if detection.is_drawn else format_score(detection.score, unit)


# Times the limit of what is normal; beyond it how much further hardly matters.
_OF_NORMAL = (0.0, 3.0)


def scale_of(unit: str) -> tuple[float, float] | None:
    """From where to where the scores of all scans in a unit are coloured, so that sections compare; None where a unit means
    something else on each."""
    from core.anomaly.calibration import SCORE_UNIT

    if unit == PROBABILITY:
        return 0.0, 1.0
    return _OF_NORMAL if unit == SCORE_UNIT else None
