"""Decides which shading a number of camera tiles have in common, whatever lies in them.

From one px to the next a specimen goes up as often as down, and mostly hardly at all; what remains on all tiles at the
same place is the slope of the shading (sparse symmetric gradients, after Zheng et al., CVPR 2008). A polynomial is put
through the slopes of the logarithm, and slopes that don't fit count little.
"""

from __future__ import annotations

import numpy as np

from core.section import Array

POINTS = np.linspace(0, 1, 65)  # across and down a tile, where the gain is given
LEAST_TILES = 4
_DEGREE = 4
_ROUNDS = 25
_LEAST_SPREAD = 0.005  # of slopes that still fit, as a share of the brightness
_LEAST_GAIN, _MOST_GAIN = 0.4, 2.5
_LEAST_SLOPES = 500  # known, for a fit


def common_gain(tiles: Array) -> Array | None:
    """(tiles, h, w) brightness of one sample, NaN where unknown → (65, 65) float64 gain, about 1 in the mean.

    None where too little of the tiles is known.
    """
    heights = np.log(np.where(tiles > 0, tiles, np.nan).astype(np.float64))
    _, rows, columns = tiles.shape
    y, x = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    terms = _terms(x, y)
    slopes = [(np.diff(heights, axis=2), np.diff(terms, axis=1)), (np.diff(heights, axis=1), np.diff(terms, axis=0))]
    found = np.concatenate([slope.reshape(len(tiles), -1) for slope, _ in slopes], axis=1)
    known = np.isfinite(found)
    if known.sum() < _LEAST_SLOPES:
        return None
    coefficients = _fit(
        np.concatenate([d.reshape(-1, d.shape[-1]) for _, d in slopes]), np.where(known, found, 0), known
    )
    return _gain(coefficients)


def _fit(design: Array, found: Array, known: Array) -> Array:
    """Coefficients of `design` (n, terms) for `found` (tiles, n), weighted anew in each round by how well it fits."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        rest = found - (design @ coefficients)[None]
        spread = 1.5 * float(np.median(np.abs(rest[known]))) + _LEAST_SPREAD
        weights = known / (1 + (rest / spread) ** 2)
        summed = weights.sum(axis=0)
        left = design.T @ (design * summed[:, None])
        left += np.eye(len(left)) * 1e-9 * np.trace(left)
        coefficients = np.linalg.solve(left, design.T @ (weights * found).sum(axis=0))
    return coefficients


def _gain(coefficients: Array) -> Array:
    y, x = np.meshgrid(POINTS, POINTS, indexing="ij")
    shading = np.exp(_terms(x, y) @ coefficients)
    gain = 1 / np.clip(shading / shading.mean(), 1 / _MOST_GAIN, 1 / _LEAST_GAIN)
    return gain / gain.mean()


def _terms(x: Array, y: Array) -> Array:
    """(…, 14) the powers of a polynomial in 2 x - 1 and 2 y - 1, without the constant, which has no slope."""
    u, v = 2 * x - 1, 2 * y - 1
    powers = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i) if i + j]
    return np.stack([u**i * v**j for i, j in powers], axis=-1)
