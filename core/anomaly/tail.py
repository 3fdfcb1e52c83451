"""Decides how often a score is exceeded, beyond what was measured, too: a sample's own quantiles, and a tail above them.

The tail is exponential: what exceeds a high enough score does so by an amount that is spread exponentially, wherever
scores fall off no slower than that (Pickands 1975; Coles 2001, §4.2, shape 0). Its scale is the maximum likelihood one of
a sample whose largest values are only known to be large (type II censoring; Lawless 2003, §3.5): a few defects among
what was called normal then neither stretch the tail nor are they taken for absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray

# Which quantiles are kept of a sample; beyond the last one the tail speaks.
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999)  # fmt: skip
# The tail begins where this share of a sample lies above; lower, but at most at the second one, where so many of the largest
# are doubtful that fewer than `_KNOWN` would be left to tell it. Not lower than it must: where some windows show what others
# don't (grains and resin), scores have two heaps, and a tail that began between them would take the gap for its width.
_TAIL_SHARE, _LARGEST_TAIL_SHARE, _KNOWN = 0.2, 0.5, 15
# So many values must lie above a quantile for it to be told by the sample itself.
_ENOUGH = 10
_SMALLEST_SCALE = 1e-9


@dataclass(frozen=True)
class Spread:
    """How some scores are spread.

    Args:
        count: how many there were.
        levels, values: shares of them, ascending, and the scores that so many lie at or below.
        scale: of the exponential tail above the last of `values`.
    """

    count: int
    levels: tuple[float, ...]
    values: tuple[float, ...]
    scale: float

    def above(self, score: float) -> float:
        """The share, 0 to 1, of such scores that is expected above one."""
        if score < self.values[0]:
            return 1.0
        if score < self.values[-1]:
            return float(1 - np.interp(score, self.values, self.levels))
        return float((1 - self.levels[-1]) * np.exp(-(score - self.values[-1]) / self.scale))

    def exceeded_by(self, share: float) -> float:
        """The score above which a share (above 0, at most 1) of such scores is expected: the inverse of `above`."""
        if not 0 < share <= 1:
            raise ValueError(f"no share: {share}")
        if 1 - share <= self.levels[-1]:
            return float(np.interp(1 - share, self.levels, self.values))
        return float(self.values[-1] + self.scale * np.log((1 - self.levels[-1]) / share))

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "levels": self.levels, "values": self.values, "scale": self.scale}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Spread:
        """Raises ValueError, KeyError or TypeError for what `to_json` didn't write."""
        levels, values = (tuple(float(v) for v in told[name]) for name in ("levels", "values"))
        scale, count = float(told["scale"]), int(told["count"])
        is_ordered = all(np.all(np.diff(one) >= 0) and np.isfinite(one).all() for one in (levels, values))
        if len(levels) != len(values) or not levels or not is_ordered or not 0 < scale < np.inf:
            raise ValueError("these are no quantiles")
        if not 0 <= levels[0] <= levels[-1] < 1 or count < 1:
            raise ValueError("these are no shares")
        return cls(count, levels, values, scale)


def spread_of(scores: Array, doubtful: float = 0.0) -> Spread:
    """How scores (n,) are spread; n at least 1.

    Args:
        doubtful: the share of them, 0 to 0.4, that may not belong. Half of it, the largest scores, is left out; three times
            that below is only taken to be large. Where all of the doubtful ones are defects, thresholds come out a little
            high, and where none is, a little low.
    """
    ordered = np.sort(np.asarray(scores, np.float64))
    if not len(ordered) or not np.isfinite(ordered).all():
        raise ValueError("no scores to describe")
    ordered = ordered[: len(ordered) - int(doubtful / 2 * len(ordered))]
    unsure = int(np.ceil(1.5 * doubtful * len(ordered)))
    last = min(1 - _ENOUGH / len(ordered), 1 - 2 * doubtful)
    levels = tuple(level for level in LEVELS if level <= last) or (0.0,)
    told_by = (unsure + _KNOWN) / len(ordered) if doubtful else _TAIL_SHARE
    scale = _tail_scale(ordered, min(max(told_by, _TAIL_SHARE), _LARGEST_TAIL_SHARE), unsure)
    return Spread(len(scores), levels, tuple(map(float, np.quantile(ordered, levels))), scale)


def _tail_scale(ordered: Array, share: float, unsure: int) -> float:
    """Of what lies above the score that a share of them exceeds; the last `unsure` are only known to be large."""
    count = len(ordered)
    first = min(int((1 - share) * count), count - 1)
    known = ordered[first : max(count - unsure, first)]
    smallest = _SMALLEST_SCALE * max(abs(float(ordered[-1])), 1)
    if len(known) < 2:  # too few to tell: as wide as all of them
        return max(float(ordered.std()), smallest)
    excess = known - ordered[first]
    return max(float((excess.sum() + unsure * excess[-1]) / (len(known) - 1)), smallest)
