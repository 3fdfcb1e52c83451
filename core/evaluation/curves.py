"""Decides which curves are drawn of scores with known truth: ROC, precision over recall, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.evaluation.statistics import wilson

Array = np.ndarray

MOST_POINTS = 200
BINS = 10
_FEWEST_IN_BIN = 10


def auroc(is_so: Array, scores: Array, weights: Array | None = None) -> float | None:
    """Area under the ROC curve: how often of two cases the one that is so scores higher (Mann and Whitney 1947).

    None where only one of both kinds is there. `weights`: of each case.
    """
    _, place = np.unique(scores, return_inverse=True)
    weights = np.ones(len(scores)) if weights is None else weights
    so, other = (np.bincount(place, weights * kind) for kind in (is_so, ~is_so))
    pairs = so.sum() * other.sum()
    return float((so * (np.cumsum(other) - other / 2)).sum() / pairs) if pairs else None


def auprc(is_so: Array, scores: Array) -> float | None:
    """Average precision (no interpolation); None where nothing is so."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(is_so, scores)) if np.any(is_so) else None


def roc_curve(is_so: Array, scores: Array) -> list[list[float]]:
    """(false positive rate, true positive rate) from (0, 0) to (1, 1); empty where only one kind is there."""
    from sklearn.metrics import roc_curve as of_scores

    if len(np.unique(is_so)) < 2:
        return []
    false, true, _ = of_scores(is_so, scores)
    return _points(false, true)


def precision_recall_curve(hits: Array, scores: Array, truths: int) -> list[list[float]]:
    """(recall, precision) from the highest score down, a point for each different score; empty without truth.

    Args:
        hits: (n,) bool, whether each is right; truths: how many there are to be found, also by no score at all.
    """
    if not truths or not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    right, last = np.cumsum(hits[order]), np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return _points(right[last] / truths, right[last] / (last + 1))


def calibration(claimed: Array, right: Array) -> dict[str, Any] | None:
    """How often what was claimed with some probability was right, in up to ten bins of equally many cases.

    Args:
        claimed: (n,) probabilities; right: (n,) bool.
    Returns:
        `bins`, each with claimed (mean), right (share), interval, count; `ece`, the expected calibration error (Naeini
        et al. 2015) over these bins of equal mass (Nguyen and O'Connor 2015). None for fewer than ten cases.
    """
    bins = min(BINS, len(claimed) // _FEWEST_IN_BIN)
    if not bins:
        return None
    order = np.argsort(claimed, kind="stable")
    rows, error = [], 0.0
    for part in np.array_split(order, bins):
        mean, share = float(claimed[part].mean()), float(right[part].mean())
        error += len(part) / len(order) * abs(mean - share)
        interval = wilson(float(right[part].sum()), len(part))
        rows.append({"claimed": round(mean, 4), "right": round(share, 4), "interval": interval, "count": len(part)})
    return {"bins": rows, "ece": round(error, 4)}


def threshold_table(
    scores: Array, hits: Array, truths: int, area_mm2: float | None, also: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """What each threshold leads to: how many to review, found, missed, false alarms (per mm² too), rising.

    Args:
        scores: (n,) of all that can be shown; hits: (n,) bool, whether it is a defect, each defect once.
        truths: how many defects there are; also: thresholds that must be among them.
    """
    if not len(scores):
        return []
    ordered = np.sort(scores)
    quantiles = np.quantile(ordered, np.linspace(0, 1, MOST_POINTS), method="lower")
    # Rounded down: what has just this score is still shown.
    wanted = np.unique([*np.floor(quantiles * 1e4) / 1e4, *also])
    above = len(scores) - np.searchsorted(ordered, wanted)
    found = int(hits.sum()) - np.searchsorted(np.sort(scores[hits]), wanted)
    return [
        {
            "threshold": float(t),
            "review": int(n),
            "found": int(f),
            "missed": truths - int(f),
            "false_alarms": int(n - f),
            "per_mm2": round(float(n - f) / area_mm2, 4) if area_mm2 else None,
        }
        for t, n, f in zip(wanted, above, found, strict=True)
    ]


def at_threshold(table: Sequence[dict[str, Any]], threshold: float) -> dict[str, Any] | None:
    """The row that holds at a threshold: the next one at or above it; None where nothing scores so high."""
    return next((row for row in table if row["threshold"] >= threshold - 1e-9), None)


def _points(x: Array, y: Array) -> list[list[float]]:
    """At most `MOST_POINTS`, the ends among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).round().astype(int))
    return [[round(float(x[i]), 4), round(float(y[i]), 4)] for i in chosen]
