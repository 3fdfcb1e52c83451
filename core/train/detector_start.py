"""Decides which weights a detector starts from: random ones, another model's, torchvision's from a file or online."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from core.errors import InputError, UsageError
from core.models.card import WEIGHTS_NAME
from core.models.catalog import find_model
from core.models.networks.detectors import Detector
from core.models.networks.pretrained import download_weights, read_weights

State = Mapping[str, torch.Tensor]

IMAGENET, COCO = "imagenet", "coco"

# Less of a backbone than this can't be called its weights.
_LEAST_SHARE = 0.5
_WEIGHT_FILES = (".safetensors", ".pth", ".pt")
_IMAGENET = {
    "fasterrcnn_resnet50": "resnet50",
    "fasterrcnn_vgg19": "vgg19",
    "fasterrcnn_resnet50_fpn": "resnet50",
    "fasterrcnn_mobilenet_v3_fpn": "mobilenet_v3_large",
    "ssd_vgg16": "vgg16",
    "ssd_resnet50": "resnet50",
    "ssdlite_mobilenet_v3": "mobilenet_v3_large",
    "maskrcnn_resnet50_fpn": "resnet50",
    "maskrcnn_mobilenet_v3_fpn": "mobilenet_v3_large",
}
_COCO = {
    "fasterrcnn_resnet50_fpn": "fasterrcnn_resnet50_fpn",
    "fasterrcnn_mobilenet_v3_fpn": "fasterrcnn_mobilenet_v3_large_fpn",
    "ssd_vgg16": "ssd300_vgg16",
    "ssdlite_mobilenet_v3": "ssdlite320_mobilenet_v3_large",
    "maskrcnn_resnet50_fpn": "maskrcnn_resnet50_fpn",
    "maskrcnn_mobilenet_v3_fpn": "fasterrcnn_mobilenet_v3_large_fpn",
}


def start_weights(architecture: str, start: str) -> dict[str, torch.Tensor] | None:
    """What `start` names: "" (random: None), "imagenet" or "coco" (torchvision's, online), a model's id or folder, a file.

    Raises UsageError for what this network can't have and unknown models, InputError for folder or file, ResourceError
    without a connection.
    """
    if not start:
        return None
    if start in (IMAGENET, COCO):
        offered = _IMAGENET if start == IMAGENET else _COCO
        if architecture not in offered:
            raise UsageError(
                f"torchvision has no {start} weights for {architecture}",
                remedy="Use one of: " + ", ".join(offered) + ".",
            )
        return download_weights(offered[architecture])
    if _is_file(start):
        return read_weights(Path(start))
    folder = find_model(start).path
    if folder is None:
        raise UsageError(f"{start} has no weights", remedy="Name a model that was trained.")
    return read_weights(folder / WEIGHTS_NAME)


def commands_before(start: str) -> list[str]:
    """The commands that made the model which a training starts from, as its card says; none for anything else."""
    if not start or start in (IMAGENET, COCO) or _is_file(start):
        return []
    return list(find_model(start).card.get("training", {}).get("commands", []))


def _is_file(start: str) -> bool:
    return Path(start).is_file() or Path(start).suffix in _WEIGHT_FILES


def put_start(network: Detector, architecture: str, state: State, name: str) -> int:
    """Puts in what fits by name and size, and returns how many tensors that were; the rest stays random.

    `state` may be a whole detector, a classifier of torchvision's or of ours: then its layers become the backbone's.
    Raises InputError when most of the backbone would stay random.
    """
    own = network.state_dict()
    given = {_renamed(key, architecture, own): values for key, values in state.items()}
    fitting = {key: v.float() for key, v in given.items() if key in own and own[key].shape == v.shape}
    wanted = [key for key in own if key.startswith("backbone.") and own[key].ndim == 4]
    if sum(key in fitting for key in wanted) < _LEAST_SHARE * len(wanted):
        raise InputError(
            f"these are not weights for {architecture}",
            path=Path(name),
            remedy="Name others, or start with random ones.",
        )
    network.load_state_dict(fitting, strict=False)
    return len(fitting)


def _renamed(key: str, architecture: str, own: State) -> str:
    """A tensor's name in the detector; names that are the detector's already stay. `parts.`: of a model of instances."""
    key = key.removeprefix("parts.")
    if key in own:
        return key
    plain = re.sub(r"^trunk\.", "", key)
    plain = f"features.{plain}" if plain[:1].isdigit() else plain
    return _PLACES[architecture](plain)


def _flat_resnet(key: str) -> str:
    first, _, rest = key.partition(".")
    place = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6"}
    return f"backbone.{place[first]}.{rest}" if first in place else key.replace("layer4.", "roi_heads.box_head.0.", 1)


def _ssd_resnet(key: str) -> str:
    first, _, rest = key.partition(".")
    place = {"conv1": "stem.0", "bn1": "stem.1", "layer1": "stem.4"}
    return f"backbone.{place.get(first, first)}.{rest}"


def _ssd_vgg(key: str) -> str:
    """torchvision cuts VGG-16 before its fourth pooling, layer 23."""
    match = re.match(r"features\.(\d+)\.(.*)", key)
    if not match or int(match[1]) < 23:
        return f"backbone.{key}"
    return f"backbone.extra.0.{int(match[1]) - 23}.{match[2]}"


def _ssdlite(key: str) -> str:
    """torchvision cuts MobileNetV3 within its block 13, after the expansion."""
    match = re.match(r"features\.(\d+)\.(.*)", key)
    if not match:
        return key
    number, rest = int(match[1]), match[2]
    if number < 13:
        return f"backbone.features.0.{number}.{rest}"
    if number > 13:
        return f"backbone.features.1.{number - 13}.{rest}"
    inner = rest.removeprefix("block.")
    return f"backbone.features.0.13.{inner[2:]}" if inner.startswith("0.") else f"backbone.features.1.0.{inner}"


_PLACES: Mapping[str, Callable[[str], str]] = {
    "fasterrcnn_resnet50": _flat_resnet,
    "fasterrcnn_vgg19": lambda key: f"backbone.{key}",
    "fasterrcnn_resnet50_fpn": lambda key: f"backbone.body.{key}",
    "fasterrcnn_mobilenet_v3_fpn": lambda key: f"backbone.body.{key.removeprefix('features.')}",
    "ssd_vgg16": _ssd_vgg,
    "ssd_resnet50": _ssd_resnet,
    "ssdlite_mobilenet_v3": _ssdlite,
    "ssd_cells": lambda key: f"backbone.cells.{key}",
    "maskrcnn_resnet50_fpn": lambda key: f"backbone.body.{key}",
    "maskrcnn_mobilenet_v3_fpn": lambda key: f"backbone.body.{key.removeprefix('features.')}",
    "maskrcnn_cells": lambda key: (
        f"backbone.maps.{key.removeprefix('backbone.')}"
        if key.startswith("backbone.")
        else f"backbone.maps.cells.{key}"
    ),
}
