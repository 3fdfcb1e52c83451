"""Decides how scikit-learn learns the machines of classical models, and which of its numbers are kept as arrays.

Classifiers decide each class against the rest; for two classes one decision, on the second, is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from core.models.classical import GLCM_SVM, ISOLATION_FOREST, ONE_CLASS_SVM
from core.models.classical_decisions import Forest, KernelMachine, Machine, Trees

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
    if method == ISOLATION_FOREST:
        return fit_isolation(features[classes == 0], values["trees"], seed)
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
    nodes: list[_Nodes] = []
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
        trees = [_boosted(tree.nodes) for (tree,) in machine._predictors]
        nodes += trees
        owners += [decision] * len(trees)
        offset[decision] = machine._baseline_prediction.item()
    return Trees(**_packed(nodes), decision=np.array(owners, np.float64), offset=offset)


def fit_isolation(features: Array, trees: int, seed: int) -> Forest:
    """Its decision is small for what is unlike the windows it has seen; scikit-learn's score is −2 to the power of −decision."""
    from sklearn.ensemble import IsolationForest

    machine = IsolationForest(n_estimators=trees, random_state=seed).fit(features)
    usual = float(_way_beyond(np.array([machine.max_samples_]))[0]) * trees
    nodes = [_isolating(one.tree_, max(usual, 1e-12)) for one in machine.estimators_]
    return Forest(**_packed(nodes), decision=np.zeros(trees), offset=np.zeros(1))


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


class _Nodes(NamedTuple):
    """One tree, as `Trees` has many: (nodes,) each."""

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array


def _boosted(nodes: Array) -> _Nodes:
    """A tree of gradient boosting, as scikit-learn keeps it."""
    leaf, own = nodes["is_leaf"] != 0, np.arange(len(nodes))
    feature, threshold = (np.where(leaf, 0, nodes[name]) for name in ("feature_idx", "num_threshold"))
    left, right = (np.where(leaf, own, nodes[side]) for side in ("left", "right"))
    return _Nodes(feature, threshold, left, right, nodes["value"])


def _isolating(tree: Any, usual: float) -> _Nodes:
    """A tree of an isolation forest; a leaf's value is how long the way to it is, and would be on, in units of `usual`."""
    leaf, own = tree.children_left < 0, np.arange(tree.node_count)
    depth = np.zeros(tree.node_count)
    for node in own[~leaf]:  # parents come before their children
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1
    left, right = (np.where(leaf, own, side) for side in (tree.children_left, tree.children_right))
    feature, threshold = (np.where(leaf, 0, values) for values in (tree.feature, tree.threshold))
    return _Nodes(feature, threshold, left, right, (depth + _way_beyond(tree.n_node_samples)) / usual)


def _way_beyond(samples: Array) -> Array:
    """c(n), the mean way in a tree of n samples (Liu, Ting and Zhou 2008, eq. 1)."""
    n = np.maximum(samples, 3).astype(np.float64)
    return np.select([samples <= 1, samples == 2], [0.0, 1.0], 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n)


def _packed(nodes: list[_Nodes]) -> dict[str, Array]:
    """Trees of any size side by side; what a smaller one lacks are leaves that nothing comes to."""
    most = max((len(tree.value) for tree in nodes), default=1)
    own = np.arange(most, dtype=np.float64)
    packed = np.zeros((len(_Nodes._fields), len(nodes), most))
    packed[2:4] = own
    for at, tree in enumerate(nodes):
        packed[:, at, : len(tree.value)] = tree
    return dict(zip(_Nodes._fields, packed, strict=True))
