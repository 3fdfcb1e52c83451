"""Decides what the models without a network are to a scan: texture statistics of windows, and a machine that judges them.

What was the state of the art before networks, behind the same interface, so that one sees what a network buys:

- glcm_svm: co-occurrence of grey levels, support vector machines, one class against the rest each.
- lbp_boosting: local binary patterns at three radii, gradient-boosted trees.
- one_class_svm: both statistics, a one-class support vector machine (Schölkopf et al. 2001) that has only seen windows
  without a defect.
- isolation_forest: both statistics, random trees in which what is unlike the rest is soon alone (Liu et al. 2008); it, too,
  has only seen windows without a defect.

A cell of the map is as wide as the stride and holds what is said of the window around its middle. It depends on that
window and `REACH_PX` around it alone. No torch, and scikit-learn only to learn (`core.train.classical`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from core.errors import InputError
from core.models.base import Model, ModelFamily, ModelSpec
from core.models.card import CARD_NAME
from core.models.classical_decisions import Forest, KernelMachine, Machine, Trees
from core.models.classical_features import GLCM, LBP, REACH_PX, width_of, window_features
from core.models.normal import ModelOfNormal
from core.models.weights import load_weights

Array = np.ndarray

GLCM_SVM, LBP_BOOSTING, ONE_CLASS_SVM = "glcm_svm", "lbp_boosting", "one_class_svm"
ISOLATION_FOREST = "isolation_forest"
METHODS: Mapping[str, tuple[type[KernelMachine | Trees], tuple[str, ...]]] = {
    GLCM_SVM: (KernelMachine, (GLCM,)),
    LBP_BOOSTING: (Trees, (LBP,)),
    ONE_CLASS_SVM: (KernelMachine, (GLCM, LBP)),
    ISOLATION_FOREST: (Forest, (GLCM, LBP)),
}
ONE_CLASS = frozenset({ONE_CLASS_SVM, ISOLATION_FOREST})
ANOMALY = "anomaly"
_TILE_PX = 1024
_MAX_SIZE = 1 << 20


class ClassicalModel(Model):
    """Maps are logits per cell, "no defect" first; those of a one-class machine its score alone.

    Args:
        weight, bias: (decisions, channels) and (channels,): decisions → the map's channels.
    """

    def __init__(self, spec: ModelSpec, kinds: Sequence[str], machine: Machine, weight: Array, bias: Array) -> None:
        self.spec = spec
        self._kinds, self._machine, self._weight, self._bias = kinds, machine, weight, bias

    def prepare(self, pixels: Array) -> Array:
        """The tile's map: counting is most of the work, and any number of threads may do it."""
        return self.map_tile(pixels)

    def submit(self, prepared: Sequence[Array]) -> list[Array]:
        return list(prepared)

    def map_tile(self, pixels: Array) -> Array:
        """Cells whose window reaches beyond the tile show the nearest window that doesn't."""
        spec = self.spec
        shape = tuple(n // spec.stride_px for n in pixels.shape[:2])
        lacking = [max(0, spec.window_px - n) for n in pixels.shape[:2]]
        if any(lacking):
            pixels = cv2.copyMakeBorder(pixels, 0, lacking[0], 0, lacking[1], cv2.BORDER_REFLECT_101)
        # The first window begins where the middle of a cell is as far as from the window's own.
        cells = self.logits(window_features(pixels, spec.window_px, spec.stride_px, self._kinds))
        rows, columns = (
            np.clip(np.arange(n) - (spec.window_px // spec.stride_px - 1) // 2, 0, there - 1)
            for n, there in zip(shape, cells.shape, strict=False)
        )
        return np.ascontiguousarray(np.moveaxis(cells[rows[:, None], columns], -1, 0), np.float32)

    def logits(self, features: Array) -> Array:
        """(…, features) float64 → (…, channels) float64."""
        decisions = self._machine.decide(features.reshape(-1, features.shape[-1]))
        return (decisions @ self._weight + self._bias).reshape(*features.shape[:-1], -1)

    def scores(self, maps: Array) -> Array:
        """Softmax without "no defect"; for a one-class machine the map as it is."""
        if len(maps) == len(self.spec.labels):
            return maps
        exponentials = np.exp(maps - maps.max(0))
        return (exponentials / exponentials.sum(0))[1:]

    def explain(self, pixels: Array, label: str) -> Array:
        """How much like `label` the windows around each place of the crop look; the highest is 1."""
        spec = self.spec
        height, width = pixels.shape[:2]
        border = (
            spec.halo_px,
            spec.halo_px + -height % spec.stride_px,
            spec.halo_px,
            spec.halo_px + -width % spec.stride_px,
        )
        maps = self.map_tile(cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REFLECT))
        edge = spec.halo_px // spec.stride_px
        cells = self.scores(maps)[spec.labels.index(label), edge : maps.shape[1] - edge, edge : maps.shape[2] - edge]
        size = (cells.shape[1] * spec.stride_px, cells.shape[0] * spec.stride_px)
        heat = np.maximum(cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[:height, :width], 0)
        return heat / max(float(heat.max()), 1e-6)


class OneClassModel(ModelOfNormal, ClassicalModel):
    """One that learnt what is normal, and so says where a section looks unlike that; nothing is matched."""


def scan_fields(
    method: str, labels: int, window_px: int, stride_px: int, threshold: float, floor: float
) -> dict[str, Any]:
    """The `scan` part of a card; `labels`: how many."""
    beyond = (window_px - stride_px) // 2 + REACH_PX
    return {
        "tile_px": max(1, _TILE_PX // stride_px) * stride_px,
        "halo_px": -(-beyond // stride_px) * stride_px,
        "window_px": window_px,
        "stride_px": stride_px,
        "map_channels": 1 if method in ONE_CLASS else labels + 1,
        "context_cells": 0,
        "score_unit": "times the limit of what is normal" if method in ONE_CLASS else "probability",
        "score_floor": floor,
        "threshold": threshold,
    }


def tensors_of(machine: Machine, weight: Array, bias: Array) -> dict[str, Array]:
    """What `load` takes back."""
    return {**vars(machine), "weight": weight, "bias": bias}


def load(spec: ModelSpec, device: str = "auto") -> ClassicalModel:
    """The model of a folder. Raises InputError for a card or weights that can't be used."""
    if spec.path is None:
        raise ValueError("a classical model lives in a model folder")
    try:
        kind, kinds = METHODS[spec.card["network"]["method"]]
        features = width_of(kinds)
        shapes = kind.shapes(_checked(spec), features)
        tensors = load_weights(
            spec.path, spec.card,
            {**shapes, "weight": (shapes["offset"][0], spec.map_channels), "bias": (spec.map_channels,)}, np.float64,
        )  # fmt: skip
        machine = kind(**{name: tensors[name] for name in shapes})
        machine.check(features)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"this is no classical model ({error})", path=spec.path / CARD_NAME, remedy="Train it again."
        ) from None
    made = OneClassModel if spec.card["network"]["method"] in ONE_CLASS else ClassicalModel
    return made(spec, kinds, machine, tensors["weight"], tensors["bias"])


def _checked(spec: ModelSpec) -> dict[str, int]:
    """The sizes in a card. Raises ValueError where they, or the scan's fields, can't be."""
    sizes = spec.card["network"]["sizes"]
    if not all(type(n) is int and 0 < n <= _MAX_SIZE for n in sizes.values()):
        raise ValueError("a size is no number that can be")
    method = spec.card["network"]["method"]
    due = scan_fields(method, len(spec.labels), spec.window_px, spec.stride_px, spec.threshold, spec.score_floor)
    if spec.window_px % spec.stride_px or any(spec.card["scan"].get(name) != value for name, value in due.items()):
        raise ValueError("what it says of the scan doesn't fit its windows")
    return sizes


SPEC = ModelFamily(id="classical", load=load)
