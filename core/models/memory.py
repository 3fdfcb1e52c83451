"""Decides what a feature memory offers: a place is as unusual as it is unlike the most similar one the memory has seen.

PatchCore (Roth et al. 2022): features of a frozen network's middle layers, of which a few that lie far apart are kept. The work
is in `core.models.networks.memory_model`.

Own code, not anomalib's: that brings a training framework and a loader of pickles with it, and its memory answers for
whole images of one size. What is needed here is some two hundred lines: a map whose cells don't depend on the tile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.anomaly.calibration import FLOOR, SCORE_UNIT, THRESHOLD
from core.anomaly.matching import MATCHING
from core.models.base import Model, ModelFamily, ModelSpec, with_values
from core.models.classifier import BACKBONES
from core.models.normal import learning_if_matched

Array = np.ndarray

KIND, LABEL = "memory", "anomaly"
CELL_PX = 8
# Of a normal example that is shown, and how many are kept at most.
EXAMPLE_PX, MOST_EXAMPLES = 64, 128
MOST_MEMBERS, MOST_COMPONENTS = 20_000, 512
_TILE_PX = 1024
_SMALLER_TILE_PX = 768  # of networks that hold much of a tile at once


@dataclass(frozen=True)
class Sizes:
    """Of a memory's tensors: features of the network, what is left of them, how many are kept, examples to show."""

    features: int
    components: int
    members: int
    examples: int

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name → shape of each tensor beside the network's.

        `mean` and `projection` make components of features; `members` are what is remembered, `origin` says which of
        `examples` (RGB, 0 to 255) looks like where a member came from.
        """
        return {
            "memory.mean": (self.features,),
            "memory.projection": (self.features, self.components),
            "memory.members": (self.members, self.components),
            "memory.origin": (self.members,),
            "memory.examples": (self.examples, EXAMPLE_PX, EXAMPLE_PX, 3),
        }

    @classmethod
    def from_card(cls, told: Any) -> Sizes:
        """Raises ValueError for sizes that can't be."""
        most = {
            "features": 1 << 14, "components": MOST_COMPONENTS, "members": MOST_MEMBERS, "examples": MOST_EXAMPLES,
        }  # fmt: skip
        if not isinstance(told, dict) or told.keys() != most.keys():
            raise ValueError("it doesn't say how much it remembers")
        if not all(type(told[name]) is int and 0 < told[name] <= limit for name, limit in most.items()):
            raise ValueError("a size is no number that can be")
        return cls(**told)


def sizes_of(features: int, memory: Mapping[str, Array]) -> Sizes:
    """Those of tensors as `Sizes.shapes` names them."""
    members, components = memory["memory.members"].shape
    return Sizes(features, components, members, len(memory["memory.examples"]))


def scan_fields(backbone: str, halo_px: int, window_px: int) -> dict[str, Any]:
    """The `scan` part of a card."""
    return {
        "tile_px": _SMALLER_TILE_PX if backbone in BACKBONES else _TILE_PX,
        "halo_px": halo_px,
        "window_px": window_px,
        "stride_px": CELL_PX,
        "map_channels": 1,
        "context_cells": 0,
        "score_unit": SCORE_UNIT,
        "score_floor": FLOOR,
        "threshold": THRESHOLD,
    }


def configure(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    return learning_if_matched(with_values(_offer(spec), values))


def _offer(spec: ModelSpec) -> ModelSpec:
    return replace(spec, parameters=(MATCHING,))


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.memory_model import load

    return load(spec, device)


SPEC = ModelFamily(id=KIND, load=_load, configure=configure, offer=_offer)
