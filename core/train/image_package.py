"""Decides what the folder of a classifier trained on single images says of itself, and writes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from core.data.image_set import ImageSet
from core.models.card import CARD_FORMAT
from core.models.classifier import scan_fields
from core.models.networks.backbones import DenseBackbone
from core.models.networks.computing import Network
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model
from core.train.families.windows import SMALL
from core.train.package import DEVIATION, MEAN, versions
from core.truth import ARTEFACT_CLASSES

THRESHOLD, FLOOR = 0.5, 0.2
# Added to the logit of "no defect" where no image showed it, so that it is never the answer; fits into a half float.
_NEVER = -1e4


_SMALL_NETWORK = {"backbone": "resnet_cells", "width": 16, "blocks": 2}
_SMALL_TILE_PX = 1024


def network_fields(backbone: str) -> dict[str, Any]:
    """The `network` part of a card."""
    return dict(_SMALL_NETWORK) if backbone == SMALL else {"backbone": backbone}


def normalisation_of(network: Network) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel that a network wants, of values from 0 to 1."""
    if isinstance(network, DenseBackbone):
        return network.backbone.normalisation
    return [MEAN] * 3, [DEVIATION] * 3


def write_image_classifier(
    folder: Path,
    values: Mapping[str, Any],
    images: ImageSet,
    network: Network,
    training: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes the model folder and returns its card. Raises ResourceError when the disk refuses."""
    if images.no_defect is None:
        with torch.no_grad():
            network.head.weight[0].zero_()
            assert network.head.bias is not None
            network.head.bias[0] = _NEVER
    mean, deviation = normalisation_of(network)
    identity = values["id"] or folder.resolve().name
    card = {
        "format": CARD_FORMAT,
        "id": identity,
        "name": values["name"] or identity,
        "kind": "classifier",
        "family": "classifier",
        "description": values["description"],
        "licence": values["licence"] or "not stated",
        "labels": list(images.labels),
        "artefact_labels": [label for label in images.labels if label in ARTEFACT_CLASSES],
        "input": {"um_per_px": values["um_per_px"] or None, "mean": list(mean), "deviation": list(deviation)},
        "network": network_fields(values["backbone"]),
        "scan": _scan(network, values["backbone"], len(images.labels), values["input_px"]),
        "training": dict(training),
        "metrics": dict(metrics),
        "versions": versions(),
    }
    return save_model(folder, card, tensors_of(network))


def _scan(network: Network, backbone: str, labels: int, window_px: int) -> dict[str, Any]:
    if isinstance(network, DenseBackbone):
        return scan_fields(backbone, labels, THRESHOLD, FLOOR, window_px)
    cell = network.stride_px
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
