"""Decides how crops are varied, so that another microscope, lamp or polish is nothing new to the network."""

from __future__ import annotations

import cv2
import numpy as np

from core.train.regions import Crop

Array = np.ndarray


def augment(crop: Crop, rng: np.random.Generator, strength: float = 1.0) -> Crop:
    """Turned and mirrored exactly; brightness, contrast, gamma, colour, focus and noise by chance."""
    orientation = int(rng.integers(8))
    pixels, boxes = orient(crop.pixels, crop.boxes, orientation)
    known = None if crop.known is None else orient(crop.pixels, crop.known, orientation)[1]
    outlines = tuple(_turned(one, crop.pixels.shape[0], orientation) for one in crop.outlines)
    return Crop(photograph(pixels, rng, strength), boxes, crop.classes, known, outlines)


def orient(pixels: Array, boxes: Array, orientation: int) -> tuple[Array, Array]:
    """One of the 8 ways to lay a square down: bit 0 mirrors left and right, bit 1 up and down, bit 2 swaps x and y."""
    side = pixels.shape[0]
    x, y, w, h = boxes.T.copy()
    if orientation & 1:
        pixels, x = pixels[:, ::-1], side - x - w
    if orientation & 2:
        pixels, y = pixels[::-1], side - y - h
    if orientation & 4:
        pixels, x, y, w, h = pixels.transpose(1, 0, 2), y, x, h, w
    return np.ascontiguousarray(pixels), np.stack([x, y, w, h], 1)


def _turned(points: Array, side: int, orientation: int) -> Array:
    """(n, 2) points laid down with their square, as `orient` does."""
    x, y = points.T
    x, y = side - x if orientation & 1 else x, side - y if orientation & 2 else y
    return np.stack([y, x] if orientation & 4 else [x, y], 1)


def photograph(pixels: Array, rng: np.random.Generator, strength: float = 1.0) -> Array:
    """The same surface under another lamp, focus and camera: (h, w, 3) uint8."""
    image = pixels
    if rng.random() < 0.35 * strength:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 0.3 + 0.9 * strength))
    values = image.astype(np.float32) / 255
    if rng.random() < 0.3 * strength:
        values = np.power(values, np.exp(rng.normal(0, 0.25 * strength)))
    gain = np.exp(rng.normal(0, 0.15 * strength)) * np.exp(rng.normal(0, 0.04 * strength, 3))
    values = values * gain.astype(np.float32) + np.float32(rng.normal(0, 0.04 * strength))
    if rng.random() < 0.3 * strength:
        values += _slope(values.shape[:2], rng, 0.1 * strength)
    if rng.random() < 0.08 * strength:
        values[:] = values.mean(-1, keepdims=True)  # a grey camera
    if rng.random() < 0.4 * strength:
        values += rng.normal(0, rng.uniform(0, 0.03 * strength), values.shape).astype(np.float32)
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)


def _slope(shape: tuple[int, int], rng: np.random.Generator, height: float) -> Array:
    """Light that falls off across the crop: (h, w, 1) float32."""
    ramp_y, ramp_x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    a, b = rng.uniform(-height, height, 2)
    return (np.float32(a) * ramp_y[:, None] + np.float32(b) * ramp_x[None, :])[..., None]
