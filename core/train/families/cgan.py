"""Decides what can be set when an edge→image network (a conditional GAN) of what is normal is trained."""

from __future__ import annotations

from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported
from core.train.normal_parameters import NORMAL_PARAMETERS
from core.train.reconstruction_parameters import COURSE_PARAMETERS

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    *NORMAL_PARAMETERS,
    Parameter("steps", int, 40_000, "batches to learn from", 1, 10_000_000, main=True),
    Parameter("batch", int, 64, "windows per batch", 2, 4096),
    Parameter("learning_rate", float, 2e-5, "of Adam, for both networks", 1e-7, 1.0),
    Parameter("width", int, 64, "feature maps of the first layer; two, four and eight times as many follow", 8, 128),
    Parameter("l1_weight", float, 100.0, "λ: weight of the absolute error beside the judge's verdict", 0.0, 100_000.0),
    *COURSE_PARAMETERS,
)  # fmt: skip

SPEC = TrainerSpec(
    id="cgan",
    family="anomaly",
    name="Edges to image (cGAN)",
    description="Learns to draw what is normal from its edges alone; where the drawing is wrong, something is unusual.",
    data=("normal",),
    parameters=PARAMETERS,
    run=imported("core.train.reconstruction", "train_cgan"),
    lighter={"width": 16, "batch": 8, "steps": 3000, "learning_rate": 2e-4},
    preview=("Input", "Edge map", "Drawn again", "Residual"),
    goes_on="weights",
)
