"""Decides where chance comes from: generators keyed by numbers, smooth noise that wraps, and interpolation of smooth fields."""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray


def generator(*key: int) -> np.random.Generator:
    """A random generator that depends on nothing but `key`: the same key gives the same numbers, in any order."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([abs(int(k)) for k in key])))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], sigma_x: float, sigma_y: float) -> Array:
    """Gaussian noise blurred with the given sigmas (px), mean 0, deviation 1; wraps in both directions.

    Args:
        shape: (height, width) px.
    Returns:
        (height, width) float32.
    """
    height, width = shape
    step_x, step_y = _step(sigma_x), _step(sigma_y)
    small_h, small_w = max(4, round(height / step_y)), max(4, round(width / step_x))
    white = rng.standard_normal((small_h, small_w), dtype=np.float32)
    field = _blur_wrapped(white, sigma_x * small_w / width, sigma_y * small_h / height)
    if field.shape != (height, width):
        pad = 4
        padded = np.pad(field, pad, mode="wrap")
        scale_x, scale_y = width / small_w, height / small_h
        x = ((np.arange(width, dtype=np.float32) + 0.5) / scale_x - 0.5 + pad)[None, :].repeat(height, 0)
        y = ((np.arange(height, dtype=np.float32) + 0.5) / scale_y - 0.5 + pad)[:, None].repeat(width, 1)
        field = cv2.remap(padded, x, y, cv2.INTER_LINEAR)
    field -= field.mean()
    return field / max(float(field.std()), 1e-6)


def smooth_curve(rng: np.random.Generator, width: int, sigma: float) -> Array:
    """One wrapping row of `smooth_noise`: (width,) float32."""
    return smooth_noise(rng, (4, width), sigma, 1e-3)[0]


def node_positions(start: int, length: int, step: int) -> Array:
    """Where the nodes lie that `spread` wants for `length` px from `start`: at pixel centres, every `step` px."""
    return start + 0.5 + step * np.arange(-(-length // step) + 1, dtype=float)


def spread(nodes: Array, step: int, height: int, width: int) -> Array:
    """Linear interpolation from nodes every `step` px to every px: (height, width) float32.

    Plain arithmetic on purpose: a matrix product would start threads for a block this small.
    """
    share = np.arange(step, dtype=np.float32) / np.float32(step)
    down = _between(np.ascontiguousarray(nodes.T, np.float32), share)[:, :height]
    return np.ascontiguousarray(_between(np.ascontiguousarray(down.T), share)[:, :width])


def _between(rows: Array, share: Array) -> Array:
    """(n, k) nodes → (n, (k - 1)·step) values along each row."""
    rise = np.diff(rows, axis=1)[:, :, None] * share
    rise += rows[:, :-1, None]
    return rise.reshape(len(rows), -1)


def _step(sigma: float) -> float:
    """Noise of a large sigma is made on a coarser grid: four nodes per sigma are plenty."""
    return max(1.0, sigma / 4)


def _blur_wrapped(field: Array, sigma_x: float, sigma_y: float) -> Array:
    pad_x, pad_y = int(3 * sigma_x) + 1, int(3 * sigma_y) + 1
    padded = np.pad(field, ((pad_y, pad_y), (pad_x, pad_x)), mode="wrap")
    blurred = cv2.GaussianBlur(padded, (2 * pad_x + 1, 2 * pad_y + 1), max(sigma_x, 1e-3), sigmaY=max(sigma_y, 1e-3))
    return blurred[pad_y : pad_y + field.shape[0], pad_x : pad_x + field.shape[1]]
