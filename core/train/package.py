"""Decides what the folder of a small classifier says of itself, and how any model is written: its best state, and its last."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

import core
from core.models.networks.resnet_cells import STRIDE_PX
from core.models.networks.window_classifier import tensors_of
from core.models.weights import save_model
from core.train.identity import Identity

TILE_PX = 1024
LAST_NAME = "last"
# Grey levels of light micrographs lie around the middle; fixed numbers, so that a window alone decides.
MEAN, DEVIATION = 0.5, 0.25


@dataclass(frozen=True)
class Recipe:
    """What a trained network needs beside its weights to be used as a model."""

    labels: Sequence[str]
    artefact_labels: Sequence[str]
    um_per_px: float | None
    width: int
    blocks: int
    context_cells: int
    threshold: float
    score_floor: float
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def make_card(identity: Identity, recipe: Recipe, reach_px: int) -> dict[str, Any]:
    """The card, but for the hash of the weights, which `save_model` adds."""
    return {
        **identity.card_head("classifier", "classifier", recipe.labels, recipe.artefact_labels),
        "input": {"um_per_px": recipe.um_per_px, "mean": MEAN, "deviation": DEVIATION},
        "network": {"backbone": "resnet_cells", "width": recipe.width, "blocks": recipe.blocks},
        "scan": {
            "tile_px": TILE_PX,
            "halo_px": reach_px,
            "window_px": STRIDE_PX * (2 * recipe.context_cells + 1),
            "stride_px": STRIDE_PX,
            "map_channels": len(recipe.labels) + 1,
            "context_cells": recipe.context_cells,
            "score_unit": "probability",
            "score_floor": recipe.score_floor,
            "threshold": recipe.threshold,
        },
        "training": dict(recipe.training),
        "metrics": dict(recipe.metrics),
        "versions": versions(),
    }


def save_best_and_last(
    folder: Path, card: Mapping[str, Any], best: Mapping[str, np.ndarray], last: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Writes the state that did best as the model, and the last one, a model by itself, into its folder `LAST_NAME`.

    `card`: of the best one, which is returned as it was written; the last has no `metrics`. The last comes first, so
    that a folder with a card is whole. Raises ResourceError when the disk refuses.
    """
    named = {"id": f"{card['id'][:57]}-{LAST_NAME}", "name": f"{card['name'][:190]}, {LAST_NAME} state", "metrics": {}}
    save_model(folder / LAST_NAME, {**card, **named}, last)
    return save_model(folder, card, best)


def tensors_at(network: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """What `save_model` writes of a network in some state, in which it is from then on."""
    network.load_state_dict(state)
    return tensors_of(network)


def versions() -> dict[str, str]:
    """Those of all that makes a training what it is."""
    return {
        "schliff": core.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "numpy": np.__version__,
    }
