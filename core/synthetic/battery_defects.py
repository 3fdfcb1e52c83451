"""Decides how each class of battery defect looks and where in the layers it may lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.synthetic import artefacts, shapes
from core.synthetic.geometry_defects import make_geometry
from core.synthetic.specimen import Patch

if TYPE_CHECKING:
    from core.synthetic.battery import BatterySpecimen

Array = np.ndarray

LABELS = (
    "foreign_particle",
    "pore",
    "crack",
    "agglomerate",
    "large_round_particle",
    "geometry",
    "preparation_artefact",
)
_COATINGS = ("anode", "cathode")

# Metals and oxides that get into cells: steel, copper, brass, aluminium, and two oxides with their interference tints.
_CHIP_COLOURS = (
    (238, 235, 226),
    (232, 176, 146),
    (230, 208, 150),
    (236, 238, 242),
    (112, 118, 140),
    (150, 116, 102),
)


def make(specimen: BatterySpecimen, label: str, rng: np.random.Generator) -> Patch | None:
    """A defect at a random place; None when the place doesn't suit the class."""
    x, y = rng.uniform(0, specimen.size, 2)
    if label == "preparation_artefact":
        return artefacts.make(rng, x, y) if specimen.is_wound(np.array([x]), np.array([y])) else None
    found = specimen.layer_at(x, y)
    if found is None:
        return None
    layer, depth = found
    normal = specimen.winding.normal(x, y)
    if label == "geometry":
        return make_geometry(specimen, rng, x, y, normal, layer, depth)
    wanted = ("cathode",) if label == "large_round_particle" else _COATINGS
    if layer.name not in wanted and not (label == "foreign_particle" and layer.name == "separator"):
        return None
    draw = {
        "foreign_particle": _foreign_particle,
        "pore": _pore,
        "crack": _crack,
        "agglomerate": _agglomerate,
        "large_round_particle": _large_round_particle,
    }[label]
    # Move along the normal to a depth where it fits, most freely near the middle of the coating.
    room = layer.d1 - layer.d0
    target = layer.d0 + room * (0.5 + (0.0 if label == "large_round_particle" else rng.uniform(-0.28, 0.28)))
    x, y = x + (target - depth) * math.cos(normal), y + (target - depth) * math.sin(normal)
    return draw(specimen, rng, x, y, normal, layer.name)


def _foreign_particle(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: str
) -> Patch:
    length = 40 * 6 ** rng.beta(1.2, 2.0)
    angle = normal + math.pi / 2 + rng.normal(0, 0.7)
    cover = shapes.chip(rng, length, rng.uniform(0.35, 0.95), angle)
    base = np.array(_CHIP_COLOURS[rng.integers(len(_CHIP_COLOURS))], np.float32) * rng.uniform(0.88, 1.03)
    color = shapes.mottled(rng, cover.shape, base, 5, 1.2).astype(np.float32)
    axis = np.arange(cover.shape[0], dtype=np.float32)
    way = rng.uniform(0, math.pi)
    grooves = np.sin((axis[:, None] * math.sin(way) + axis[None] * math.cos(way)) / rng.uniform(1.5, 5))
    color += (rng.uniform(0, 7) * grooves)[..., None]
    color *= 1 - rng.uniform(0.1, 0.45) * shapes.rim(cover, 1.5)[..., None]
    # A dark gap where the splinter was torn loose or the resin didn't wet it.
    gap = cv2.GaussianBlur(cv2.dilate(cover, np.ones((5, 5), np.uint8)), (0, 0), 1.0) * rng.uniform(0.0, 0.7)
    blend = np.maximum(cover, gap)
    color = np.where(cover[..., None] > 0.02, color * cover[..., None] + 38 * (1 - cover[..., None]), 38)
    return _patch(x, y, blend, color)


def _pore(specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: str) -> Patch:
    length = 42 * (155 / 42) ** rng.uniform()
    angle = normal + math.pi / 2 + rng.normal(0, 0.4)
    cover = shapes.blob(rng, length, min(rng.uniform(0.45, 0.95), 85 / length), angle, 0.2)
    cover *= _within_coating(specimen, *_corner(x, y, cover), cover.shape, x, y, layer)
    resin_filled = rng.random() < 0.35
    base = specimen.palette.resin * rng.uniform(0.8, 0.95) if resin_filled else np.array([26.0, 24.0, 23.0])
    color = shapes.mottled(rng, cover.shape, base, 5 if resin_filled else 4, 2.5).astype(np.float32)
    # Relief: one flank of the hole catches light.
    flank = np.clip(cover - np.roll(cover, (2, 2), (0, 1)), 0, 1) + 0.35 * shapes.rim(cover, 4)
    color += (rng.uniform(10, 45) * flank)[..., None]
    return _patch(x, y, cover * rng.uniform(0.9, 1.0), color)


