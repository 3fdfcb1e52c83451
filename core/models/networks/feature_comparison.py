"""Decides how unlike its drawing a window looks to a frozen network: features are subtracted, not grey levels (Badmos 2022,
dissertation §6.4). A boundary drawn half a px aside, or a grain a little too bright, looks much the same to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from core.models.networks.backbones import build
from core.models.networks.memory_features import LocalFeatures
from core.models.reconstruction import CELLS

_NORMALISATION = ("mean", "deviation")


class FeatureComparison(nn.Module):
    """Windows and drawings (n, 3, side, side) of -1 to 1 → (n, 1, 32, 32): 1 - the cosine between what both look like.

    Args:
        mean, deviation: of values from 0 to 1, as the network wants them: a number, or one for each colour.
    """

    def __init__(self, features: LocalFeatures, mean: float | list[float], deviation: float | list[float]) -> None:
        super().__init__()
        self.features = features
        self.mean: torch.Tensor
        self.deviation: torch.Tensor
        for name, values in zip(_NORMALISATION, (mean, deviation), strict=True):
            self.register_buffer(name, torch.tensor(values).reshape(-1, 1, 1), persistent=False)

    def forward(self, seen: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        one, other = (self.features(((images + 1) / 2 - self.mean) / self.deviation) for images in (seen, drawn))
        unlike = 1 - functional.cosine_similarity(one, other, dim=1, eps=1e-6)[:, None]
        return functional.interpolate(unlike, (CELLS, CELLS), mode="bilinear", align_corners=False)


def build_comparison(fields: Mapping[str, Any]) -> FeatureComparison:
    """What a card's `network.features` describes, with random weights. Raises ValueError for one that can't be."""
    told: list[Any] = [fields.get(name) for name in _NORMALISATION]
    for values in told:
        numbers = values if isinstance(values, list) and len(values) == 3 else [values]
        if not all(isinstance(one, float) and 1e-3 <= one <= 1 for one in numbers):
            raise ValueError("mean and deviation of features must be 0.001 to 1")
    network = build({name: value for name, value in fields.items() if name not in _NORMALISATION}, 1)
    return FeatureComparison(LocalFeatures(network), *told)
