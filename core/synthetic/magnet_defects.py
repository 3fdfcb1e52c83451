"""Decides how each class of magnet defect looks: large pores, nests of oxides, fluorides, grains grown far too large."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.synthetic import artefacts, shapes
from core.synthetic.specimen import ARTEFACT, Patch

if TYPE_CHECKING:
    from core.synthetic.magnet import MagnetSpecimen

Array = np.ndarray

LABELS = ("large_pore", "oxide_cluster", "fluoride", "large_grain", ARTEFACT)


def make(specimen: MagnetSpecimen, label: str, rng: np.random.Generator, x: float, y: float) -> Patch:
    """A defect around (x, y)."""
    if label == ARTEFACT:
        return artefacts.make(rng, x, y)
    draw = {
        "large_pore": _large_pore,
        "oxide_cluster": _oxide_cluster,
        "fluoride": _fluoride,
        "large_grain": _large_grain,
    }
    cover, color = draw[label](specimen, rng)
    return artefacts.centred(x, y, cover, color)


def _large_pore(specimen: MagnetSpecimen, rng: np.random.Generator) -> tuple[Array, Array]:
    """A void left by sintering, 15 to 60 µm, sometimes of several that ran together."""
    length = 60 * 4 ** rng.uniform()
    cover = shapes.blob(rng, length, rng.uniform(0.5, 0.95), rng.uniform(0, math.pi), 0.25)
    base = np.array([28.0, 26.0, 25.0]) + rng.uniform(0, 14)
    color = shapes.mottled(rng, cover.shape, base, 5, 2.5).astype(np.float32)
    color += (rng.uniform(15, 50) * shapes.rim(cover, 3))[..., None]
    return cover, np.clip(color, 0, 255).astype(np.uint8)


def _oxide_cluster(specimen: MagnetSpecimen, rng: np.random.Generator) -> tuple[Array, Array]:
    """Many small grey oxide particles close together, 30 to 90 µm across."""
    length = 120 * 3 ** rng.uniform()
    side = int(1.5 * length) + 20
    canvas = np.zeros((side, side), np.uint8)
    angle, aspect = rng.uniform(0, math.pi), rng.uniform(0.45, 0.9)
    for _ in range(int(length * aspect * rng.uniform(0.35, 0.6))):
        along, across = np.clip(rng.normal(0, 0.19, 2), -0.4, 0.4) * length * np.array([1, aspect])
        cx = side / 2 + math.cos(angle) * along - math.sin(angle) * across
        cy = side / 2 + math.sin(angle) * along + math.cos(angle) * across
        radius = float(np.clip(rng.lognormal(math.log(5.0), 0.4), 2.5, 14))
        shape = shapes.outlines(rng, np.full(1, radius), radius * rng.uniform(0.65, 1, 1), rng.uniform(0, 3, 1), 0.16)[
            0
        ]
        cv2.fillPoly(canvas, [np.rint((shape + np.array([cx, cy])) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    cover = canvas.astype(np.float32) / 255
    base = np.array([88.0, 92.0, 104.0]) * rng.uniform(0.8, 1.15)
    color = shapes.mottled(rng, cover.shape, base, 9, 1.5).astype(np.float32)
    color *= 1 - 0.35 * shapes.rim(cover, 1.2)[..., None]
    return cover, np.clip(color, 0, 255).astype(np.uint8)


def _fluoride(specimen: MagnetSpecimen, rng: np.random.Generator) -> tuple[Array, Array]:
    """A smooth, angular body of fluoride, 20 to 70 µm, often with a few pores in it."""
    length = 80 * 3.5 ** rng.uniform()
    cover = shapes.chip(rng, length, rng.uniform(0.35, 0.85), rng.uniform(0, math.pi))
    base = np.array([126.0, 132.0, 140.0]) * rng.uniform(0.85, 1.05)
    color = shapes.mottled(rng, cover.shape, base, 5, 1.0).astype(np.float32)
    holes = np.clip(shapes.smooth_noise(rng, cover.shape, 2.2, 2.2) - 1.9, 0, 0.6)
    color *= 1 - holes[..., None]
    color *= 1 - 0.3 * shapes.rim(cover, 1.5)[..., None]
    return cover, np.clip(color, 0, 255).astype(np.uint8)


def _large_grain(specimen: MagnetSpecimen, rng: np.random.Generator) -> tuple[Array, Array]:
    """One grain of 40 to 100 µm among grains of 4 to 10: even in tone, with a thin boundary all around."""
    length = 160 * 2.5 ** rng.uniform()
    cover = shapes.blob(rng, length, rng.uniform(0.6, 0.95), rng.uniform(0, math.pi), 0.17)
    base = specimen.matrix + rng.uniform(-1, 1) * 9
    color = shapes.mottled(rng, cover.shape, base, 1.2, 4).astype(np.float32)
    # Fine scratches in the grain's own direction: etching shows them where no boundary hides them.
    axis = np.arange(cover.shape[0], dtype=np.float32)
    way = rng.uniform(0, math.pi)
    stripes = np.sin((axis[:, None] * math.sin(way) + axis[None] * math.cos(way)) / rng.uniform(2, 5))
    color += (rng.uniform(0.5, 2.0) * stripes)[..., None]
    edge = np.clip(2.2 * shapes.rim(cover, 1.2), 0, 1)[..., None]
    color += (specimen.nd_rich - color) * edge
    return cover, np.clip(color, 0, 255).astype(np.uint8)
