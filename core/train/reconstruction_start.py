"""Decides what a network that draws windows again starts from: random weights, or another model's, to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from core.errors import UsageError
from core.models.catalog import find_model
from core.models.networks.feature_comparison import FeatureComparison
from core.models.networks.reconstructors import build, features_of, together
from core.models.networks.window_classifier import put_weights
from core.models.reconstruction import FEATURES
from core.train.memory_start import listening_to


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
    put_weights(together(drawing, features_of(network)), spec)
    commands = spec.card.get("training", {}).get("commands", [])
    own = {name: value for name, value in network.items() if name != FEATURES}
    return Start(own, drawing.state_dict(), tuple(str(command) for command in commands))


def with_features(network: Mapping[str, Any], wanted: str) -> tuple[Mapping[str, Any], FeatureComparison | None]:
    """A card's `network` with the frozen one that compares windows and drawings, and that one; as it is for "".

    `wanted`: a window classifier's id or folder. Raises UsageError for any other model, InputError.
    """
    if not wanted:
        return network, None
    start = listening_to(wanted)
    mean, deviation = start.input
    fields = {**start.network, "mean": mean, "deviation": deviation}
    return {**network, FEATURES: fields}, FeatureComparison(start.features, mean, deviation)
