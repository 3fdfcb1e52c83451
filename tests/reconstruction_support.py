"""Models that draw windows again, with random weights, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from core.models.card import check_card, spec_from_card
from core.models.networks.reconstruction_model import ReconstructionModel
from core.models.networks.reconstructors import Reconstructor, build
from core.models.reconstruction import CHANNELS, FEATURES, STRIDES, configure, scan_fields

Array = np.ndarray
SCORES = tuple(score for score in CHANNELS if score != FEATURES)


def card_of(method: str, side: int = 32, window: int = 64, usual: float = 0.0, limit: float = 1.0) -> dict[str, Any]:
    ways = {stride: {score: {"usual": usual, "limit": limit} for score in SCORES} for stride in STRIDES}
    own = {"latent": 16} if method == "vae" else {"edge_white": 0.5}
    card = {
        "format": 1, "id": method, "name": method, "kind": "reconstruction", "family": "anomaly", "description": "",
        "licence": "not stated", "labels": ["anomaly"], "artefact_labels": [], "input": {"um_per_px": None},
        "network": {"method": method, "width": 8, "input_px": side, **own}, "scan": scan_fields(window, ways),
        "training": {}, "metrics": {}, "versions": {}, "weights": {"blake2b": "0" * 32},
    }  # fmt: skip
    check_card(card)
    return card


def random_network(method: str, side: int = 32) -> Reconstructor:
    """The same weights each time, and batch norms that have seen something."""
    torch.manual_seed(1)
    network = build(card_of(method, side)["network"]).train()
    with torch.no_grad():
        for _ in range(3):
            network(2 * torch.rand(4, 3, side, side) - 1)
    return network.eval()


def random_model(method: str, side: int = 32, window: int = 64, **values: Any) -> ReconstructionModel:
    spec = configure(spec_from_card(card_of(method, side, window), "trained", None), values)
    return ReconstructionModel(spec, random_network(method, side), torch.device("cpu"))


def noise(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
