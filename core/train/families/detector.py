"""Decides what can be set when a detector is trained."""

from __future__ import annotations

from core.models.detector import NETWORKS
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported

SGD, ADAMW = "sgd", "adamw"

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    Parameter("data_commands", str, "", "how the data was made; kept in the card before the training command"),
    Parameter("network", str, "ssd_cells", "the network; ssd_cells is the smallest", choices=NETWORKS, main=True),
    Parameter("width", int, 24, "ssd_cells: feature maps of the first layers", 8, 128),
    Parameter("blocks", int, 2, "ssd_cells: residual blocks per stage", 1, 4),
    Parameter("weights", str, "", "start: empty random, imagenet or coco (torchvision's, online), a model, or a file",
              offers=(("", "From scratch"), ("imagenet", "ImageNet (online)"), ("coco", "COCO (online)")), takes_model=True,
              main=True),
    Parameter("um_per_px", float, 1.0, "scale at which the network looks", 0.01, 1000, "µm/px", main=True),
    Parameter("steps", int, 3000, "batches to train on", 1, 1_000_000, main=True),
    Parameter("batch", int, 8, "crops per batch", 1, 1024),
    Parameter("crop_px", int, 320, "side of a crop, a multiple of 32", 64, 2048, "px"),
    Parameter("optimiser", str, "auto", "auto: adamw for light networks, else sgd", choices=("auto", SGD, ADAMW)),
    Parameter("learning_rate", float, 0.0, "the highest; falls as (1 - done)²; 0: what suits the optimiser", 0.0, 1.0),
    Parameter("find_rate", bool, False, "tries rising rates on some 170 batches first and takes the one that suits"),
    Parameter("augmentation", float, 1.0, "how strongly light, colour, focus and noise are varied; 0: not", 0.0, 2.0),
    Parameter("defect_share", float, 0.7, "share of crops around marked defects", 0.0, 1.0),
    Parameter("validation_share", float, 0.2, "share of sections set aside, without a folder of them", 0.0, 0.9),
    Parameter("every", int, 500, "steps between two validations", 1, 1_000_000),
    Parameter("score_floor", float, 0.05, "boxes that score less are not kept", 0.01, 0.9),
)  # fmt: skip

SPEC = TrainerSpec(
    id="detector",
    family="detector",
    name="Detector",
    description="Boxes around defects: Faster R-CNN, SSD, or a light network for processors.",
    data=("boxes", "outlines"),
    parameters=PARAMETERS,
    run=imported("core.train.detector", "train_detector"),
    lighter={"network": "ssd_cells"},
)
