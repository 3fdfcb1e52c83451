"""Decides what models of instances offer: which networks find parts, how they are scanned with, and what can be chosen.

A first network finds each part (a solder joint, a particle) and its outline; a second one looks at each part cut out by
itself and names its class (Ulger et al., "Fine-grained classification of solder joints", figure 2). Both lie in one
folder. Where there is nothing to tell apart, or the first one names the classes itself, there is no second.

The work is in `core.models.networks.instance_model`, imported when one is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.models import detector
from core.models.base import Model, ModelFamily, ModelSpec
from core.parameters import Parameter

RESNET50, MOBILENET, CELLS = "maskrcnn_resnet50_fpn", "maskrcnn_mobilenet_v3_fpn", "maskrcnn_cells"
NETWORKS = (CELLS, MOBILENET, RESNET50)

# What is shown to the second network beside the part itself.
KEPT, GREYED = "kept", "greyed"
OUTSIDE = (KEPT, GREYED)

# A tile with its halo is 1024 px, as a detector's; parts of up to the halo are seen whole by the tile that has their middle.
TILE_PX, HALO_PX = 768, 128

PART_SCORE = Parameter("part_score", float, 0.5, "how sure it must be that something is a part at all", 0.05, 0.95)
# Parts stand close together, good ones too, and what is left out depends on which tile they lie in: so many that it is rare.
PER_TILE = replace(detector.PER_TILE, default=1000)
PROPOSALS = replace(detector.PROPOSALS, default=2000)


def scan_fields(threshold: float, floor: float, tile_px: int = TILE_PX, halo_px: int = HALO_PX) -> dict[str, Any]:
    """The `scan` part of a card."""
    return detector.scan_fields(threshold, floor, tile_px, halo_px)


def has_judge(network: Mapping[str, Any]) -> bool:
    """Whether a card's `network` has a second network."""
    return network.get("judge") is not None


def no_defect_of(spec: ModelSpec) -> str | None:
    """What parts without a defect are called, None where the model knows none."""
    found = spec.card["network"].get("no_defect") if spec.family == "instances" else None
    return found if isinstance(found, str) else None


def values_of(spec: ModelSpec) -> dict[str, Any]:
    """By name, what is chosen of a model's parameters, else their defaults."""
    return {one.name: one.default for one in _parameters(spec)} | dict(spec.values)


def _parameters(spec: ModelSpec) -> tuple[Parameter, ...]:
    own = (PART_SCORE,) if has_judge(spec.card["network"]) else ()
    return (*own, detector.NMS, PER_TILE, detector.SHORT_SIDE, PROPOSALS)


def _offer(spec: ModelSpec) -> ModelSpec:
    return replace(spec, parameters=_parameters(spec))


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.instance_model import load

    return load(spec, device)


SPEC = ModelFamily(id="instances", load=_load, offer=_offer)
