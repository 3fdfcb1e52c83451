"""Decides what can be set when a variational autoencoder of what is normal is trained."""

from __future__ import annotations

from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported
from core.train.normal_parameters import NORMAL_PARAMETERS
from core.train.reconstruction_parameters import COURSE_PARAMETERS

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    *NORMAL_PARAMETERS,
    Parameter("steps", int, 40_000, "batches to learn from", 1, 10_000_000, main=True),
    Parameter("batch", int, 16, "windows per batch", 1, 4096),
    Parameter("learning_rate", float, 1e-4, "of RMSprop", 1e-7, 1.0),
    Parameter("width", int, 32, "feature maps of the first layer; two, four, eight and sixteen times as many follow", 8, 128),
    Parameter("latent", int, 128, "numbers that stand for a window", 2, 4096),
    Parameter("alpha", float, 1.0, "weight of the mean squared error", 0.0, 1000.0),
    Parameter("beta", float, 0.5, "weight of the divergence from a normal distribution", 0.0, 1000.0),
    *COURSE_PARAMETERS,
)  # fmt: skip

SPEC = TrainerSpec(
    id="vae",
    family="anomaly",
    name="Variational autoencoder",
    description="Learns what is normal, by drawing each window again from a few numbers; what comes out blurred is unusual.",
    data=("normal",),
    parameters=PARAMETERS,
    run=imported("core.train.reconstruction", "train_vae"),
    lighter={"width": 8, "steps": 2000, "learning_rate": 1e-3},
    preview=("Input", "Drawn again", "Residual"),
    goes_on="weights",
)
