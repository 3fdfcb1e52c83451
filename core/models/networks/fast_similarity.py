"""Decides how the structural similarity of many windows is computed quickly, on any device.

A Gaussian window is separable, and a convolution along one axis is a product with a banded matrix: ten times as fast on
a processor as torch's convolutions of single channels. `core.similarity` says exactly what is computed.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from core.similarity import K1, K2, RADIUS_PX, SIDE_PX, SIGMA_PX

_RANGE = 2.0
_C1, _C2 = (K1 * _RANGE) ** 2, (K2 * _RANGE) ** 2


def similarity_inside(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The index wherever its window lies wholly in the pictures: nothing beyond their edges is made up.

    Args:
        one, other: (…, h, w) float32 of -1 to 1, both sides at least 11.
    Returns:
        (…, h - 10, w - 10) float32; within 5e-4 of `core.similarity.similarity_map`, which is exact.
    """
    # Variances are differences of squares: around 0 they keep the digits that values from 0 to 255 lose.
    mean_one, mean_other, squares, products = _blurred(
        torch.stack([one, other, one * one + other * other, one * other])
    )
    covariances, variances = products - mean_one * mean_other, squares - mean_one**2 - mean_other**2
    light_one, light_other = mean_one + 1, mean_other + 1  # from black, as the index compares them
    alike = (2 * light_one * light_other + _C1) * (2 * covariances + _C2)
    return alike / ((light_one**2 + light_other**2 + _C1) * (variances + _C2))


def _blurred(values: torch.Tensor) -> torch.Tensor:
    rows, columns = (_band(side, values.device) for side in values.shape[-2:])
    return rows @ (values @ columns.T)


@lru_cache(maxsize=8)
def _band(side: int, device: torch.device) -> torch.Tensor:
    """(side - 10, side): each row is the Gaussian, one px further."""
    steps = torch.arange(-RADIUS_PX, RADIUS_PX + 1, dtype=torch.float64)
    weights = torch.exp(-(steps**2) / (2 * SIGMA_PX**2))
    band = torch.zeros(side - 2 * RADIUS_PX, side, dtype=torch.float64)
    for row in range(len(band)):
        band[row, row : row + SIDE_PX] = weights / weights.sum()
    return band.float().to(device)
