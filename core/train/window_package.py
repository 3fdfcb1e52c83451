"""Decides what the folder of a window classifier says of itself, and writes it: the best state, and beside it the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from core.models.classifier import scan_fields
from core.models.networks.backbones import DenseBackbone, build
from core.models.networks.computing import Network
from core.models.networks.window_classifier import tensors_of
from core.train.families.windows import SMALL
from core.train.identity import Identity
from core.train.package import DEVIATION, MEAN, save_best_and_last, versions
from core.truth import ARTEFACT_CLASSES

State = Mapping[str, torch.Tensor]

THRESHOLD, FLOOR = 0.5, 0.2
# The logit of a class that nothing showed, so that it is never the answer; fits into a half float.
_NEVER = -1e4
_SMALL_NETWORK = {"backbone": "resnet_cells", "width": 16, "blocks": 2}
_SMALL_TILE_PX = 1024


def new_network(backbone: str, labels: int) -> Network:
    """A network with random weights for so many labels and "no defect"."""
    return build(network_fields(backbone), labels + 1)


def network_fields(backbone: str) -> dict[str, Any]:
    """The `network` part of a card."""
    return dict(_SMALL_NETWORK) if backbone == SMALL else {"backbone": backbone}


def normalisation_of(network: Network) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel that a network wants, of values from 0 to 1."""
    if isinstance(network, DenseBackbone):
        return network.backbone.normalisation
    return [MEAN] * 3, [DEVIATION] * 3


def make_card(
    folder: Path, values: Mapping[str, Any], labels: Sequence[str], um_per_px: float | None, network: Network
) -> dict[str, Any]:
    """The card but for the training, the metrics and the hash of the weights. `values`: the trainer's parameters.

    A window is `input_px` wide, rounded up to whole cells of the network.
    """
    mean, deviation = normalisation_of(network)
    artefacts = [label for label in labels if label in ARTEFACT_CLASSES]
    return {
        **Identity.of(folder, values).card_head("classifier", "classifier", labels, artefacts),
        "input": {"um_per_px": um_per_px, "mean": list(mean), "deviation": list(deviation)},
        "network": network_fields(values["backbone"]),
        "scan": _scan_fields(network, values["backbone"], len(labels), values["input_px"]),
        "versions": versions(),
    }


def write_window_classifier(
    folder: Path, card: Mapping[str, Any], network: Network, best: State, last: State, unseen: Sequence[int]
) -> None:
    """Writes the model folder. `unseen`: classes that nothing showed, which are never the answer.

    Raises ResourceError when the disk refuses.
    """
    tensors = []
    for state in (best, last):
        network.load_state_dict(state)
        never_call(network, unseen)
        tensors.append(tensors_of(network))
    save_best_and_last(folder, card, *tensors)


@torch.no_grad()
def never_call(network: Network, classes: Sequence[int]) -> None:
    """Classes that nothing showed are never the answer."""
    assert network.head.bias is not None
    for number in classes:
        network.head.weight[number].zero_()
        network.head.bias[number] = _NEVER


def _scan_fields(network: Network, backbone: str, labels: int, input_px: int) -> dict[str, Any]:
    cell = network.stride_px
    window_px = -(-input_px // cell) * cell
    if isinstance(network, DenseBackbone):
        return scan_fields(backbone, labels, THRESHOLD, FLOOR, window_px)
    return {
        "tile_px": _SMALL_TILE_PX,
        "halo_px": network.reach_px,
        "window_px": window_px,
        "stride_px": cell,
        "map_channels": labels + 1,
        "context_cells": window_px // cell // 2,
        "score_unit": "probability",
        "score_floor": FLOOR,
        "threshold": THRESHOLD,
    }
