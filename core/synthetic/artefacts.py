"""Decides how traces of preparation look: scratches of the polishing cloth, water marks, smears."""

from __future__ import annotations

import math

import cv2
import numpy as np

from core.synthetic import shapes
from core.synthetic.noise import smooth_noise
from core.synthetic.specimen import Patch

Array = np.ndarray


def make(rng: np.random.Generator, x: float, y: float) -> Patch:
    """A scratch, a water mark or a smear around (x, y)."""
    kind = rng.random()
    if kind < 0.55:
        return _scratch(rng, x, y)
    return _water_mark(rng, x, y) if kind < 0.85 else _smear(rng, x, y)


def _scratch(rng: np.random.Generator, x: float, y: float) -> Patch:
    """Long, thin and nearly straight, across layers of every kind; dark, or bright where it catches the light."""
    length, angle = rng.uniform(260, 900), rng.uniform(0, math.pi)
    count = max(8, int(length / 12))
    t = np.linspace(-0.5, 0.5, count)
    bow = length * rng.normal(0, 0.012) * (4 * t**2 - 1)
    cos, sin = math.cos(angle), math.sin(angle)
    points = np.stack([cos * t * length - sin * bow, sin * t * length + cos * bow], 1)
    low = np.floor(points.min(0)) - 6
    width, height = (np.ceil(points.max(0)) - low + 7).astype(int)
    canvas = np.zeros((height, width), np.uint8)
    thickness = rng.uniform(1.2, 2.8)
    for offset in [0.0] if rng.random() < 0.6 else [0.0, rng.uniform(4, 5.5)]:
        moved = points - low + offset * np.array([-sin, cos]) * 0.7
        fading = thickness * np.clip(1.25 - np.abs(2 * t) ** 4, 0.35, 1) * rng.uniform(0.8, 1.15, count)
        shapes.stroke(canvas, moved, fading)
    bright = rng.random() < 0.35
    color = shapes.mottled(rng, canvas.shape, np.full(3, 222.0 if bright else 44.0), 8)
    cover = canvas.astype(np.float32) / 255 * rng.uniform(0.6, 0.9)
    return centred(x - points.mean(0)[0], y, cover, color)


def _water_mark(rng: np.random.Generator, x: float, y: float) -> Patch:
    """A dried drop: a faint brownish stain with a darker rim, often with a second rim inside."""
    length = rng.uniform(120, 420)
    cover = shapes.blob(rng, length, rng.uniform(0.6, 1.0), rng.uniform(0, math.pi), 0.13)
    ring = shapes.rim(cover, rng.uniform(2.5, 6))
    film = rng.uniform(0.14, 0.26) * (1 + 0.25 * smooth_noise(rng, cover.shape, 12, 12))
    strength = film * cover + rng.uniform(0.3, 0.55) * ring
    if rng.random() < 0.6:
        inner = cv2.resize(ring, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
        top = (cover.shape[0] - inner.shape[0]) // 2
        strength[top : top + inner.shape[0], top : top + inner.shape[0]] += 0.25 * inner
    base = np.array([96.0, 72.0, 44.0]) * rng.uniform(0.8, 1.2)
    return centred(x, y, np.clip(strength, 0, 0.8) * (cover > 0), shapes.mottled(rng, cover.shape, base, 8, 3))


def _smear(rng: np.random.Generator, x: float, y: float) -> Patch:
    """Soft material dragged along by the cloth: a hazy streak with a definite head."""
    length, angle = rng.uniform(120, 320), rng.uniform(0, 2 * math.pi)
    half = int(length / 2) + 12
    axis = np.arange(-half, half + 1, dtype=np.float32)
    gx, gy = np.meshgrid(axis, axis)
    along = (math.cos(angle) * gx + math.sin(angle) * gy) / length + 0.5
    across = -math.sin(angle) * gx + math.cos(angle) * gy
    width = rng.uniform(9, 24)
    streaks = 1 + 0.3 * np.sin(across / rng.uniform(1.2, 2.5) + rng.uniform(0, 6))
    body = np.clip(1.15 - along, 0, 1) * np.clip(along * 8, 0, 1) * (along < 1)
    cover = body * np.exp(-((across / (width * (0.4 + 0.6 * np.clip(along, 0, 1)))) ** 2)) * streaks
    base = np.full(3, rng.uniform(50, 175))
    return centred(
        x, y, np.clip(0.75 * cover, 0, 0.85).astype(np.float32), shapes.mottled(rng, cover.shape, base, 6, 2)
    )


def centred(x: float, y: float, cover: Array, color: Array) -> Patch:
    """A patch around (x, y); what is too faint to be seen is left out."""
    alpha = np.rint(255 * np.clip(cover, 0, 1)).astype(np.uint8)
    alpha[alpha < 20] = 0
    height, width = alpha.shape
    return Patch(int(x) - width // 2, int(y) - height // 2, alpha, color)
