"""Decides which thresholds a model of normal offers, and says in words what each one promises.

All are in times the limit of what is normal (`core.anomaly.calibration`). What is promised of false alarms is promised of
sections like those it learnt from; whether a section is one of them is for `core.anomaly.drift`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.anomaly.calibration import Calibration
from core.detection import Status

Array = np.ndarray

TRAINING_EXTREME, BEST_F1 = "training_extreme", "best_f1"
PER_1000, PER_MM2 = (10.0, 1.0, 0.1), (1.0, 0.1)
_DEFECT: Status = "defect"
_NO_DEFECT: frozenset[Status] = frozenset({"artefact", "false_alarm"})


@dataclass(frozen=True, slots=True)
class Preset:
    """A threshold somebody may choose. `expects`: what it promises, for people; a sentence."""

    id: str
    name: str
    threshold: float
    expects: str

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "threshold": self.threshold, "expects": self.expects}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A decision: the score of what was judged, times the limit, and what somebody said it is."""

    score: float
    status: Status


@dataclass(frozen=True, slots=True)
class BestF1:
    """The threshold at which what was judged is told apart best, and how well: `f1` 0 to 1, counts."""

    threshold: float
    f1: float
    found: int
    defects: int
    false_alarms: int


def presets(calibration: Calibration, reviewed: Sequence[Reviewed] = ()) -> list[Preset]:
    """Thresholds to choose from: the one of the training, by false alarms, and where decisions allow it by them."""
    extreme = calibration.training_extreme / calibration.limit
    found = [
        Preset(
            TRAINING_EXTREME, "Worst of the training", extreme,
            f"No window is above it of those it learnt from and was tried on. {expects(calibration, extreme)}",
        )
    ]  # fmt: skip
    for alarms in PER_1000:
        threshold = calibration.threshold_per_1000(alarms)
        name = f"{alarms:g} false alarm{'' if alarms == 1 else 's'} per 1,000 windows"
        found.append(Preset(f"per_1000_{alarms:g}", name, threshold, expects(calibration, threshold)))
    for alarms in PER_MM2:
        per_mm2 = calibration.threshold_per_mm2(alarms)
        if per_mm2 is not None:
            name = f"{alarms:g} false alarm{'' if alarms == 1 else 's'} per mm²"
            found.append(Preset(f"per_mm2_{alarms:g}", name, per_mm2, expects(calibration, per_mm2)))
    best = best_f1(reviewed)
    if best is not None:
        found.append(Preset(BEST_F1, "Best on what was judged", best.threshold, _of_best(best, calibration)))
    return found


def best_f1(reviewed: Sequence[Reviewed]) -> BestF1 | None:
    """The threshold with the highest F1 over decisions, halfway between the scores it parts; of equal ones the highest.

    Recall is over the defects among them: what no scan found can't count. Traces of preparation are no defects. None
    where nothing was judged a defect, or nothing something else.
    """
    judged = [
        (one.score, one.status == _DEFECT) for one in reviewed if one.status == _DEFECT or one.status in _NO_DEFECT
    ]
    judged.sort(reverse=True)
    defects = sum(is_defect for _, is_defect in judged)
    if not defects or defects == len(judged):
        return None
    best: BestF1 | None = None
    for place, (score, _) in enumerate(judged):
        following = judged[place + 1][0] if place + 1 < len(judged) else score
        if following == score and place + 1 < len(judged):
            continue  # both sides of a threshold must differ
        found = sum(is_defect for _, is_defect in judged[: place + 1])
        alarms = place + 1 - found
        f1 = 2 * found / (defects + found + alarms)
        if best is None or f1 > best.f1:
            best = BestF1((score + following) / 2, f1, found, defects, alarms)
    return best


def expects(calibration: Calibration, threshold: float) -> str:
    """What a threshold (times the limit) promises: a sentence for people."""
    per_1000, per_mm2 = calibration.alarms_per_1000(threshold), calibration.alarms_per_mm2(threshold)
    rate = f"{_rate(per_1000)} of 1,000 windows without a defect"
    area = "" if per_mm2 is None else f", or {_rate(per_mm2)} per mm²"
    windows = f"{calibration.windows.count:,} window{'' if calibration.windows.count == 1 else 's'}"
    source = f"from {windows} it {'learnt from, so more are likely' if calibration.is_of_learnt else 'never learnt'}"
    doubt = f"; {calibration.doubtful:.0%} of them taken for doubtful" if calibration.doubtful else ""
    beyond = " and what lies beyond them" if per_1000 * calibration.windows.count < 1000 else ""
    few = " So few windows are a guess." if calibration.is_of_few else ""
    return f"Expects a false alarm in {rate}{area} ({source}{beyond}{doubt}).{few}"


def _rate(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value >= 0.001 else "less than 0.001"


def _of_best(best: BestF1, calibration: Calibration) -> str:
    alarms = f"{best.false_alarms} false alarm{'' if best.false_alarms == 1 else 's'}"
    told = f"Of what was judged, {best.found} of {best.defects} defects and {alarms} are above it (F1 {best.f1:.2f})."
    return f"{told} {expects(calibration, best.threshold)}"


@dataclass(frozen=True)
class Distributions:
    """How scores are spread, to be drawn over each other; times the limit.

    Args:
        edges: (n + 1,) of the bins; what lies beyond the last is counted in the last.
        normal: (n,) share of the windows without a defect that are in each bin, as the model was calibrated.
        section: (n,) share of the section's windows, by the highest score in each; None where nothing was scanned.
        reviewed: for each status that occurs, (n,) how many decisions.
    """

    edges: Array
    normal: Array
    section: Array | None
    reviewed: Mapping[Status, Array]

    def to_json(self) -> dict[str, Any]:
        rounded = {
            name: [round(float(v), 6) for v in one] for name, one in (("edges", self.edges), ("normal", self.normal))
        }
        section = None if self.section is None else [round(float(v), 6) for v in self.section]
        counts = {status: [int(v) for v in one] for status, one in self.reviewed.items()}
        return {**rounded, "section": section, "reviewed": counts}


BINS = 60
_LEAST_SHOWN = 2.0  # times the limit
_MOST_SHOWN = 20.0


def distributions(
    calibration: Calibration, section: Array | None = None, reviewed: Sequence[Reviewed] = (), bins: int = BINS
) -> Distributions:
    """`section`: the highest score of each of its windows, of any shape, NaN where nothing was scanned
    (`window_maxima`)."""
    windows = None if section is None else section[np.isfinite(section)].astype(np.float64)
    judged = np.array([one.score for one in reviewed])
    highest = max([_LEAST_SHOWN, *(float(one.max()) for one in (windows, judged) if one is not None and one.size)])
    edges = np.linspace(0, min(highest, _MOST_SHOWN) * (1 + 1e-6), bins + 1)
    above = np.array([calibration.windows.above(edge * calibration.limit) for edge in edges])
    above[0], above[-1] = 1.0, 0.0
    statuses = dict.fromkeys(one.status for one in reviewed)
    return Distributions(
        edges,
        -np.diff(above),
        _counts(windows, edges) / len(windows) if windows is not None and len(windows) else None,
        {status: _counts([one.score for one in reviewed if one.status == status], edges) for status in statuses},
    )


def _counts(scores: Array | Sequence[float], edges: Array) -> Array:
    return np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0]
