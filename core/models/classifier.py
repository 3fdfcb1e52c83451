"""Decides what the window classifier offers; the work is in `core.models.networks`, imported when one is loaded.

Those with one of torchvision's networks can be run in three ways (`mode`):

- dense: one pass over a tile gives the logits of every cell of 32 px. They are stored, so that `window_px` and
  `stride_px` only change how they are read. Each score is that of a window that was cut out with 128 px of what is
  around it, but for rounding.
- windows: exactly that, one window after the other; cells of the map are then as wide as the stride.
- bare: windows cut out with nothing around them, as classifiers are often trained. What stands beyond their edge is then
  the network's padding, and scores differ from those of the dense mode.

All of them can be run at several zooms (`core.models.zooms`), and have their boxes drawn tighter (`boxes`):

- windows: around all windows that score nearly as high as the best one.
- cam: around what speaks for the label there, as far as the stored map tells (`core.scan.activation_boxes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.errors import UsageError
from core.models.base import Model, ModelFamily, ModelSpec, with_values
from core.models.window_scores import context_of
from core.models.zooms import ONE_ZOOM, Zoomed, zoomed
from core.models.zooms import PARAMETER as ZOOMS
from core.parameters import Parameter

# The side of a tile for each of torchvision's networks. A larger one computes less of its halo twice, but fills more
# memory (1.3 to 2.5 GB with these) and lets people wait longer for the next results.
BACKBONES = {"resnet18": 3072, "googlenet": 3072, "resnet50": 2048, "vgg16": 2048, "vgg19": 2048}
CELL_PX = 32
WINDOW_PX = 256
SURROUNDINGS_PX = 128

DENSE, WINDOWS, BARE = "dense", "windows", "bare"
CAM = "cam"
BOXES = Parameter(
    "boxes", str, WINDOWS, "drawn around all windows that show a defect, or (cam) around what speaks for it in them",
    choices=(WINDOWS, CAM), rereads=True,
)  # fmt: skip
# Scans that were made before these could be chosen are known without them, so a default is not among the values.
_LEFT_OUT = {ZOOMS.name: ONE_ZOOM, BOXES.name: WINDOWS}


def scan_fields(
    backbone: str, labels: int, threshold: float, floor: float, window_px: int = WINDOW_PX
) -> dict[str, Any]:
    """The `scan` part of the card of a classifier with one of `BACKBONES`; `labels`: how many."""
    return {
        "tile_px": BACKBONES[backbone],
        "halo_px": SURROUNDINGS_PX,
        "window_px": window_px,
        "stride_px": CELL_PX,
        "map_channels": labels + 1,
        "context_cells": window_px // CELL_PX // 2,
        "score_unit": "probability",
        "score_floor": floor,
        "threshold": threshold,
    }


def surroundings_of(spec: ModelSpec) -> int:
    """Px around a window that the network sees in a configured model's `mode`; 0 for a bare one."""
    return 0 if spec.values.get("mode") == BARE else SURROUNDINGS_PX


def finest_stride(window_px: int) -> int:
    """The smallest step, in px, at which windows on whole cells lie in the middle of what they stand for."""
    return CELL_PX if window_px // CELL_PX % 2 else 2 * CELL_PX


def _offer(spec: ModelSpec) -> ModelSpec:
    """With the parameters that a card leaves to the family."""
    return replace(spec, parameters=_parameters(spec, rereads=True))


def _parameters(spec: ModelSpec, rereads: bool) -> tuple[Parameter, ...]:
    """`rereads`: whether window and stride only say how the stored map is read."""
    if not _has_modes(spec):
        return ZOOMS, BOXES
    window_px = int(spec.card["scan"]["window_px"])
    return (
        Parameter(
            "mode", str, DENSE, "dense: all windows from one pass; windows: one by one with 128 px around; bare: without",
            choices=(DENSE, WINDOWS, BARE),
        ),
        Parameter("window_px", int, window_px, "side of a window, a multiple of 32", CELL_PX, 4096, "px", rereads=rereads),
        Parameter(
            "stride_px", int, finest_stride(window_px), "from one window to the next, a multiple of 32", CELL_PX, 2048,
            "px", rereads=rereads,
        ),
        Parameter("batch", int, 8, "windows computed at once, when not dense", 1, 1024, rereads=True),
        ZOOMS,
        BOXES,
    )  # fmt: skip


def _has_modes(spec: ModelSpec) -> bool:
    return str(spec.card["network"].get("backbone")) in BACKBONES


def configure(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """The spec that holds for chosen values. Raises UsageError for sizes that don't fit each other."""
    return zoomed(_one_zoom(spec, values))


def _one_zoom(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """What holds for the finest zoom alone."""
    scan = spec.card["scan"]
    fields = {
        name: scan[name] for name in ("tile_px", "halo_px", "window_px", "stride_px", "map_channels", "context_cells")
    }
    chosen = with_values(replace(spec, parameters=_parameters(spec, rereads=True), **fields), values)
    chosen = replace(chosen, values={k: v for k, v in chosen.values.items() if _LEFT_OUT.get(k) != v})
    if not _has_modes(spec):
        return chosen
    window, stride, tile = chosen.values["window_px"], chosen.values["stride_px"], scan["tile_px"]
    for name, value in (("window_px", window), ("stride_px", stride)):
        if value % CELL_PX:
            raise UsageError(f"{name} = {value} is no multiple of {CELL_PX}")
    is_dense = chosen.values["mode"] == DENSE
    if BOXES.name in chosen.values and not is_dense:
        raise UsageError("boxes = cam needs mode = dense", remedy="Windows cut out one by one have one value each.")
    chosen = replace(chosen, parameters=_parameters(spec, rereads=is_dense), window_px=window)
    return _dense(chosen, stride) if is_dense else _windows(chosen, stride, tile)


def _dense(spec: ModelSpec, stride: int) -> ModelSpec:
    scan = spec.card["scan"]
    tile = scan["tile_px"]
    if tile % stride:
        raise UsageError(f"stride_px = {stride} does not divide the tiles of {tile} px", remedy="Choose 32, 64 or 128.")
    reach = context_of(spec.window_px // CELL_PX, stride // CELL_PX)
    return replace(spec, tile_px=tile, stride_px=CELL_PX, halo_px=scan["halo_px"], context_cells=reach)


def _windows(spec: ModelSpec, stride: int, tile: int) -> ModelSpec:
    """Cells as wide as the stride, each with the logits of the window around its middle."""
    beyond = max(0, (spec.window_px - stride) // 2 + surroundings_of(spec))
    return replace(
        spec,
        tile_px=max(stride, tile // stride * stride),
        stride_px=stride,
        halo_px=-(-beyond // stride) * stride,
        context_cells=0,
    )


def _load(spec: ModelSpec, device: str) -> Model:
    from core.models.networks.window_classifier import load

    if ZOOMS.name not in spec.values:
        return load(spec, device)
    return Zoomed(spec, load(_one_zoom(spec, spec.values), device))


SPEC = ModelFamily(id="classifier", load=_load, configure=configure, offer=_offer)
