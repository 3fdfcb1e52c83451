"""Decides how one period of a cell's layers looks when unrolled: foils, coatings and separators as one long wrapping strip."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from core.synthetic.noise import generator, smooth_curve, smooth_noise
from core.synthetic.shapes import outlines
from core.synthetic.winding import Layer

Array = np.ndarray

LENGTH_PX = 6144
PAD_PX = 4


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the materials under the microscope, RGB 0 to 255."""

    graphite: Array
    graphite_pore: Array
    nmc: Array
    binder: Array
    copper: Array
    aluminium: Array
    separator: Array
    resin: Array
    steel: Array


def make_palette(seed: int) -> Palette:
    """The colours of one section: every section is lit and polished a little differently."""
    rng = generator(seed, 21)
    exposure, warmth = rng.uniform(0.92, 1.06), rng.uniform(-0.03, 0.03)
    tint = exposure * np.array([1 + warmth, 1.0, 1 - warmth])

    def colour(r: float, g: float, b: float) -> Array:
        return np.clip((np.array([r, g, b]) + rng.normal(0, 4) + rng.normal(0, 1.2, 3)) * tint, 5, 250).astype(
            np.float32
        )

    return Palette(
        graphite=colour(132, 126, 116),
        graphite_pore=colour(66, 61, 57),
        nmc=colour(190, 188, 182),
        binder=colour(70, 67, 65),
        copper=colour(224, 178, 150),
        aluminium=colour(226, 228, 230),
        separator=colour(86, 82, 78),
        resin=colour(70, 63, 55),
        steel=colour(206, 204, 198),
    )


def make_layers(seed: int, um_per_px: float) -> tuple[Layer, ...]:
    """The layers of one period, from half a separator to half a separator."""
    rng = generator(seed, 22)
    separator = rng.uniform(16, 20)
    anode, cathode = rng.uniform(61, 69), rng.uniform(56, 64)
    stack = [
        ("separator", separator / 2),
        ("anode", anode),
        ("copper", rng.uniform(9, 11)),
        ("anode", anode * rng.uniform(0.96, 1.04)),
        ("separator", separator),
        ("cathode", cathode),
        ("aluminium", rng.uniform(14, 16)),
        ("cathode", cathode * rng.uniform(0.96, 1.04)),
        ("separator", separator / 2),
    ]
    edges = np.cumsum([0.0] + [thickness / um_per_px for _, thickness in stack])
    return tuple(Layer(name, float(edges[i]), float(edges[i + 1])) for i, (name, _) in enumerate(stack))


def make_strip(layers: tuple[Layer, ...], palette: Palette, seed: int) -> Array:
    """One period unrolled: (pitch + 2·PAD_PX, LENGTH_PX, 3) uint8 RGB. Row PAD_PX is depth 0; wraps along its length."""
    rng = generator(seed, 23)
    height = math.ceil(layers[-1].d1) + 2 * PAD_PX
    rows = np.arange(height, dtype=np.float32)[:, None] - PAD_PX
    strip = _separator(rng, height, palette)
    for layer in layers:
        if layer.name == "separator":
            continue
        top = _interface(rng, layer.d0, layer.name)
        bottom = _interface(rng, layer.d1, layer.name)
        lo, hi = max(0, int(layer.d0) + PAD_PX - 12), min(height, int(layer.d1) + PAD_PX + 13)
        inside = (rows[lo:hi] >= top) & (rows[lo:hi] < bottom)
        if layer.name in ("anode", "cathode"):
            gap = (rows[lo:hi] >= top - 2.2) & (rows[lo:hi] < bottom + 2.2)
            strip[lo:hi][gap] = (0.62 * palette.binder).astype(np.uint8)
        strip[lo:hi][inside] = _material(layer.name, rng, hi - lo, palette)[inside]
    return strip


