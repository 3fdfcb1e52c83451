"""Decides how scikit-learn learns the machines of classical models, and which of its numbers are kept as arrays.

Classifiers decide each class against the rest; for two classes one decision, on the second, is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from core.models.classical import GLCM_SVM, ONE_CLASS_SVM
from core.models.classical_decisions import KernelMachine, Machine, Trees

Array = np.ndarray

# The decision on a class that a part of the data doesn't have.
_NEVER = -3.0
# The logit of a class that is never the answer; fits into a half float.
_NEVER_LOGIT = -1e4
_CALIBRATION_ROUNDS = 1000


def fit_machine(
    method: str, features: Array, classes: Array, count: int, values: Mapping[str, Any], seed: int
) -> Machine:
    """A machine that has learnt.

    Args:
        features: (n, features) float64; classes: (n,) 0 is "no defect", all a one-class machine learns from.
        count: how many classes there are; values: of the trainer's parameters.
    """
    if method == ONE_CLASS_SVM:
        return fit_one_class(features[classes == 0], values["outliers"])
    if method == GLCM_SVM:
        return fit_svm(features, classes, count, values["cost"], values["weighted"])
    return fit_boosting(features, classes, count, values, seed)


def fit_svm(features: Array, classes: Array, count: int, cost: float, weighted: bool) -> KernelMachine:
    """Support vectors that the decisions have in common are kept once."""
    from sklearn.svm import SVC

    mean, deviation = _scaling(features)
    scaled, gamma = (features - mean) / deviation, 1 / features.shape[1]
    offset = _without_decision(count)
    dual = np.zeros((len(features), len(offset)))
    for decision, shows in _decisions(classes, count):
        machine = SVC(C=cost, gamma=gamma, class_weight="balanced" if weighted else None).fit(scaled, shows)
        dual[machine.support_, decision] = machine.dual_coef_[0]
        offset[decision] = machine.intercept_[0]
    used = dual.any(1)
    return KernelMachine(mean, deviation, scaled[used], dual[used], offset, np.array([gamma]))


def fit_one_class(features: Array, outliers: float) -> KernelMachine:
    """Its decision is above 0 for what is like the windows it has seen (Schölkopf et al. 2001)."""
    from sklearn.svm import OneClassSVM

    mean, deviation = _scaling(features)
    gamma = 1 / features.shape[1]
    machine = OneClassSVM(nu=outliers, gamma=gamma).fit((features - mean) / deviation)
    return KernelMachine(
        mean, deviation, machine.support_vectors_, machine.dual_coef_.T, machine.intercept_, np.array([gamma])
    )


def fit_boosting(features: Array, classes: Array, count: int, values: Mapping[str, Any], seed: int) -> Trees:
    """Its decisions are log-odds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    offset = _without_decision(count)
    nodes: list[Array] = []
    owners: list[int] = []
    for decision, shows in _decisions(classes, count):
        machine = HistGradientBoostingClassifier(
            max_iter=values["trees"],
            max_depth=values["depth"],
            learning_rate=values["learning_rate"],
            class_weight="balanced" if values["weighted"] else None,
            early_stopping=False,
            random_state=seed,
        ).fit(features, shows)
        # scikit-learn has no public way to its trees; a test holds that they give what it predicts.
        trees = [tree.nodes for (tree,) in machine._predictors]
        nodes += trees
        owners += [decision] * len(trees)
        offset[decision] = machine._baseline_prediction.item()
    return _packed(nodes, owners, offset)


def fit_calibration(decisions: Array, classes: Array, count: int, weighted: bool) -> tuple[Array, Array]:
    """Decisions on what a machine hadn't learnt from → weight (decisions, count) and bias (count,) of logits.

    Multinomial logistic regression; for two classes that is Platt's scaling (1999). Where classes are weighted,
    probabilities are those that hold where all of them are equally frequent.
    """
    from sklearn.linear_model import LogisticRegression

    weight, bias, present = np.zeros((decisions.shape[1], count)), np.full(count, _NEVER_LOGIT), np.unique(classes)
    bias[present] = 0
    if len(present) == 1:
        return weight, bias
    regression = LogisticRegression(class_weight="balanced" if weighted else None, max_iter=_CALIBRATION_ROUNDS)
    regression.fit(decisions, classes)
    told = present[1:] if len(present) == 2 else present  # of two classes one row: how much more the second is
    weight[:, told], bias[told] = regression.coef_.T, regression.intercept_
    return weight, bias


def fit_limit(decisions: Array, false_alarms: float) -> tuple[Array, Array]:
    """Decisions of a one-class machine on unseen windows without a defect → weight (1, 1) and bias (1,) of its score.

    The score is 0 for the middle one of these windows, and 1 for what a share of `false_alarms` of them exceeds.
    """
    strange = -decisions[:, 0]
    middle, limit = np.quantile(strange, (0.5, 1 - false_alarms))
    span = max(limit - middle, 1e-9)
    return np.array([[-1 / span]]), np.array([-middle / span])


def _decisions(classes: Array, count: int) -> Iterator[tuple[int, Array]]:
    """(number of the decision, whether each window shows its class), for those that something can be learnt about."""
    for decision, number in enumerate([1] if count == 2 else range(count)):
        shows = classes == number
        if shows.any() and not shows.all():
            yield decision, shows


def _without_decision(count: int) -> Array:
    return np.full(1 if count == 2 else count, _NEVER)


def _scaling(features: Array) -> tuple[Array, Array]:
    """Mean and deviation of each feature; 1 for one that never changes."""
    deviation = features.std(0)
    return features.mean(0), np.where(deviation > 1e-12, deviation, 1.0)


def _packed(nodes: list[Array], owners: list[int], offset: Array) -> Trees:
    """Trees of any size side by side; what a smaller one lacks are leaves that nothing comes to."""
    most = max((len(tree) for tree in nodes), default=1)
    own = np.arange(most, dtype=np.float64)
    feature, threshold, value = np.zeros((3, len(nodes), most))
    left, right = np.tile(own, (2, len(nodes), 1))
    for at, tree in enumerate(nodes):
        inner = np.flatnonzero(tree["is_leaf"] == 0)
        feature[at, inner], threshold[at, inner] = tree["feature_idx"][inner], tree["num_threshold"][inner]
        left[at, inner], right[at, inner] = tree["left"][inner], tree["right"][inner]
        value[at, : len(tree)] = tree["value"]
    return Trees(feature, threshold, left, right, value, np.array(owners, np.float64), offset)
