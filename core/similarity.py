"""Decides how alike two pictures are: the structural similarity index, computed exactly; what scans compute quickly
(`core.models.networks.fast_similarity`) is measured against it.

Wang et al. 2004, "Image quality assessment", eq. 13; Badmos 2022, dissertation, eq. 3.12.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

Array = np.ndarray

SIDE_PX, SIGMA_PX = 11, 1.5
RADIUS_PX = SIDE_PX // 2
K1, K2 = 0.01, 0.03


def similarity_map(one: Array, other: Array, value_range: float = 255.0) -> Array:
    """The index at each pixel, in a Gaussian window of 11 × 11 (σ 1.5), with the population's covariance.

    Args:
        one, other: (h, w) or (h, w, channels), any real dtype; channels are compared one by one.
        value_range: L, from the least value that can be to the highest.
    Returns:
        As large as `one`, float64, at most 1. Beyond its edge a picture is mirrored.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    mean_one, mean_other = _blurred(one), _blurred(other)
    variances = _blurred(one * one) + _blurred(other * other) - mean_one**2 - mean_other**2
    covariance = _blurred(one * other) - mean_one * mean_other
    c1, c2 = (K1 * value_range) ** 2, (K2 * value_range) ** 2
    alike = (2 * mean_one * mean_other + c1) * (2 * covariance + c2)
    return alike / ((mean_one**2 + mean_other**2 + c1) * (variances + c2))


def similarity(one: Array, other: Array, value_range: float = 255.0) -> float:
    """The mean of `similarity_map` over all windows that lie wholly in the pictures, which are larger than one."""
    inner = slice(RADIUS_PX, -RADIUS_PX)
    return float(similarity_map(one, other, value_range)[inner, inner].mean())


def _blurred(values: Array) -> Array:
    return gaussian_filter(values, SIGMA_PX, mode="reflect", radius=RADIUS_PX, axes=(0, 1))
