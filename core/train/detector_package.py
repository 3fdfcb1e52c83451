"""Decides what a trained detector's folder says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.models.detector import HALO_PX, TILE_PX, scan_fields
from core.train.identity import Identity
from core.train.package import DEVIATION, MEAN, versions

Three = tuple[float, float, float]

IMAGENET: tuple[Three, Three] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OWN: tuple[Three, Three] = ((MEAN,) * 3, (DEVIATION,) * 3)


def normalisation_of(architecture: str) -> tuple[Three, Three]:
    """Mean and deviation that a network's possible starting weights were trained with: torchvision's, or our own."""
    return OWN if architecture == "ssd_cells" else IMAGENET


@dataclass(frozen=True)
class DetectorRecipe:
    """What a trained detector needs beside its weights to be used as a model.

    `network`: its architecture and sizes, see `core.models.networks.detectors.build`.
    """

    labels: Sequence[str]
    artefact_labels: Sequence[str]
    um_per_px: float | None
    network: Mapping[str, Any]
    threshold: float
    score_floor: float
    mean: Sequence[float] = OWN[0]
    deviation: Sequence[float] = OWN[1]
    tile_px: int = TILE_PX
    halo_px: int = HALO_PX
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def make_card(identity: Identity, recipe: DetectorRecipe) -> dict[str, Any]:
    """The card, but for the hash of the weights, which `save_model` adds."""
    return {
        **identity.card_head("detector", "detector", recipe.labels, recipe.artefact_labels),
        "input": {"um_per_px": recipe.um_per_px, "mean": list(recipe.mean), "deviation": list(recipe.deviation)},
        "network": dict(recipe.network),
        "scan": scan_fields(recipe.threshold, recipe.score_floor, recipe.tile_px, recipe.halo_px),
        "training": dict(recipe.training),
        "metrics": dict(recipe.metrics),
        "versions": versions(),
    }
