"""Decides what "worst" means. The gallery, the lists and the report all sort by this and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from core.detection import Detection

RANKING_HELP = (
    "Severity, 0 to 100: three quarters how sure the model is, one quarter how large the mark is. "
    "Traces of preparation count a fifth. Equal severities are ordered from top to bottom, left to right."
)

_CERTAINTY_SHARE = 0.75
_ARTEFACT_WEIGHT = 0.2
# An area at which size counts half: a mark of 50 µm side, or of 100 px where the section has no scale.
_HALF_AREA_UM2 = 50.0**2
_HALF_AREA_PX2 = 100.0**2


def severity(
    score: float,
    threshold: float,
    area_px: float,
    um2_per_px2: float | None,
    *,
    is_probability: bool,
    is_artefact: bool,
) -> float:
    """How bad a detection is, 0 to 100.

    Args:
        score: the model's own; a probability, or a distance that counts half at `threshold`.
        threshold: the model's default one, so that moving the threshold never reorders the gallery.
        area_px: the marked area in level-0 px².
        um2_per_px2: the area of a level-0 px, None without calibration.
    """
    certainty = score if is_probability else score / (score + threshold) if score > 0 else 0.0
    area, half = (area_px * um2_per_px2, _HALF_AREA_UM2) if um2_per_px2 else (area_px, _HALF_AREA_PX2)
    size = area / (area + half)
    weight = _ARTEFACT_WEIGHT if is_artefact else 1.0
    return 100 * weight * (_CERTAINTY_SHARE * certainty + (1 - _CERTAINTY_SHARE) * size)


def worst_first(detections: Iterable[Detection]) -> list[Detection]:
    """Highest severity first; ties from top to bottom, left to right, then by id, so that the order is stable."""
    return sorted(detections, key=lambda d: (-d.severity, d.box.y, d.box.x, d.id))
