"""Decides how a model without a network learns, is calibrated and judged.

The groups are split a few ways. What machines say of the part they haven't learnt from calibrates the last one, which
learns from all, and says how good it is: no figure is of a group that its machine or its calibration has seen. Where a
part was set aside beforehand there is one machine, which is calibrated and judged on that part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.jobs import CancelToken, Progress, Step
from core.models.classical import ANOMALY, ONE_CLASS
from core.models.classical_decisions import Machine
from core.train.class_metrics import class_metrics
from core.train.classical_fit import fit_calibration, fit_limit, fit_machine
from core.train.examples import Folds

Array = np.ndarray


@dataclass(frozen=True)
class Learned:
    """`weight`, `bias`: decisions → channels of the map (`core.models.classical`); `metrics`: on unseen groups."""

    machine: Machine
    weight: Array
    bias: Array
    metrics: dict[str, Any]


def learn(
    looks: Array,
    classes: Array,
    folds: Folds,
    names: Sequence[str],
    values: Mapping[str, Any],
    seed: int,
    progress: Progress,
    cancel: CancelToken,
) -> Learned:
    """
    Args:
        looks: (n, looks, features) float64, the first look is the window as it is; classes: (n,), 0 is "no defect".
        folds: (training, validation) indices; names: of all classes, "no defect" first; values: the trainer's.
    Raises CancelledError.
    """
    method, steps = values["method"], len(folds) + 1

    def fit(indices: Array, number: int) -> Machine:
        cancel.check()
        progress(Step(number, steps, "Learning"))
        features = looks[indices].reshape(-1, looks.shape[-1])
        return fit_machine(method, features, classes[indices].repeat(looks.shape[1]), len(names), values, seed)

    def calibrate(decisions: Array, shown: Array) -> tuple[Array, Array]:
        if method in ONE_CLASS:
            return fit_limit(decisions[shown == 0] if (shown == 0).any() else decisions, values["false_alarms"])
        return fit_calibration(decisions, shown, len(names), values["weighted"])

    machines = [fit(training, number) for number, (training, _) in enumerate(folds)]
    parts = [machine.decide(looks[unseen, 0]) for machine, (_, unseen) in zip(machines, folds, strict=True)]
    shown = [classes[unseen] for _, unseen in folds]
    channels = np.concatenate(_crosswise(parts, shown, calibrate))
    weight, bias = calibrate(np.concatenate(parts), np.concatenate(shown))
    machine = machines[0] if len(folds) == 1 else fit(np.union1d(*folds[0]), len(folds))
    figures = _one_class_figures if method in ONE_CLASS else _class_figures
    return Learned(machine, weight, bias, figures(channels, np.concatenate(shown), names))


def _crosswise(
    parts: Sequence[Array], shown: Sequence[Array], calibrate: Callable[[Array, Array], tuple[Array, Array]]
) -> list[Array]:
    """The channels of each part, calibrated by the other ones; a single part by itself."""
    channels = []
    for number, part in enumerate(parts):
        others = [i for i in range(len(parts)) if i != number] or [number]
        weight, bias = calibrate(*(np.concatenate([every[i] for i in others]) for every in (parts, shown)))
        channels.append(part @ weight + bias)
    return channels


def _class_figures(logits: Array, classes: Array, names: Sequence[str]) -> dict[str, Any]:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    surely = 1 - shares[:, 0] / shares.sum(1)
    return {**class_metrics(classes, logits.argmax(1), names), "auroc": _auroc(surely, classes)}


def _one_class_figures(scores: Array, classes: Array, names: Sequence[str]) -> dict[str, Any]:
    above = scores[:, 0] >= 1
    found = {
        name: round(float(above[classes == number].mean()), 4)
        for number, name in enumerate(names)
        if number and (classes == number).any()
    }
    figures = class_metrics(classes > 0, above, (names[0], ANOMALY))
    return {**figures, "auroc": _auroc(scores[:, 0], classes), "found_of_class": found}


def _auroc(scores: Array, classes: Array) -> float | None:
    """Of any defect against none; None where there is only one of them."""
    from sklearn.metrics import roc_auc_score

    defects = classes > 0
    return None if defects.all() or not defects.any() else round(float(roc_auc_score(defects, scores)), 4)
