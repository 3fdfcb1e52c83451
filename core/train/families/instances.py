"""Decides what can be set when a model of instances is trained: parts are found first, then each one is classified."""

from __future__ import annotations

from core.models.classifier import BACKBONES
from core.models.instances import CELLS, NETWORKS, OUTSIDE
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported
from core.train.families import detector, windows

ONE_CLASS, CLASSES = "one_class", "classes"


def _shared(parameters: tuple[Parameter, ...], *names: str) -> tuple[Parameter, ...]:
    """Those that mean the same here."""
    known = {parameter.name: parameter for parameter in parameters}
    return tuple(known[name] for name in names)


PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    *_shared(detector.PARAMETERS, "data_commands"),
    Parameter("network", str, CELLS, "finds the parts: Mask R-CNN; maskrcnn_cells is for processors", choices=NETWORKS, main=True),
    Parameter("width", int, 24, "maskrcnn_cells: feature maps of the first layers", 8, 128),
    Parameter("blocks", int, 2, "maskrcnn_cells: residual blocks per stage", 1, 4),
    *_shared(detector.PARAMETERS, "weights", "um_per_px"),
    Parameter("parts", str, ONE_CLASS, "one_class: finds parts, another network tells them apart; classes: does both itself",
              choices=(ONE_CLASS, CLASSES)),
    *_shared(windows.PARAMETERS, "no_defect"),
    Parameter("steps", int, 1000, "batches to learn to find parts from", 1, 1_000_000, main=True),
    Parameter("batch", int, 4, "crops per batch", 1, 1024),
    Parameter("crop_px", int, 256, "side of a crop, a multiple of 32", 64, 2048, "px"),
    *_shared(detector.PARAMETERS, "optimiser", "learning_rate", "augmentation"),
    Parameter("defect_share", float, 0.8, "share of crops around marked parts", 0.0, 1.0),
    *_shared(detector.PARAMETERS, "validation_share", "every"),
    Parameter("backbone", str, windows.SMALL, "tells parts apart; small: a narrow ResNet for processors",
              choices=(windows.SMALL, *BACKBONES), main=True),
    Parameter("judge_weights", str, "", "start of the backbone: empty random, imagenet (online), a window classifier, or a file"),
    Parameter("input_px", int, 96, "side to which each part is brought, a multiple of 32", 32, 1024, "px"),
    Parameter("margin", float, 0.15, "what is shown around a part on each side, in shares of its longer side", 0.0, 2.0),
    Parameter("outside", str, OUTSIDE[0], "what a part's surroundings look like to the backbone", choices=OUTSIDE),
    *_shared(windows.PARAMETERS, "loss", "weighted", "gamma", "epsilon", "beta", "alpha", "sampling"),
    Parameter("epochs", int, 60, "times that all parts are shown to the backbone", 1, 10_000, main=True),
    *_shared(windows.PARAMETERS, "patience"),
    Parameter("judge_batch", int, 16, "parts per batch of the backbone", 2, 4096),
    Parameter("judge_rate", float, 3e-3, "the backbone's learning rate; × 0.75 every 20 epochs", 1e-7, 1.0),
    Parameter("score_floor", float, 0.05, "parts whose class scores less are not kept", 0.01, 0.9),
)  # fmt: skip

SPEC = TrainerSpec(
    id="instances",
    family="instances",
    name="Parts one by one",
    description="Outlines parts (solder joints, particles), then classifies each; slow without a graphics card.",
    data=("outlines",),
    parameters=PARAMETERS,
    run=imported("core.train.instances", "train_instances"),
    lighter={"network": CELLS, "backbone": windows.SMALL},
)
