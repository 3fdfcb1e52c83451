"""Decides which network a feature memory listens to: a small one that learns here first, torchvision's with weights from
outside, or that of a window classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import UsageError
from core.jobs import CancelToken, Progress
from core.models.catalog import find_model
from core.models.networks.backbones import DenseBackbone, build
from core.models.networks.memory_features import LocalFeatures
from core.models.networks.pretrained import download_weights, read_weights, start_from
from core.models.networks.resnet_cells import ResNetCells
from core.models.networks.window_classifier import normalisation_of, put_weights
from core.train.families.memory import OWN
from core.train.memory_network import learn_network
from core.train.normal_windows import NormalWindows
from core.train.package import DEVIATION, MEAN

Array = np.ndarray
Normalisation = tuple[Any, Any]

_BLOCKS = 1
_CLASSES = 2
_IMAGENET = "imagenet"
_WEIGHTS_ENDINGS = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Start:
    """A network to listen to.

    Args:
        network: as a card describes it; input: mean and deviation, as a card has them.
        normalisation: the same as `normalise` wants them; commands: what made it; figures: what its training came to.
    """

    features: LocalFeatures
    network: Mapping[str, Any]
    input: tuple[Any, Any]
    normalisation: Normalisation
    commands: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)


def start_of(
    values: Mapping[str, Any],
    windows: NormalWindows,
    learnt: Array,
    held_out: Array,
    checkpoint: Path,
    device: torch.device,
    seed: int,
    progress: Progress,
    cancel: CancelToken,
) -> Start:
    """What the trainer's `backbone` and `weights` name.

    Raises UsageError for what doesn't go together, InputError for a folder or file, ResourceError without a connection or
    when the disk refuses, CancelledError.
    """
    backbone, weights = values["backbone"], values["weights"]
    if weights and weights != _IMAGENET and not weights.endswith(_WEIGHTS_ENDINGS):
        return listening_to(weights)
    if backbone == OWN:
        if weights:
            raise UsageError("these weights need a backbone", remedy="Say which one they are of, as backbone=resnet18.")
        torch.manual_seed(seed)
        network = ResNetCells(_CLASSES, values["width"], _BLOCKS).to(device).to(memory_format=torch.channels_last)
        figures: dict[str, float] = {}
        if values["steps"]:
            state, figures = learn_network(
                network, windows, learnt, held_out, values, checkpoint, device, seed, progress, cancel
            )
            network.load_state_dict(state)
        fields = {"backbone": "resnet_cells", "width": values["width"], "blocks": _BLOCKS}
        return Start(LocalFeatures(network.cpu()), fields, (MEAN, DEVIATION), (MEAN, DEVIATION), figures=figures)
    if not weights:
        raise UsageError(
            f"{backbone} without weights knows nothing", remedy="Give weights=imagenet, a file, or choose backbone=own."
        )
    dense = build({"backbone": backbone}, 1)
    assert isinstance(dense, DenseBackbone)
    try:
        start_from(dense, download_weights(backbone) if weights == _IMAGENET else read_weights(Path(weights)))
    except ValueError as error:
        raise UsageError(str(error), remedy="Name weights of the chosen backbone.") from None
    mean, deviation = dense.backbone.normalisation
    wanted = torch.tensor(mean)[:, None, None], torch.tensor(deviation)[:, None, None]
    return Start(LocalFeatures(dense), {"backbone": backbone}, (mean, deviation), wanted)


def listening_to(weights: str) -> Start:
    """The network of a window classifier, an id or a folder. Raises UsageError for any other model, InputError."""
    spec = find_model(weights)
    if spec.card.get("kind") != "classifier":
        raise UsageError(f"{weights} is no window classifier", remedy="Choose one, or leave weights empty.")
    network = build(spec.card["network"], len(spec.labels) + 1)
    put_weights(network, spec)
    card = spec.card["input"]
    commands = tuple(str(command) for command in spec.card.get("training", {}).get("commands", []))
    return Start(
        LocalFeatures(network),
        spec.card["network"],
        (card["mean"], card["deviation"]),
        normalisation_of(spec),
        commands,
    )
