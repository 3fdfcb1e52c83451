"""Decides which figures are told of whole images that were given a class each. Pure: of answers and truth.

images, accuracy, balanced_accuracy, macro_f1, classes, confusion
                    see `core.train.class_metrics`; rows are the truth, columns what was predicted
micro_f1            over all classes together: with one class for each image the same as accuracy
intervals           95 % of accuracy (Wilson) and of auroc's "defect" (groups drawn again)
auroc, auprc        for each class against all others, their "mean", and "defect": any defect against none
curves              roc and precision_recall, for the same
calibration         of the class that was called; None where scores are no probabilities
thresholds          `core.evaluation.curves.threshold_table`: an image is looked at when it may show any defect
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.evaluation.curves import auprc, auroc, calibration, precision_recall_curve, roc_curve, threshold_table
from core.evaluation.statistics import group_bootstrap, wilson
from core.evaluation.values import Answer
from core.train.class_metrics import class_metrics

Array = np.ndarray

MEAN, DEFECT = "mean", "defect"


def image_figures(
    answers: Sequence[Answer], names: Sequence[str], groups: Sequence[str], threshold: float, *, probabilistic: bool
) -> dict[str, Any]:
    """All of the above; plain values.

    Args:
        names: every class, the one without a defect first; groups: of each answer.
        threshold: from which `Answer.defect` means that there is one.
    """
    truth = np.array([names.index(one.truth) for one in answers])
    predicted = np.array([names.index(one.predicted) for one in answers])
    told = class_metrics(truth, predicted, names)
    is_defect, defect = truth > 0, np.array([one.defect for one in answers])
    judged = {name: (truth == i, _scores(answers, name)) for i, name in enumerate(names) if _has(answers, name)}
    if is_defect.any() and not is_defect.all():
        judged[DEFECT] = is_defect, defect
    right = truth == predicted
    return {
        **told,
        "confusion": told["confusion"],
        "micro_f1": told["accuracy"],
        "intervals": {
            "accuracy": wilson(float(right.sum()), len(right)),
            "auroc": group_bootstrap(groups, lambda drawn: auroc(is_defect, defect, drawn))
            if DEFECT in judged
            else None,
        },
        "auroc": _with_mean({name: auroc(*pair) for name, pair in judged.items()}),
        "auprc": _with_mean({name: auprc(*pair) for name, pair in judged.items()}),
        "curves": {
            "roc": {name: roc_curve(*pair) for name, pair in judged.items()},
            "precision_recall": {n: precision_recall_curve(*pair, int(pair[0].sum())) for n, pair in judged.items()},
        },
        "calibration": calibration(_claimed(answers), right) if probabilistic else None,
        "thresholds": threshold_table(defect, is_defect, int(is_defect.sum()), None, [threshold])
        if DEFECT in judged
        else [],
    }


def _has(answers: Sequence[Answer], name: str) -> bool:
    return all(name in one.scores for one in answers)


def _scores(answers: Sequence[Answer], name: str) -> Array:
    return np.array([one.scores[name] for one in answers])


def _claimed(answers: Sequence[Answer]) -> Array:
    return np.array([one.scores[one.predicted] for one in answers])


def _with_mean(values: dict[str, float | None]) -> dict[str, float | None]:
    """Rounded; `mean` over the classes, without "defect"."""
    known = [value for name, value in values.items() if value is not None and name != DEFECT]
    rounded = {name: None if value is None else round(value, 4) for name, value in values.items()}
    return {**rounded, MEAN: round(float(np.mean(known)), 4) if known else None}
