"""Decides how sure a figure is: Wilson's interval for a share, and drawing groups again for anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray

Interval = tuple[float, float]

DRAWS = 200
SEED = 0
FEWEST_GROUPS = 5
_Z = 1.959964  # 95 % of a normal distribution


def wilson(hits: float, count: float) -> Interval | None:
    """The 95 % interval of a share (Wilson 1927); None where there is nothing to divide by.

    It takes the cases for independent: defects of one section are a little less sure than it says.
    """
    if not count:
        return None
    share, z2 = hits / count, _Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    return round(max(middle - half, 0.0), 4), round(min(middle + half, 1.0), 4)


def group_bootstrap(groups: Sequence[str], figure: Callable[[Array], float | None]) -> Interval | None:
    """The middle 95 % of a figure over data sets in which whole groups are drawn again (Efron 1979).

    Args:
        groups: of each case.
        figure: of weights, (n,) int64: how often each case was drawn; None where it has nothing to stand on.
    Returns:
        None for fewer than five groups: too few to say anything by drawing. The same for the same data.
    """
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) < FEWEST_GROUPS:
        return None
    rng = np.random.default_rng(SEED)
    drawn = (figure(rng.multinomial(len(names), np.full(len(names), 1 / len(names)))[member]) for _ in range(DRAWS))
    values = [value for value in drawn if value is not None and math.isfinite(value)]
    if len(values) < DRAWS // 2:
        return None
    low, high = np.percentile(values, (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)
