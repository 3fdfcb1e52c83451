"""Decides how "why was this called a defect" is answered for a stored detection: its crop, and the model's reasons over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from core.detection import Detection
from core.geometry import Box
from core.models.base import Evidence, Model, ModelSpec
from core.scan.plan import model_scale
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.seen_range import seen_range

Array = np.ndarray

# Around the detection itself, so that it is seen among its neighbours.
CONTEXT = 1.8
# A crop this large, in model px, is as much as can be looked at and explained in a moment.
LARGEST_CROP_PX = 1024


@dataclass(frozen=True)
class Explanation:
    """`pixels` (h, w, 3) uint8 RGB at the model's scale, `heat` (h, w) float32 of 0 to 1 on the same px, and the level-0
    box that both show. `heat` is None when the model has no explanation to give. `evidence`: pictures to set beside it, at
    the same scale, empty where the model has none."""

    pixels: Array
    heat: Array | None
    box: Box
    evidence: tuple[Evidence, ...] = ()

    def box_of(self, evidence: Evidence) -> Box | None:
        """What of the section a picture shows; None for an example from elsewhere."""
        return self.box if evidence.pixels.shape == self.pixels.shape else None

    def level0_width(self, evidence: Evidence) -> float:
        """How wide a picture is, in level-0 px of its section."""
        return evidence.pixels.shape[1] * self.box.w / self.pixels.shape[1]


def explain_detection(
    section: Section,
    detection: Detection,
    model: Model,
    plane: Plane | None = None,
    label: str = "",
    worst: tuple[float, float] | None = None,
) -> Explanation:
    """A square crop around the detection with what made the model say so, or what speaks for another `label`.

    The crop is at least a window wide, and what the model sees beyond the crop is real: it is given the section's own
    surroundings (`halo_px`), which are then cut off. Of a detection too large to be seen whole, what lies
    around `worst` (level-0 px) is shown. Raises InputError when the section can't be read.
    """
    plane = plane or Plane()
    scale = model_scale(section.info, model.spec)
    x, y, side = _crop(detection.box, scale, model.spec, worst)
    halo = model.spec.halo_px
    source = TileSource(section, plane, seen_range(section, plane, model.spec), scale)
    wide = source.read(x - halo, y - halo, side + 2 * halo, side + 2 * halo)
    inner = slice(halo, halo + side)
    heat = model.explain(wide, label or detection.said_label)
    if heat is not None:
        heat = heat[inner, inner] / max(float(heat[inner, inner].max()), 1e-6)
    evidence = tuple(_inner(one, wide, inner) for one in model.evidence(wide, label or detection.said_label))
    box = Box(x, y, side, side).scaled(scale)
    return Explanation(np.ascontiguousarray(wide[inner, inner]), heat, box, evidence)


def overlay(explanation: Explanation, opacity: float = 0.5) -> Array:
    """The crop with its heat laid over it, (h, w, 3) uint8 RGB; the crop alone without heat."""
    if explanation.heat is None:
        return explanation.pixels
    colours = cv2.applyColorMap(np.rint(255 * explanation.heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = opacity * explanation.heat[..., None]
    return np.rint(explanation.pixels * (1 - share) + colours * share).astype(np.uint8)


def _inner(evidence: Evidence, wide: Array, inner: slice) -> Evidence:
    """Without the surroundings that the crop was given with; an example from elsewhere is as it is."""
    if evidence.pixels.shape[:2] != wide.shape[:2]:
        return evidence
    return replace(evidence, pixels=np.ascontiguousarray(evidence.pixels[inner, inner]))


def _crop(box: Box, scale: float, spec: ModelSpec, worst: tuple[float, float] | None) -> tuple[int, int, int]:
    """Corner and side of the crop in model px, on the grid of windows: the network then sees what the scan saw."""
    stride, grid = spec.stride_px, spec.grid_px or spec.stride_px
    inner = box.scaled(1 / scale)
    wanted = max(CONTEXT * max(inner.w, inner.h), 2 * spec.window_px, 8 * stride)
    side = stride * math.ceil(min(wanted, LARGEST_CROP_PX) / stride)
    cx, cy = inner.center
    if worst is not None and side < max(inner.w, inner.h):
        cx, cy = worst[0] / scale, worst[1] / scale
    return grid * round((cx - side / 2) / grid), grid * round((cy - side / 2) / grid), side
