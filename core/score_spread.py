"""Decides how the scores of a scan are laid over each other to choose a threshold by: of what its model learnt as normal, of
the section, of what was judged; and says in words what a threshold comes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.anomaly.calibration import Calibration
from core.anomaly.thresholds import BEST_F1, Preset, Reviewed, best_f1, distributions, expects, presets
from core.anomaly.window_maxima import window_maxima
from core.detection import BY_PERSON, Detection, Status
from core.errors import SchliffError

if TYPE_CHECKING:
    from core.models.base import ModelSpec
    from core.project.records import ScanRecord
    from core.project.score_map import ScoreMap

Array = np.ndarray

PROBABILITY = "probability"
_BINS = 60
_MANY: Mapping[Status, str] = {
    "defect": "defects", "artefact": "artefacts", "false_alarm": "false alarms", "unsure": "unsure ones",
}  # fmt: skip
_LEAST_SHOWN = 1e-4
_STEEP = 100  # bars that differ by more than this are not seen beside each other


@dataclass(frozen=True)
class ScoreSpread:
    """The scores of a scan, counted.

    Args:
        edges: (n + 1,) of the bins.
        normal: (n,) share of the windows without a defect in each bin, as the model was calibrated; None: it was not.
        section: (n,) share of the section's windows by the highest score in each, or of its detections where the scan
            keeps no map; None where nothing was scanned.
        judged: for each status that somebody gave, the scores.
        complete: whether all that is stored of the section was looked at.
    """

    edges: Array
    normal: Array | None
    section: Array | None
    judged: Mapping[Status, tuple[float, ...]]
    complete: bool = True

    @property
    def is_steep(self) -> bool:
        """Whether a logarithmic scale is needed to see all of it."""
        shares = np.concatenate([one for one in (self.normal, self.section) if one is not None] or [np.zeros(0)])
        shares = shares[shares > 0]
        return bool(shares.size) and float(shares.max() / shares.min()) > _STEEP


def heights(shares: Array, least: float) -> Array:
    """Shares as heights of 0 to 1 on a logarithmic scale that begins at `least`; on a linear one where that is 0."""
    if least <= 0:
        return np.asarray(shares, np.float64)
    with np.errstate(divide="ignore"):
        return np.clip(1 - np.log10(shares) / np.log10(least), 0, 1)


def scale_marks(least: float, highest: float) -> list[tuple[float, str]]:
    """Where marks stand on the scale of `heights`, and what each says; `highest`: the largest share there is."""
    if least <= 0:
        step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if highest <= 5 * s)
        return [(n * step, f"{100 * n * step:g} %") for n in range(round(highest / step + 0.49) + 1)]
    powers = range(int(np.ceil(np.log10(least))), 1)
    return [(float(heights(np.array(10.0**p), least)), f"{100 * 10.0**p:g} %") for p in powers]


def least_share(spread: ScoreSpread) -> float:
    """Where a logarithmic scale begins so that the smallest bar is still seen."""
    shares = np.concatenate([one for one in (spread.normal, spread.section) if one is not None] or [np.zeros(0)])
    shares = shares[shares > _LEAST_SHOWN]
    return float(10.0 ** np.floor(np.log10(shares.min() * 0.99))) if shares.size else _LEAST_SHOWN


def spread_of(
    score_map: ScoreMap | None,
    window_px: float,
    detections: Sequence[Detection],
    unit: str,
    calibration: Calibration | None = None,
) -> ScoreSpread:
    """
    Args:
        window_px: the side of a window in level-0 px.
    Raises InputError when the map is damaged.
    """
    values, complete = np.array([d.score for d in detections if d.source != BY_PERSON], np.float64), True
    if score_map is not None:
        found, complete = window_maxima(score_map, window_px)
        values = found[np.isfinite(found)].astype(np.float64)
    judged = _judged(detections)
    if calibration is not None:
        of_normal = distributions(calibration, values if values.size else None, reviewed_of(detections))
        return ScoreSpread(of_normal.edges, of_normal.normal, of_normal.section, judged, complete)
    highest = max([values.max(initial=0), *(max(scores) for scores in judged.values())])
    edges = np.linspace(0, 1 if unit == PROBABILITY or highest <= 0 else highest * (1 + 1e-6), _BINS + 1)
    section = np.histogram(values, edges)[0] / values.size if values.size else None
    return ScoreSpread(edges, None, section, judged, complete)


def reviewed_of(detections: Iterable[Detection]) -> list[Reviewed]:
    """What somebody has judged of what a model found."""
    return [Reviewed(d.score, d.status) for d in detections if d.status != "unreviewed" and d.source != BY_PERSON]


def _judged(detections: Iterable[Detection]) -> dict[Status, tuple[float, ...]]:
    by_status: dict[Status, list[float]] = {}
    for one in reviewed_of(detections):
        by_status.setdefault(one.status, []).append(one.score)
    return {status: tuple(sorted(by_status[status])) for status in _MANY if status in by_status}


# -- the model behind a scan ----------------------------------------------------------------------


def configured_model(scan: ScanRecord) -> ModelSpec | None:
    """The model as it made a scan; None when it is not here any more or has changed."""
    from core.models.catalog import configure, model_of_scan

    with suppress(SchliffError):
        spec = model_of_scan(scan.model_id, scan.model_version, scan.model_path)
        return configure(spec, scan.parameters.get("model", {}))
    return None


def offered(spec: ModelSpec | None, calibration: Calibration | None, detections: Sequence[Detection]) -> list[Preset]:
    """Thresholds to choose from: the model's own, those by false alarms, the best one on what was judged."""
    found = [] if spec is None else [Preset("own", "The model’s own", spec.threshold, "")]
    if calibration is not None:
        return [
            *(replace(one, expects=expects(calibration, one.threshold)) for one in found),
            *presets(calibration, reviewed_of(detections)),
        ]
    best = best_f1(reviewed_of(detections))
    if best is not None:
        found.append(Preset(BEST_F1, "Best on what was judged", best.threshold, f"F1 {best.f1:.2f}"))
    return [replace(one, expects=" ".join([*judged_words(detections, one.threshold), one.expects])) for one in found]


# -- in words -------------------------------------------------------------------------------------


def shown_words(detections: Sequence[Detection], threshold: float) -> str:
    """How many detections a threshold shows."""
    shown = sum(d.score >= threshold for d in detections)
    return f"{shown:,} of {len(detections):,} detections shown."


def judged_words(detections: Iterable[Detection], threshold: float) -> list[str]:
    """How many of what was judged lie at or above a threshold; nothing where nothing was."""
    judged = _judged(detections)
    parts = [f"{sum(s >= threshold for s in judged[one])} of {len(judged[one])} {_MANY[one]}" for one in judged]
    return [f"Above it of what was judged: {', '.join(parts)}."] if parts else []
