"""Models with random weights for `benchmarks.gpu_scan`, written as model folders: speed doesn't depend on what was learned.

Batch statistics are taken from noise, so that numbers stay as large as in a trained network, and "no defect" is made
likely, so that there is about as much to store as on a real section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.models import classifier, detector
from core.models.base import ModelSpec
from core.models.card import CARD_FORMAT
from core.models.catalog import read_model_folder
from core.models.networks import backbones, detectors
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model

LABELS = ("pore", "crack")
_MEAN, _DEVIATION = (list(values) for values in backbones.IMAGENET)
_SPREAD = 2.0  # standard deviation of a logit
_NO_DEFECT = 4.0  # by how many of these "no defect" is ahead


def resnet50(folder: Path, tile_px: int | None) -> ModelSpec:
    """The window classifier with ResNet-50, dense. `tile_px`: None for the usual one."""
    torch.manual_seed(0)
    described = {"backbone": "resnet50"}
    network = backbones.build(described, len(LABELS) + 1)
    _settle(network)
    scan = classifier.scan_fields(described["backbone"], len(LABELS), 0.5, 0.4)
    return _write(folder, "resnet50", "classifier", described, _with_tile(scan, tile_px), network)


def faster_rcnn(folder: Path, tile_px: int | None) -> ModelSpec:
    """Faster R-CNN with ResNet-50 and a feature pyramid. All proposals are looked at; hardly any becomes a box."""
    torch.manual_seed(0)
    described = {"architecture": "fasterrcnn_resnet50_fpn"}
    network = detectors.build(described, len(LABELS))
    scan = detector.scan_fields(0.6, 0.5)
    return _write(folder, "fasterrcnn", "detector", described, _with_tile(scan, tile_px), network)


MODELS: Mapping[str, Callable[[Path, int | None], ModelSpec]] = {"resnet50": resnet50, "fasterrcnn": faster_rcnn}


def _settle(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean over all that is seen
    with torch.no_grad():
        network.train()(torch.randn(2, 3, 256, 256))
        logits = network.eval()(torch.randn(1, 3, 512, 512))
        head: Any = network.head
        head.weight *= _SPREAD / logits.std()
        head.bias[0] += _NO_DEFECT * _SPREAD


def _with_tile(scan: dict[str, Any], tile_px: int | None) -> dict[str, Any]:
    return scan if tile_px is None else {**scan, "tile_px": tile_px}


def _write(
    folder: Path, name: str, kind: str, described: dict[str, Any], scan: dict[str, Any], network: nn.Module
) -> ModelSpec:
    card = {
        "format": CARD_FORMAT,
        "id": name,
        "name": name,
        "kind": kind,
        "family": kind,
        "labels": list(LABELS),
        "artefact_labels": [],
        "input": {"um_per_px": None, "mean": _MEAN, "deviation": _DEVIATION},
        "network": described,
        "scan": scan,
    }
    save_model(folder, card, tensors_of(network))
    return read_model_folder(folder)
