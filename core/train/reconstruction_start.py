"""Decides what a network that draws windows again starts from: random weights, or another model's, to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from core.errors import UsageError
from core.models.catalog import find_model
from core.models.networks.reconstructors import build
from core.models.networks.window_classifier import put_weights


@dataclass(frozen=True)
class Start:
    """`network`: as the card says, edges as white as there; `commands`: what made it, for the card."""

    network: Mapping[str, Any]
    state: Mapping[str, torch.Tensor]
    commands: tuple[str, ...]


def start_of(weights: str, method: str, values: Mapping[str, Any]) -> Start | None:
    """What `weights` names: "" (random: None), or a model's id or folder. `values`: the trainer's parameters.

    Raises UsageError for a model with another network, InputError for a folder that can't be used.
    """
    if not weights:
        return None
    spec = find_model(weights)
    network = spec.card.get("network", {})
    same = all(network.get(name) == values[name] for name in ("width", "input_px", "latent") if name in values)
    if network.get("method") != method or not same or spec.window_px != values["window_px"]:
        raise UsageError(
            f"{weights} has another network than this {method}",
            path=spec.path,
            remedy="Choose its width, input_px and window_px, or start from scratch.",
        )
    drawing = build(network)
    put_weights(drawing, spec)
    commands = spec.card.get("training", {}).get("commands", [])
    return Start(dict(network), drawing.state_dict(), tuple(str(command) for command in commands))