def _crack(specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: str) -> Patch:
    length = rng.uniform(120, 560)
    steep = math.atan2(rng.uniform(60, 125), length)
    angle = normal + math.pi / 2 + rng.choice([-1, 1]) * min(steep, 1.2)
    cover, middle = shapes.crack(rng, length, angle, rng.uniform(2.4, 5.0))
    left, top = int(x) - middle[0], int(y) - middle[1]
    cover *= _within_coating(specimen, left, top, cover.shape, x, y, layer)
    color = shapes.mottled(rng, cover.shape, np.full(3, rng.uniform(22, 40)), 4)
    return Patch(left, top, _to_alpha(cover * rng.uniform(0.85, 1.0)), color)


def _agglomerate(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: str
) -> Patch:
    """A nest of binder and carbon black, or of fine graphite: ragged, smoother than what is around it."""
    length = 70 * (200 / 70) ** rng.uniform()
    angle = normal + math.pi / 2 + rng.normal(0, 0.25)
    aspect = min(rng.uniform(0.45, 0.85), 105 / length)
    cover = shapes.blob(rng, length, aspect, angle, 0.3)
    ragged = cv2.GaussianBlur(cover, (0, 0), 3) + 0.16 * shapes.smooth_noise(rng, cover.shape, 2.2, 2.2) * (cover > 0)
    cover = np.clip((ragged - 0.5) * 3, 0, 1) * (cv2.GaussianBlur(cover, (0, 0), 3) > 0.2)
    binder = layer == "anode" or rng.random() < 0.6
    base = (
        specimen.palette.binder * rng.uniform(0.62, 0.85)
        if binder
        else specimen.palette.graphite * rng.uniform(0.75, 0.95)
    )
    color = shapes.mottled(rng, cover.shape, base, 5, 1.0)
    cover = cover * _within_coating(specimen, *_corner(x, y, cover), cover.shape, x, y, layer)
    return _patch(x, y, cover * rng.uniform(0.82, 0.97), color)


def _large_round_particle(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: str
) -> Patch:
    """One oxide (now and then graphite) particle several times larger than all others."""
    diameter = rng.uniform(54, 106)
    cover = shapes.blob(rng, diameter, rng.uniform(0.86, 0.98), rng.uniform(0, math.pi), 0.05)
    oxide = rng.random() < 0.8
    base = (specimen.palette.nmc if oxide else specimen.palette.graphite) * rng.uniform(0.92, 1.06)
    color = shapes.mottled(rng, cover.shape, base, 7, 0.9).astype(np.float32)
    holes = np.clip(shapes.smooth_noise(rng, cover.shape, 1.1, 1.1) - 1.5, 0, 1)
    color -= (75 * holes)[..., None]
    if rng.random() < 0.45:
        color *= 1 - 0.6 * _inner_splits(rng, cover, diameter)[..., None]
    core = shapes.blob(rng, diameter * rng.uniform(0.12, 0.4), 0.8, 0, 0.2)
    if rng.random() < 0.3:
        top = (cover.shape[0] - core.shape[0]) // 2
        if top >= 0:
            color[top : top + core.shape[0], top : top + core.shape[0]] *= 1 - 0.6 * core[..., None]
    gap = cv2.dilate(cover, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    dark = 0.7 * specimen.palette.binder
    color = color * cover[..., None] + dark * (1 - cover[..., None])
    return _patch(x, y, np.maximum(cover, 0.9 * gap), color)


def _inner_splits(rng: np.random.Generator, cover: Array, diameter: float) -> Array:
    canvas = np.zeros(cover.shape, np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, 2 * math.pi)
        line = shapes.jagged_line(rng, diameter * rng.uniform(0.4, 0.8), angle, 5, 0.25)
        shapes.stroke(canvas, line - line.mean(0) + cover.shape[0] / 2, np.full(len(line), 1.6))
    return canvas.astype(np.float32) / 255 * cover


def _within_coating(
    specimen: BatterySpecimen, left: int, top: int, shape: tuple[int, ...], x: float, y: float, layer: str
) -> Array:
    """1 inside the coating that holds (x, y), fading to 0 at its faces; float32."""
    depth = specimen.depth(left, top, shape[1], shape[0])
    found = specimen.layer_at(x, y)
    inside = [item for item in specimen.layers if item.name == layer]
    own = found[0] if found is not None and found[0].name == layer else inside[0]
    return np.clip(np.minimum(depth - own.d0 - 1, own.d1 - 1 - depth), 0, 1).astype(np.float32)


def _corner(x: float, y: float, cover: Array) -> tuple[int, int]:
    return int(x) - cover.shape[1] // 2, int(y) - cover.shape[0] // 2


def _patch(x: float, y: float, cover: Array, color: Array) -> Patch:
    return Patch(*_corner(x, y, cover), _to_alpha(cover), np.clip(color, 0, 255).astype(np.uint8))


def _to_alpha(cover: Array) -> Array:
    """Coverage as uint8; what is too faint to be seen is nothing, so that boxes are tight."""
    alpha = np.rint(255 * np.clip(cover, 0, 1)).astype(np.uint8)
    alpha[alpha < 20] = 0
    return alpha