def _interface(rng: np.random.Generator, depth: float, name: str) -> Array:
    """The course of one interface along the strip, px."""
    slow, rough = {"copper": (0.8, 0.35), "aluminium": (1.0, 1.1)}.get(name, (2.0, 1.5))
    curve = depth + slow * smooth_curve(rng, LENGTH_PX, 160) + rough * smooth_curve(rng, LENGTH_PX, 5)
    return curve + 0.35 * rough * smooth_curve(rng, LENGTH_PX, 2)


def _material(name: str, rng: np.random.Generator, height: int, palette: Palette) -> Array:
    if name == "anode":
        return graphite(rng, height, LENGTH_PX, palette)
    if name == "cathode":
        return nmc(rng, height, LENGTH_PX, palette)
    return _foil(rng, height, palette.copper if name == "copper" else palette.aluminium)


def graphite(rng: np.random.Generator, height: int, width: int, palette: Palette) -> Array:
    """Flakes of graphite, mostly lying along the foil, with resin-filled pores between: (height, width, 3) uint8."""
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[:] = palette.graphite_pore
    count = int(height * width / 90)
    length = np.clip(rng.lognormal(math.log(8.5), 0.55, count), 3.0, 34)
    length = length[np.argsort(-length + rng.normal(0, 6, count))]
    shade = 1 + rng.normal(0, 0.085, (count, 1))
    tint = 1 + rng.normal(0, 1, (count, 3)) * (0.012, 0.004, 0.022)
    colours = np.clip(palette.graphite * shade * tint, 20, 235)
    rims = 0.66 * colours + 0.14 * palette.graphite_pore
    shapes = outlines(rng, length, length * rng.uniform(0.25, 0.75, count), rng.normal(0, 0.42, count), 0.2)
    _draw_grains(canvas, rng, shapes, length, colours, rims)
    lamellae = smooth_noise(rng, (height, width), 5, 0.8) * 5 + smooth_noise(rng, (height, width), 1.0, 0.8) * 6
    pores = smooth_noise(rng, (height, width), 3.2, 1.9) + 0.6 * smooth_noise(rng, (height, width), 1.1, 0.9)
    depth = np.clip((pores - 1.5) * 1.6, 0, 1)[..., None]
    mixed = (canvas + lamellae[..., None]) * (1 - depth) + palette.graphite_pore * depth * 0.95
    mixed *= 1 + 0.03 * smooth_noise(rng, (height, width), 120, 60)[..., None]
    return cv2.GaussianBlur(np.clip(mixed, 0, 255).astype(np.uint8), (5, 5), 0.65)


def nmc(rng: np.random.Generator, height: int, width: int, palette: Palette) -> Array:
    """Bright, roundish oxide particles of many sizes in a dark matrix of binder and carbon: (height, width, 3) uint8."""
    soot = smooth_noise(rng, (height, width), 1.6, 1.4) * 8 + smooth_noise(rng, (height, width), 0.7, 0.7) * 5
    canvas = np.clip(palette.binder + soot[..., None], 0, 255).astype(np.uint8)
    count = int(height * width / 62)
    radius = np.sort(np.clip(rng.lognormal(math.log(4.3), 0.55, count), 1.3, 15.5))
    colours = np.clip(palette.nmc * (1 + rng.normal(0, 0.05, (count, 1))), 30, 245)
    rims = np.repeat(0.85 * palette.binder[None], count, 0)
    shapes = outlines(rng, radius, radius * rng.uniform(0.72, 1, count), rng.uniform(0, math.pi, count), 0.1)
    _draw_grains(canvas, rng, shapes, radius, colours, rims, _draw_flaw)
    bright = canvas[..., 1:2].astype(np.float32) / palette.nmc[1]
    holes = np.clip(smooth_noise(rng, (height, width), 1.0, 1.0) - 1.35, 0, 1.2)
    grains = (
        smooth_noise(rng, (height, width), 0.8, 0.8) * 7 + smooth_noise(rng, (height, width), 1.8, 1.8) * 6 - 42 * holes
    )
    mixed = canvas + grains[..., None] * bright
    voids = np.clip((smooth_noise(rng, (height, width), 2.6, 1.8) - 1.7) * 1.5, 0, 1)[..., None]
    mixed = mixed * (1 - voids) + 0.7 * palette.binder * voids
    mixed *= 1 + 0.02 * smooth_noise(rng, (height, width), 120, 60)[..., None]
    return cv2.GaussianBlur(np.clip(mixed, 0, 255).astype(np.uint8), (5, 5), 0.6)


