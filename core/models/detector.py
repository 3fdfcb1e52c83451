"""Decides what the detectors offer: which networks there are, how they are scanned with, and what can be chosen.

The work is in `core.models.networks.detectors` and `box_detector`, imported when one is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.models.base import Model, ModelFamily, ModelSpec
from core.parameters import Parameter

# Two-stage networks propose boxes first (Ren et al. 2015, "Faster R-CNN").
TWO_STAGE = ("fasterrcnn_resnet50", "fasterrcnn_vgg19", "fasterrcnn_resnet50_fpn", "fasterrcnn_mobilenet_v3_fpn")
# One-stage networks judge fixed boxes on several maps at once (Liu et al. 2016, "SSD").
ONE_STAGE = ("ssd_vgg16", "ssd_resnet50", "ssdlite_mobilenet_v3", "ssd_cells")
NETWORKS = TWO_STAGE + ONE_STAGE

# A tile with its halo is 1024 px: large enough that its border is a small share of what is computed.
TILE_PX, HALO_PX, CELL_PX = 896, 64, 32
WINDOW_PX = 128

NMS = Parameter(
    "nms_iou", float, 0.5, "of two boxes of one class that overlap more than this, only the surer stays", 0.05, 0.95
)
PER_TILE = Parameter("per_tile", int, 300, "most detections in one tile", 1, 10_000)
SHORT_SIDE = Parameter("short_side_px", int, 0, "tiles are zoomed to this side first; 0: as they are", 0, 4096, "px")
PROPOSALS = Parameter("proposals", int, 300, "boxes that are looked at twice in a tile; more is slower", 1, 10_000)


def scan_fields(threshold: float, floor: float, tile_px: int = TILE_PX, halo_px: int = HALO_PX) -> dict[str, Any]:
    """The `scan` part of a detector's card."""
    return {
        "output": "boxes",
        "tile_px": tile_px,
        "halo_px": halo_px,
        "window_px": WINDOW_PX,
        "stride_px": CELL_PX,
        "score_unit": "probability",
        "score_floor": floor,
        "threshold": threshold,
    }


def _offer(spec: ModelSpec) -> ModelSpec:
    two_stage = spec.card["network"].get("architecture") in TWO_STAGE
    return replace(spec, parameters=(NMS, PER_TILE, SHORT_SIDE, *((PROPOSALS,) if two_stage else ())))


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.box_detector import load

    return load(spec, device)


SPEC = ModelFamily(id="detector", load=_load, offer=_offer)
