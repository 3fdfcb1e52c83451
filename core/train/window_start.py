"""Decides which weights a window classifier starts from: random ones, torchvision's from a file or online, or another
window classifier's, whatever that one tells apart: as in the dissertation (§3.9.2) only the last layer begins anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from core.errors import UsageError
from core.models.card import CARD_NAME
from core.models.catalog import read_model_folder
from core.models.networks.computing import Network
from core.models.networks.pretrained import download_weights, read_weights, start_from
from core.models.networks.window_classifier import put_weights
from core.train.families.windows import SMALL
from core.train.window_package import network_fields, new_network

State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Start:
    """`state`: named as torchvision does, or (`is_own`) as our networks; `commands`: what made it, for the card."""

    state: State
    is_own: bool = False
    commands: tuple[str, ...] = ()


def start_of(weights: str, backbone: str) -> Start | None:
    """What `weights` names: "" (random: None), "imagenet", a model folder, or a file of weights.

    Raises UsageError for what this network can't have, InputError for folder or file, ResourceError without a connection.
    """
    if not weights:
        return None
    path = Path(weights)
    if (path / CARD_NAME).is_file():
        return _of_model(path, backbone)
    if backbone == SMALL:
        raise UsageError(
            "the small network can't start from that",
            remedy="Name a model folder with one, or choose another backbone.",
        )
    return Start(download_weights(backbone) if weights == "imagenet" else read_weights(path))


def put_start(network: Network, start: Start) -> None:
    """Puts the weights into a network. Raises UsageError where they are another network's."""
    if start.is_own:
        network.load_state_dict({**network.state_dict(), **start.state})
        return
    try:
        start_from(network, start.state)  # type: ignore[arg-type]  # `start_of` refuses files for the small one
    except ValueError as error:
        raise UsageError(str(error), remedy="Name weights of the chosen backbone.") from None


def _of_model(folder: Path, backbone: str) -> Start:
    spec = read_model_folder(folder)
    if spec.card["network"] != network_fields(backbone):
        raise UsageError(
            f"it has another network than {backbone}", path=folder, remedy="Choose its backbone, or start without it."
        )
    network = new_network(backbone, len(spec.labels))
    put_weights(network, spec)
    trunk = {name: values for name, values in network.state_dict().items() if not name.startswith("head.")}
    commands = spec.card.get("training", {}).get("commands", [])
    return Start(trunk, is_own=True, commands=tuple(str(command) for command in commands))