Detail = Callable[[Array, np.random.Generator, float, float, float], None]


def _draw_grains(
    canvas: Array,
    rng: np.random.Generator,
    shapes: Array,
    reach: Array,
    colours: Array,
    rims: Array,
    detail: Detail | None = None,
) -> None:
    """Fills grains one over the other with the gap around each; a grain over the strip's end goes on at its start."""
    height, width = canvas.shape[:2]
    x = rng.uniform(0, width, len(shapes))
    y = rng.uniform(-4, height + 4, len(shapes))
    fixed = np.rint((shapes + np.stack([x, y], 1)[:, None]) * 16).astype(np.int32)
    fills, edges = colours.tolist(), rims.tolist()
    for i, points in enumerate(fixed):
        for wrap in _wraps(x[i], reach[i] * 1.8, width):
            moved = [points + np.array([16 * wrap, 0], np.int32)] if wrap else [points]
            cv2.fillPoly(canvas, moved, fills[i], cv2.LINE_AA, 4)
            cv2.polylines(canvas, moved, True, edges[i], 1, cv2.LINE_AA, 4)
        if detail is not None and reach[i] > 6:
            detail(canvas, rng, x[i], y[i], reach[i])


def _draw_flaw(canvas: Array, rng: np.random.Generator, x: float, y: float, a: float) -> None:
    """A hollow or a split inside some oxide particles, as calendering leaves them."""
    kind = rng.random()
    if kind < 0.08:
        hollow = outlines(rng, np.array([a * 0.3]), np.array([a * 0.2]), np.array([kind * 40]), 0.3)[0]
        cv2.fillPoly(canvas, [np.rint((hollow + np.array([x, y])) * 16).astype(np.int32)], (70, 68, 66), cv2.LINE_AA, 4)
    elif kind < 0.25:
        turn, bend = rng.uniform(0, math.pi), rng.normal(0, a * 0.2, 2)
        dx, dy = a * 0.9 * math.cos(turn), a * 0.9 * math.sin(turn)
        points = np.array([[x - dx, y - dy], [x + bend[0], y + bend[1]], [x + dx, y + dy]])
        cv2.polylines(canvas, [np.rint(points * 16).astype(np.int32)], False, (96, 94, 92), 1, cv2.LINE_AA, 4)


def _foil(rng: np.random.Generator, height: int, colour: Array) -> Array:
    """Rolled metal: bright, with faint polishing lines along it."""
    streaks = smooth_noise(rng, (height, LENGTH_PX), 40, 0.7) * 3 + smooth_noise(rng, (height, LENGTH_PX), 1, 1) * 2
    slow = smooth_noise(rng, (height, LENGTH_PX), 300, 20) * 4
    specks = np.clip(smooth_noise(rng, (height, LENGTH_PX), 1.4, 1.0) - 2.9, 0, 1) * -90
    return np.clip(colour + (streaks + slow + specks)[..., None], 0, 255).astype(np.uint8)


def _separator(rng: np.random.Generator, height: int, palette: Palette) -> Array:
    """A polymer film soaked with resin: dark, with fine fibres along it."""
    fibres = smooth_noise(rng, (height, LENGTH_PX), 14, 0.9) * 4 + smooth_noise(rng, (height, LENGTH_PX), 1.2, 1.2) * 3
    patches = smooth_noise(rng, (height, LENGTH_PX), 60, 8) * 4
    tone = palette.separator + (fibres + patches)[..., None]
    return np.clip(tone, 0, 255).astype(np.uint8)


def _wraps(x: float, reach: float, width: int) -> list[int]:
    if x < reach:
        return [0, width]
    return [0, -width] if x > width - reach else [0]
