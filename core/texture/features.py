"""Decides which local statistics describe a texture: ten numbers per cell, at four scales of the same image.

All are invariant to rotation, so that a wound or tilted layer is the same texture everywhere. Each scale is the same
computation on the image reduced 1, 2, 4 and 8 times; a cell is 8 px of its scale wide and looks at 16 px around.
"""

from __future__ import annotations

import cv2
import numpy as np

Array = np.ndarray

SCALES = (1, 2, 4, 8)
CELL_PX = 8
FEATURES = ("red_green", "yellow_blue", "mean", "darkest", "brightest", "grain", "bright", "dark", "edges", "direction")

# Greys below which a difference is noise; keeps logarithms of flat regions quiet.
_NOISE = 2.0


def texture_features(pixels: Array) -> list[Array]:
    """Local statistics of an image at each of `SCALES`.

    Args:
        pixels: (h, w, 3) uint8 RGB; h and w are multiples of `CELL_PX` · the coarsest scale.
    Returns:
        for scale s an array (h / 8s, w / 8s, len(FEATURES)) float32. A cell's values depend on the pixels at most
        `REACH_PX` · s level px from its own.
    """
    values = pixels.astype(np.float32)
    return [_at_scale(values if scale == 1 else _reduced(values, scale)) for scale in SCALES]


# The window beyond the cell, and the widest filters before it: 4 + 6, or 3 + 1.
REACH_PX = 10


def _reduced(values: Array, scale: int) -> Array:
    size = (values.shape[1] // scale, values.shape[0] // scale)
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _at_scale(rgb: Array) -> Array:
    grey = cv2.transform(rgb, np.full((1, 3), 1 / 3, np.float32))
    fine = cv2.GaussianBlur(grey, (7, 7), 1.0)
    coarse = cv2.GaussianBlur(grey, (13, 13), 2.0)
    noise, band = grey - fine, fine - coarse
    gx = cv2.Sobel(fine, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(fine, cv2.CV_32F, 0, 1, scale=1 / 8)
    xx, yy, xy = _pooled(gx * gx), _pooled(gy * gy), _pooled(gx * gy)
    energy = xx + yy
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) / (energy + 0.5)
    colour = _pooled(rgb)
    box = np.ones((CELL_PX, CELL_PX), np.uint8)
    return np.stack(
        [
            colour[..., 0] - colour[..., 1],
            (colour[..., 0] + colour[..., 1]) / 2 - colour[..., 2],
            colour.mean(axis=2),
            _at_cells(cv2.erode(fine, box)),
            _at_cells(cv2.dilate(fine, box)),
            _loudness(_pooled(noise * noise)),
            _loudness(_pooled(np.square(np.maximum(band, 0)))),
            _loudness(_pooled(np.square(np.minimum(band, 0)))),
            _loudness(energy),
            10 * coherence,
        ],
        axis=-1,
    )


def _pooled(values: Array) -> Array:
    """Mean over the 16 × 16 px around each cell's centre: from means over 4 × 4 px, so that rounding stays local."""
    quarters = cv2.resize(values, (values.shape[1] // 4, values.shape[0] // 4), interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(quarters, 1, 1, 1, 1, cv2.BORDER_REFLECT)
    pairs = cv2.resize(framed, (framed.shape[1] // 2, framed.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return (pairs[:-1, :-1] + pairs[:-1, 1:] + pairs[1:, :-1] + pairs[1:, 1:]) / 4


def _at_cells(values: Array) -> Array:
    """The value at each cell's centre; what a filter of 8 × 8 px gives there is that of the cell itself."""
    return values[CELL_PX // 2 :: CELL_PX, CELL_PX // 2 :: CELL_PX]


def _loudness(power: Array) -> Array:
    """A standard deviation on a logarithmic scale: a texture twice as rough is as far off whatever its roughness."""
    return 4 * np.log2(np.sqrt(power) + _NOISE)
