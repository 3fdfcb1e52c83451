"""Decides how layers go astray: kinks of the foils, bulges, gaps between coating and neighbour, missing coating."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from core.synthetic import shapes
from core.synthetic.noise import smooth_noise
from core.synthetic.specimen import Patch
from core.synthetic.winding import Layer

if TYPE_CHECKING:
    from core.synthetic.battery import BatterySpecimen

Array = np.ndarray

_BENDS_APART = 0.75


def make_geometry(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: Layer, depth: float
) -> Patch | None:
    """One irregularity of the layers around (x, y); None when the layer there can't have it."""
    kind = rng.random()
    if kind < 0.45:
        return _bend(specimen, rng, x, y, normal, layer, depth)
    if layer.name not in ("anode", "cathode"):
        return None
    if kind < 0.75:
        return _gap(specimen, rng, x, y, normal, layer, depth)
    return _missing_coating(specimen, rng, x, y, normal, layer, depth)


def _bend(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: Layer, depth: float
) -> Patch:
    """A kink, a double bend or a one-sided bulge of the foil, carried on by the layers above and below.

    Mostly the coating there has lost touch with its separator, as stiff layers do where they are bent.
    """
    along, across = _local(normal, half := int(rng.uniform(190, 300)))
    length, decay = half * rng.uniform(0.22, 0.36), half * rng.uniform(0.30, 0.42)
    height = rng.uniform(0.36, 0.6) * decay * rng.choice([-1, 1])
    kind = rng.random()
    if kind < 0.4:
        course = np.exp(-(np.abs(along / length) ** 1.4))
    elif kind < 0.75:
        course = 1.6 * (along / length) * np.exp(-((along / length) ** 2))
    else:
        course = np.exp(-((along / length) ** 2)) * np.where(across > 0, 1.0, 0.15 + 0.85 * np.exp(across / 30))
    shift = _limited(height * course * np.exp(-((across / decay) ** 2)), 1.2)
    if layer.name not in ("anode", "cathode") or rng.random() > _BENDS_APART:
        return _warp(x, y, half, shift)
    edge = (layer.d1 if _foil_before(specimen, layer) else layer.d0) - depth
    width = rng.uniform(9, 22) * np.exp(-((along / (1.3 * length)) ** 2))
    rough = smooth_noise(rng, across.shape, 4, 4) * 1.2
    cover = np.clip(width - np.abs(across + shift - edge) - 1.5 + rough * (width > 3), 0, 1)
    return _warp(x, y, half, shift, cover, _filling(specimen, rng, cover.shape))


def _gap(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: Layer, depth: float
) -> Patch:
    """Coating and separator apart: a lens of resin or of nothing, its neighbours pushed aside."""
    half = int(rng.uniform(130, 290))
    edge = layer.d1 if _foil_before(specimen, layer) else layer.d0
    x, y = x + (edge - depth) * math.cos(normal), y + (edge - depth) * math.sin(normal)
    along, across = _local(normal, half)
    width, reach = rng.uniform(8, 22), half * rng.uniform(0.7, 0.9)
    lens = (
        width * np.clip(1 - (along / reach) ** 2, 0, None) ** 1.3 * (1 + 0.15 * np.sin(along / 23 + rng.uniform(0, 6)))
    )
    falling = np.exp(-((across / (0.55 * half)) ** 2))
    shift = _limited(-np.sign(across) * lens * falling, 1.2)
    rough = smooth_noise(rng, across.shape, 4, 4) * 1.2
    cover = np.clip(lens - np.abs(across) - 1 + rough * (lens > 2), 0, 1)
    return _warp(x, y, half, shift, cover, _filling(specimen, rng, cover.shape))


def _missing_coating(
    specimen: BatterySpecimen, rng: np.random.Generator, x: float, y: float, normal: float, layer: Layer, depth: float
) -> Patch:
    """A stretch where part of the coating's thickness is not there, filled with resin."""
    half = int(rng.uniform(120, 280))
    middle = (layer.d0 + layer.d1) / 2
    x, y = x + (middle - depth) * math.cos(normal), y + (middle - depth) * math.sin(normal)
    along, across = _local(normal, half)
    thickness = layer.d1 - layer.d0
    # The foil's side stays: a coating is thin where it faces the separator.
    from_separator = thickness / 2 - across if _foil_before(specimen, layer) else across + thickness / 2
    reach, ramp = half * rng.uniform(0.6, 0.88), half * rng.uniform(0.15, 0.6)
    ends = reach - np.abs(along) + 9 * smooth_noise(rng, across.shape, 14, 14)
    bite = thickness * rng.uniform(0.35, 0.85) * np.sin(np.clip(ends / ramp, 0, 1) * math.pi / 2)
    rough = smooth_noise(rng, across.shape, 5, 5) * 4 + smooth_noise(rng, across.shape, 22, 22) * 5
    cover = np.clip(np.minimum(bite - from_separator + rough, from_separator - 1), 0, 1) * (bite > 2)
    base = specimen.palette.resin * rng.uniform(0.85, 1.05)
    return _warp(x, y, half, None, cover, shapes.mottled(rng, cover.shape, base, 4, 2.5))


def _filling(specimen: BatterySpecimen, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """What a gap shows: resin that ran in, or the dark where none did."""
    empty = rng.random() < 0.4
    base = np.array([30.0, 28.0, 27.0]) if empty else specimen.palette.resin * rng.uniform(0.85, 1.0)
    return shapes.mottled(rng, shape, base, 4, 2.0)


def _foil_before(specimen: BatterySpecimen, layer: Layer) -> bool:
    """Whether a coating's foil lies on its side of smaller depth, and the separator on the other."""
    return any(item.d1 == layer.d0 and item.name in ("copper", "aluminium") for item in specimen.layers)


def _local(normal: float, half: int) -> tuple[Array, Array]:
    """Px along the layers and across them (growing with depth) for a square of 2·half px."""
    axis = np.arange(-half, half, dtype=np.float32) + 0.5
    x, y = np.meshgrid(axis, axis)
    return -math.sin(normal) * x + math.cos(normal) * y, math.cos(normal) * x + math.sin(normal) * y


def _limited(shift: Array, least: float) -> Array:
    """Takes off what nobody could see, so that the support is finite and the box tight."""
    half = shift.shape[0] // 2
    axis = np.abs(np.arange(-half, half) + 0.5) / half
    window = np.clip((1 - axis) / 0.15, 0, 1)
    shift = shift * (window[:, None] * window[None, :])
    return (np.sign(shift) * np.maximum(np.abs(shift) - least, 0)).astype(np.float32)


def _warp(
    x: float, y: float, half: int, shift: Array | None, cover: Array | None = None, color: Array | None = None
) -> Patch:
    side = 2 * half
    alpha = np.zeros((side, side), np.uint8)
    if cover is not None:
        alpha = np.rint(255 * np.clip(cover, 0, 1)).astype(np.uint8)
        alpha[alpha < 20] = 0
    return Patch(
        int(x) - half, int(y) - half, alpha, color if color is not None else np.zeros((side, side, 3), np.uint8), shift
    )
