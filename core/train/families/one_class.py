"""Decides what can be set when a one-class machine learns the texture of what is normal."""

from __future__ import annotations

from dataclasses import replace

from core.models.classical import ISOLATION_FOREST, ONE_CLASS_SVM
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported
from core.train.normal_parameters import NORMAL_PARAMETERS

_MOST = 2000

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    *(replace(one, default=_MOST) if one.name == "most" else one for one in NORMAL_PARAMETERS),
    Parameter("method", str, ONE_CLASS_SVM, "the machine", choices=(ONE_CLASS_SVM, ISOLATION_FOREST), main=True),
    Parameter("window_px", int, 96, "side of a window, an odd number of strides", 24, 1024, "px", main=True),
    Parameter("stride_px", int, 32, "from one window to the next", 8, 512, "px"),
    Parameter("outliers", float, 0.05, "one_class_svm: share of what it learns from that may lie outside (ν)", 1e-3, 0.5),
    Parameter("trees", int, 100, "isolation_forest: trees", 1, 2000),
)  # fmt: skip

SPEC = TrainerSpec(
    id="one_class",
    family="anomaly",
    name="One-class texture",
    description="Texture statistics of normal windows, by support vectors or an isolation forest: what there was before networks.",
    data=("normal",),
    parameters=PARAMETERS,
    run=imported("core.train.one_class", "train_one_class"),
)
