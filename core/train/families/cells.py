"""Decides what can be set when the small classifier of sections is trained."""

from __future__ import annotations

from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    Parameter("data_commands", str, "", "how the data was made; kept in the card before the training command"),
    Parameter("um_per_px", float, 1.0, "scale at which the network looks", 0.01, 1000, "µm/px", main=True),
    # torch 2.14 writes beyond its buffers in gradients of channels-last convolutions narrower than 8 maps.
    Parameter("width", int, 16, "feature maps of the first layers; twice and four times as many follow", 8, 128),
    Parameter("blocks", int, 2, "residual blocks per stage; more see further and cost more", 1, 4),
    Parameter("context_cells", int, 1, "a window is 2 · context_cells + 1 cells of 8 px wide", 0, 16),
    Parameter("steps", int, 3000, "batches to train on", 1, 1_000_000, main=True),
    Parameter("batch", int, 8, "crops per batch", 1, 4096),
    Parameter("crop_px", int, 288, "side of a crop, a multiple of 8", 96, 2048, "px"),
    Parameter("learning_rate", float, 3e-3, "highest learning rate of the one-cycle schedule", 1e-6, 1.0),
    Parameter("smoothing", float, 0.02, "label smoothing", 0.0, 0.5),
    Parameter("narrowing", float, 0.4, "share of the steps in which boxes narrow to their surest windows", 0.0, 1.0),
    Parameter("artefact_weight", float, 1.0, "weight of classes of artefacts", 0.01, 100.0),
    Parameter("augmentation", float, 1.0, "how strongly light, colour, focus and noise are varied; 0: not", 0.0, 2.0),
    Parameter("defect_share", float, 0.65, "share of crops around marked defects", 0.0, 1.0),
    Parameter("emphasis", str, "", "classes to look at more often than others, as pore:2,crack:3"),
    Parameter("start", str, "", "a model folder to go on from; its classes and size must be the same",
              offers=(("", "From scratch"),), takes_model=True, main=True),
    Parameter("validation_share", float, 0.2, "share of sections set aside, without a folder of them", 0.0, 0.9),
    Parameter("every", int, 500, "steps between two validations", 1, 1_000_000),
    Parameter("score_floor", float, 0.2, "detections that score less are not kept", 0.01, 0.9),
)  # fmt: skip

SPEC = TrainerSpec(
    id="cells",
    family="classifier",
    name="Small classifier of sections",
    description="Finds by itself where in a marked box the defect is; learns in minutes on a laptop.",
    data=("boxes", "outlines"),
    parameters=PARAMETERS,
    run=imported("core.train.classifier", "train_classifier"),
    lighter={"width": 8, "blocks": 1},
)
