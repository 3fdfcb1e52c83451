"""Decides how a score is written, wherever the window shows one."""

from __future__ import annotations

PROBABILITY = "probability"  # the score unit of models that classify


def format_score(score: float, unit: str = PROBABILITY) -> str:
    """The same decimals for all of a unit, so that columns of scores compare: 0.934; distances 4.60, 12.44, 183."""
    if unit == PROBABILITY:
        return f"{score:.3f}"
    return f"{score:.2f}" if abs(score) < 99.995 else f"{score:.0f}"
