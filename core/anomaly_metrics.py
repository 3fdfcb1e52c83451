"""Decides how well a map of scores shows where something is wrong, region by region: AUPRO (Bergmann et al. 2021, "The MVTec
anomaly detection dataset", §5.2).

The per-region overlap (PRO) at a threshold is the share of each connected region that lies above it, averaged over the regions of
all pictures: a small one counts as much as a large one, unlike where pixels are counted (pixel AUROC).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Array = np.ndarray

# False positive rates beyond it are of no use to anybody.
LIMIT = 0.3


def area_under_pro(scores: Sequence[Array], truths: Sequence[Array], limit: float = LIMIT) -> float | None:
    """The mean per-region overlap over false positive rates of 0 to `limit`: 0 to 1, by chance `limit` / 2.

    Args:
        scores: of each picture (h, w) float, bigger: rather wrong; truths: (h, w) bool, where something is wrong.
    Returns:
        None without a region, or without a pixel where nothing is wrong.
    """
    every = np.concatenate([np.asarray(one, np.float64).ravel() for one in scores])
    regions, weights = _weights(truths)
    normal = ~np.concatenate([np.asarray(one, bool).ravel() for one in truths])
    if not regions or not normal.any():
        return None
    order = np.argsort(-every, kind="stable")
    last = np.append(np.flatnonzero(np.diff(every[order])), len(order) - 1)  # of pixels that score alike
    rate = np.append(0, np.cumsum(normal[order])[last] / normal.sum())
    overlap = np.append(0, np.cumsum(weights[order])[last] / regions)
    inside = rate < limit
    rates = np.append(rate[inside], limit)
    overlaps = np.append(overlap[inside], np.interp(limit, rate, overlap))
    return float(np.trapezoid(overlaps, rates) / limit)


def _weights(truths: Sequence[Array]) -> tuple[int, Array]:
    """How many regions there are, and of every pixel one over the size of the region it belongs to; 0 outside."""
    count, parts = 0, []
    for truth in truths:
        found, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(truth, np.uint8), connectivity=8)
        shares = 1 / np.maximum(stats[:, cv2.CC_STAT_AREA], 1).astype(np.float64)
        shares[0] = 0
        parts.append(shares[labels].ravel())
        count += found - 1
    return count, np.concatenate(parts)
