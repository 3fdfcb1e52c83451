"""Decides how window features become decisions: a learnt machine kept as plain arrays, computed with numpy alone.

scikit-learn learns them (`core.train.classical_fit`); nothing of it is needed, or unpickled, to compute them. All of it
is float64, so that what is computed here is what scikit-learn computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Array = np.ndarray

# Values held at once: windows × support vectors, or windows × trees.
_AT_ONCE = 1 << 22


class Machine(Protocol):
    """Decisions of windows from their features: the higher, the more of a class."""

    def decide(self, features: Array) -> Array:
        """(n, features) float64 → (n, decisions) float64."""
        ...

    def sizes(self) -> dict[str, int]:
        """What `shapes` of the same class needs beside the number of features."""
        ...

    def check(self, features: int) -> None:
        """Raises ValueError where the arrays don't fit so many features, or each other."""
        ...


@dataclass(frozen=True)
class KernelMachine:
    """Support vectors with a Gaussian kernel, for any number of decisions (Schölkopf & Smola 2002, eq. 7.25).

    decision_d(x) = Σ_s dual[s, d] · exp(−gamma · ‖(x − mean) / deviation − support[s]‖²) + offset[d]

    Args:
        mean, deviation: (features,) of what it learnt from; support: (vectors, features), scaled already.
        dual: (vectors, decisions); offset: (decisions,); gamma: (1,).
    """

    mean: Array
    deviation: Array
    support: Array
    dual: Array
    offset: Array
    gamma: Array

    def decide(self, features: Array) -> Array:
        scaled = (features - self.mean) / self.deviation
        squares = (self.support**2).sum(1)
        return _in_parts(lambda some: self._decide(some, squares), scaled, len(squares), len(self.offset))

    def _decide(self, scaled: Array, squares: Array) -> Array:
        apart = (scaled**2).sum(1)[:, None] + squares - 2 * scaled @ self.support.T
        return np.exp(-self.gamma * np.maximum(apart, 0)) @ self.dual + self.offset

    @staticmethod
    def shapes(sizes: Mapping[str, int], features: int) -> dict[str, tuple[int, ...]]:
        """Name → shape of each array."""
        vectors, decisions = sizes["vectors"], sizes["decisions"]
        of_scaling = {"mean": (features,), "deviation": (features,), "gamma": (1,)}
        return {**of_scaling, "support": (vectors, features), "dual": (vectors, decisions), "offset": (decisions,)}

    def sizes(self) -> dict[str, int]:
        return dict(zip(("vectors", "decisions"), self.dual.shape, strict=True))

    def check(self, features: int) -> None:
        if self.support.shape[1] != features or not (self.deviation > 0).all():
            raise ValueError("the support vectors don't fit the features")


@dataclass(frozen=True)
class Trees:
    """Regression trees that are added up (Friedman 2001), the root first.

    Args:
        feature, threshold: (trees, nodes); a window goes left where its feature is at most the threshold, else right.
        left, right: (trees, nodes), the number of a later node; at a leaf its own. value: (trees, nodes), of leaves.
        decision: (trees,), which decision a tree adds to; offset: (decisions,).
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array
    decision: Array
    offset: Array

    def decide(self, features: Array) -> Array:
        adds = (self.decision[:, None] == np.arange(len(self.offset))).astype(np.float64)
        return _in_parts(lambda some: self._leaves(some) @ adds, features, len(adds), len(self.offset)) + self.offset

    def _leaves(self, features: Array) -> Array:
        """(n, trees): the value of the leaf that each window comes to."""
        first = np.arange(self.feature.shape[0])[:, None] * self.feature.shape[1]
        feature = self.feature.astype(np.intp).ravel()
        left, right = ((first + later.astype(np.intp)).ravel() for later in (self.left, self.right))
        threshold, rows = self.threshold.ravel(), np.arange(len(features))[:, None]
        at = np.broadcast_to(first.T, (len(features), len(first)))
        while True:
            below = features[rows, feature[at]] <= threshold[at]
            after = np.where(below, left[at], right[at])
            if np.array_equal(after, at):
                return self.value.ravel()[at]
            at = after

    @staticmethod
    def shapes(sizes: Mapping[str, int], features: int) -> dict[str, tuple[int, ...]]:
        """Name → shape of each array, whatever the number of features."""
        trees, nodes = sizes["trees"], sizes["nodes"]
        per_node = ("feature", "threshold", "left", "right", "value")
        return {**dict.fromkeys(per_node, (trees, nodes)), "decision": (trees,), "offset": (sizes["decisions"],)}

    def sizes(self) -> dict[str, int]:
        trees, nodes = self.feature.shape
        return {"trees": trees, "nodes": nodes, "decisions": len(self.offset)}

    def check(self, features: int) -> None:
        """A node's children come after it, so that every window comes to a leaf."""
        own = np.arange(self.feature.shape[1])
        leaf = (self.left == own) & (self.right == own)
        inner = (self.left > own) & (self.right > own) & (np.maximum(self.left, self.right) < len(own))
        whole = all((a == np.floor(a)).all() for a in (self.feature, self.left, self.right, self.decision))
        known = (self.feature >= 0) & (self.feature < features)
        of_one = (self.decision >= 0) & (self.decision < len(self.offset))
        if not (whole and (leaf | inner).all() and known.all() and of_one.all()):
            raise ValueError("the trees' nodes don't fit each other")


@dataclass(frozen=True)
class Forest(Trees):
    """Trees of an isolation forest: the decision is the mean length of a window's way to its leaf, in units of what it is
    for a window like any other, E(h(x)) / c(ψ) (Liu, Ting and Zhou 2008, eq. 2)."""

    def decide(self, features: Array) -> Array:
        """In half as many digits, as scikit-learn compares them."""
        return super().decide(features.astype(np.float32))


def _in_parts(decide: Callable[[Array], Array], features: Array, width: int, decisions: int) -> Array:
    """So many windows at a time that `width` values for each fit into memory."""
    size = max(1, _AT_ONCE // max(1, width))
    parts = [decide(features[start : start + size]) for start in range(0, len(features), size)]
    return np.concatenate(parts) if parts else np.zeros((0, decisions))
