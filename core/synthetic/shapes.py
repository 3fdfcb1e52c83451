"""Decides the shapes defects are drawn with: blobs, chips, branching cracks, scratches, stains, each as a coverage mask."""

from __future__ import annotations

import math

import cv2
import numpy as np

from core.synthetic.noise import smooth_noise

Array = np.ndarray


def blob(rng: np.random.Generator, length: float, aspect: float, angle: float, roughness: float) -> Array:
    """A rounded, irregular area. Returns coverage (n, n) float32, 0 to 1, centred, n odd.

    Args:
        length: longer extent in px; aspect: shorter over longer; angle: direction of the longer, radian.
        roughness: 0 smooth, 0.3 ragged.
    """
    x, y, side = _grid(length * (1 + 0.8 * roughness))
    cos, sin = math.cos(angle), math.sin(angle)
    along, across = cos * x + sin * y, (-sin * x + cos * y) / aspect
    phi = np.arctan2(across, along)
    limit = np.ones_like(phi)
    for k in range(2, 12):
        limit += roughness * rng.normal() / k**1.05 * np.cos(k * phi + rng.uniform(0, 2 * math.pi))
    rough = smooth_noise(rng, (side, side), 3, 3) * roughness * min(5.0, length * 0.04)
    distance = (np.clip(limit, 0.4, 1.7) * length / 2 - np.hypot(along, across)) * aspect + rough
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def chip(rng: np.random.Generator, length: float, aspect: float, angle: float) -> Array:
    """An angular splinter: coverage as in `blob`."""
    side = _grid(length)[2]
    corners = rng.integers(5, 10)
    phi = np.sort(np.linspace(0, 2 * math.pi, corners, endpoint=False) + rng.normal(0, 0.22, corners))
    radius = length / 2 * rng.uniform(0.62, 1.0, corners)
    px, py = radius * np.cos(phi), radius * np.sin(phi) * aspect
    cos, sin = math.cos(angle), math.sin(angle)
    points = np.stack([cos * px - sin * py, sin * px + cos * py], 1) + side / 2
    return fill(side, side, _roughen(rng, points))


def outlines(rng: np.random.Generator, a: Array, b: Array, angle: Array, roughness: float, points: int = 12) -> Array:
    """Closed, irregular, roughly elliptic outlines around the origin.

    Args:
        a, b, angle: (n,) half axes in px and directions of `a` in radian.
    Returns:
        (n, points, 2) float px.
    """
    phi = np.linspace(0, 2 * math.pi, points, endpoint=False)
    swing = 1 + 0.35 * roughness * rng.normal(size=(len(a), points))
    for k in range(2, 6):
        height = roughness / (k - 1) * rng.normal(size=(len(a), 1))
        swing += height * np.cos(k * phi + rng.uniform(0, 2 * math.pi, (len(a), 1)))
    swing = np.clip(swing, 0.45, 1.8)
    x, y = a[:, None] * swing * np.cos(phi), b[:, None] * swing * np.sin(phi)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([cos * x - sin * y, sin * x + cos * y], -1)


def fill(height: int, width: int, points: Array) -> Array:
    """Coverage of a polygon with corners (n, 2) px, float32 0 to 1."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint((points - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def jagged_line(rng: np.random.Generator, length: float, angle: float, step: float, wander: float) -> Array:
    """A random walk of given length (px) that keeps its direction: (n, 2) px from the origin."""
    count = max(3, int(length / step))
    turn = np.cumsum(rng.normal(0, wander, count))
    turn -= np.linspace(0, turn[-1], count) * 0.7
    direction = angle + turn + rng.normal(0, 1.6 * wander, count)
    steps = step * rng.uniform(0.5, 1.5, count)[:, None] * np.stack([np.cos(direction), np.sin(direction)], 1)
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, 0)])


def stroke(canvas: Array, points: Array, widths: Array) -> None:
    """Draws a line of changing width (px) into coverage `canvas` (uint8), corners (n, 2) px."""
    fixed = np.rint((points - 0.5) * 16).astype(np.int32)
    for start, end, width in zip(fixed[:-1], fixed[1:], widths, strict=False):
        if width < 1.5:
            value = int(255 * max(0.45, width / 1.5))
            cv2.line(canvas, start.tolist(), end.tolist(), value, 1, cv2.LINE_AA, 4)
        else:
            cv2.line(canvas, start.tolist(), end.tolist(), 255, round(float(width)), cv2.LINE_AA, 4)


def crack(rng: np.random.Generator, length: float, angle: float, width: float) -> tuple[Array, tuple[int, int]]:
    """A branching, tapering crack: coverage (h, w) float32, and where (x, y) its middle lies in it."""
    trunk = jagged_line(rng, length, angle, 9.0, 0.22)
    lines = [(trunk, width)]
    for _ in range(int(rng.integers(1, 5))):
        start = trunk[rng.integers(1, len(trunk) - 1)]
        side = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
        lines.append((start + jagged_line(rng, length * rng.uniform(0.1, 0.32), side, 7.0, 0.3), 0.6 * width))
    corners = np.concatenate([line for line, _ in lines])
    low = np.floor(corners.min(0)) - 4
    w, h = (np.ceil(corners.max(0)) - low + 5).astype(int)
    canvas = np.zeros((h, w), np.uint8)
    for line, line_width in lines:
        taper = 1 - np.abs(np.linspace(-1, 1, len(line))) ** 3 * 0.8
        stroke(canvas, line - low, line_width * taper * rng.uniform(0.6, 1.35, len(line)))
    middle = trunk[len(trunk) // 2] - low
    return canvas.astype(np.float32) / 255, (int(middle[0]), int(middle[1]))


def mottled(
    rng: np.random.Generator, shape: tuple[int, ...], color: Array, deviation: float, grain: float = 2.0
) -> Array:
    """A surface of one colour with mottling: (h, w, 3) uint8."""
    fine, slow = smooth_noise(rng, shape, grain, grain), smooth_noise(rng, shape, 6 * grain, 6 * grain)
    tone = (0.6 * fine + 0.8 * slow) * deviation
    return np.clip(np.asarray(color, np.float32) + tone[..., None], 0, 255).astype(np.uint8)


def rim(coverage: Array, width: float) -> Array:
    """Coverage of the band just inside a shape's edge, 0 to 1."""
    inner = cv2.GaussianBlur(coverage, (0, 0), width)
    return np.clip(2.2 * coverage * (1 - inner), 0, 1)


def _grid(length: float) -> tuple[Array, Array, int]:
    half = int(length * 0.75) + 6
    axis = np.arange(-half, half + 1, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    return x, y, 2 * half + 1


def _roughen(rng: np.random.Generator, points: Array) -> Array:
    """Puts small irregularities on the sides of a polygon."""
    following = np.roll(points, -1, 0)
    between = [points + (following - points) * share for share in (0.0, 0.3, 0.65)]
    scale = 0.035 * np.linalg.norm(following - points, axis=1, keepdims=True)
    jittered = [between[0]] + [place + rng.normal(size=points.shape) * scale for place in between[1:]]
    return np.stack(jittered, 1).reshape(-1, 2)
