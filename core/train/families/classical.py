"""Decides what can be set when a model without a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.jobs import CancelToken, Progress
from core.models.classical import GLCM_SVM, METHODS
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    Parameter("method", str, GLCM_SVM, "statistics and machine; one_class_svm and isolation_forest only learn what is without a defect",
              choices=tuple(METHODS), main=True),
    Parameter("no_defect", str, "", "the class without a defect; empty: the one called normal, good, ok, none…"),
    Parameter("um_per_px", float, 0.0, "scale at which it looks; 0: that of the marked pictures, unknown for images",
              0.0, 1000, "µm/px", main=True),
    Parameter("window_px", int, 96, "side of a window, an odd number of strides", 24, 1024, "px", main=True),
    Parameter("stride_px", int, 32, "from one window to the next", 8, 512, "px"),
    Parameter("negatives", float, 3.0, "marked pictures: windows without a defect for each one with", 0.0, 100.0),
    Parameter("looks", int, 1, "times that each window is learnt; after the first otherwise lit, turned and placed", 1, 50),
    Parameter("most", int, 8000, "windows learnt from at most, drawn by chance", 10, 200_000),
    Parameter("weighted", bool, True, "rare classes count as much as frequent ones"),
    Parameter("folds", int, 5, "the groups are split so many ways to calibrate and to judge", 2, 20),
    Parameter("cost", float, 10.0, "glcm_svm: what a window on the wrong side costs (C)", 1e-3, 1e6),
    Parameter("trees", int, 100, "lbp_boosting: rounds of boosting; isolation_forest: trees", 1, 2000),
    Parameter("depth", int, 4, "lbp_boosting: decisions one after the other in a tree", 1, 10),
    Parameter("learning_rate", float, 0.1, "lbp_boosting: what each round adds", 1e-3, 1.0),
    Parameter("outliers", float, 0.05, "one_class_svm: share of what it learns from that may lie outside (ν)", 1e-3, 0.5),
    Parameter("false_alarms", float, 0.01, "of one class: share of unseen windows without a defect above the threshold",
              1e-4, 0.5),
)  # fmt: skip


def _train(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int,
    device: str,
    progress: Progress,
    cancel: CancelToken | None,
) -> dict[str, Any]:
    from core.train.classical import train_classical

    return train_classical(data, out, settings, seed, progress, cancel)


SPEC = TrainerSpec(
    id="classical",
    family="classical",
    name="Without a network",
    description="Texture statistics with support vectors or boosted trees: what there was before networks, to compare.",
    data=("images", "boxes", "outlines"),
    parameters=PARAMETERS,
    run=_train,
)
