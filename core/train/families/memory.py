"""Decides what can be set when a feature memory of what is normal is trained."""

from __future__ import annotations

from dataclasses import replace

from core.models.classifier import BACKBONES
from core.models.memory import MOST_MEMBERS
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported
from core.train.normal_parameters import NORMAL_PARAMETERS

OWN = "own"
_MOST = 600

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    *(replace(one, default=_MOST) if one.name == "most" else one for one in NORMAL_PARAMETERS),
    Parameter("backbone", str, OWN, "whose features: own (a small network that learns on these pictures first), or one of "
              "torchvision's with weights", choices=(OWN, *BACKBONES), main=True),
    Parameter("weights", str, "", "of the backbone: imagenet (online), a file, or a window classifier's folder or id, "
              "whatever backbone that has; own: empty", offers=(("", "Learnt here"), ("imagenet", "ImageNet (online)")),
              takes_model=True, main=True),
    Parameter("members", int, 2000, "places remembered; more take longer to compare", 16, MOST_MEMBERS, "places", main=True),
    Parameter("variety", float, 0.35, "how much another lamp, focus or camera may change what is normal; 0: not at all, where "
              "brightness alone is a defect", 0.0, 1.0),
    Parameter("components", int, 96, "numbers that describe a place", 4, 512),
    Parameter("steps", int, 300, "own: batches that the network learns from", 0, 1_000_000, main=True),
    Parameter("batch", int, 8, "own: windows per batch", 2, 1024),
    Parameter("learning_rate", float, 3e-3, "own: of Adam", 1e-7, 1.0),
    Parameter("width", int, 16, "own: feature maps of the first layer", 8, 128),
    Parameter("window_px", int, 128, "side of a window, a multiple of 16", 64, 1024, "px"),
)  # fmt: skip

# No preview: nothing can be compared before all is remembered, and then it is done. It can't go on from another memory
# either: whose features it listens to decides what its members mean; `weights` takes a window classifier.
SPEC = TrainerSpec(
    id="memory",
    family="anomaly",
    name="Feature memory",
    description="Remembers what normal places look like to a network; what is unlike all of them is unusual. Learns in minutes.",
    data=("normal",),
    parameters=PARAMETERS,
    run=imported("core.train.memory", "train_memory"),
)
