"""Decides which learning rate suits a training: it rises from step to step until the loss diverges (Smith 2017, §3.3).

Knows nothing of networks: whoever trains gives a function that learns from one batch at a given rate.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.disk import disk_errors, written_whole
from core.errors import ResourceError
from core.jobs import CancelToken, Progress
from core.train.base import TrainStep

PHASE = "finding the rate"
RATE_NAME = ".training.rate.json"  # beside the checkpoint: after a break the rate is the same

_FIRST, _FACTOR, _LAST = 1e-7, 1.1, 10.0  # × 1.1 per step: Badmos 2022, §3.10
_STEPS = 1 + math.floor(math.log(_LAST / _FIRST) / math.log(_FACTOR))
_MEMORY = 0.9  # of the running mean: about ten steps, in which the rate grows 2.6-fold
_DIVERGED = 3.0  # times the lowest loss so far
_BEGUN = 0.1  # of its whole fall: the loss has begun to fall
_LEAST_FALL = 0.05  # of the first loss: less is no fall


@dataclass(frozen=True)
class RateCurve:
    """What was tried and what it came to.

    Args:
        rates: ascending; losses: after each step, as a running mean; it ends where the loss had diverged.
        suggestion: the rate to train with.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> RateCurve:
        """Raises KeyError, TypeError or ValueError for what `to_json` didn't write."""
        rates, losses = (tuple(float(value) for value in stored[name]) for name in ("rates", "losses"))
        return cls(rates, losses, float(stored["suggestion"]))


def find_rate(learn: Callable[[float], float], progress: Progress, cancel: CancelToken) -> RateCurve:
    """Tries rising rates; the caller keeps its weights from before and puts them back.

    Args:
        learn: takes a step on the next batch at a rate and returns the loss before the step; NaN or inf end the trial.
    Raises ResourceError where the loss falls at no rate, CancelledError.
    """
    rates: list[float] = []
    losses: list[float] = []
    mean, weight = 0.0, 0.0
    for step in range(_STEPS):
        cancel.check()
        rate = _FIRST * _FACTOR**step
        loss = learn(rate)
        # Begins at 0, so it is divided by the weight of what it has seen (Kingma and Ba 2015, §3).
        mean, weight = _MEMORY * mean + (1 - _MEMORY) * loss, _MEMORY * weight + (1 - _MEMORY)
        smooth = mean / weight
        if not math.isfinite(smooth):
            break
        rates.append(rate)
        losses.append(smooth)
        figures = {"loss": smooth, "rate": rate}
        progress(TrainStep(step + 1, _STEPS, f"rate {rate:.1e}, loss {smooth:.3f}", figures, PHASE))
        if smooth > _DIVERGED * min(losses):
            break
    return RateCurve(tuple(rates), tuple(losses), suggested(rates, losses))


def found_once(path: Path, find: Callable[[], RateCurve]) -> RateCurve:
    """The curve that a file keeps, else a new one, which is kept there. Raises what `find` raises, ResourceError."""
    try:
        return RateCurve.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        curve = find()
    with disk_errors(path), written_whole(path) as part:
        part.write_text(json.dumps(curve.to_json()), "utf-8")
    return curve


def suggested(rates: list[float], losses: list[float]) -> float:
    """Half-way, on a logarithmic scale, between where the loss begins to fall and where it is lowest.

    So the dissertation reads its figure 3-18: as high as it can be before the loss becomes unstable. Raises
    ResourceError where the loss never falls.
    """
    lowest = int(np.argmin(losses)) if losses else 0
    if not losses or losses[0] - losses[lowest] < _LEAST_FALL * abs(losses[0]):
        raise ResourceError(
            "the loss falls at no learning rate", remedy="Check the labels, or set learning_rate and not find_rate."
        )
    begun = losses[0] - _BEGUN * (losses[0] - losses[lowest])
    start = next(i for i in range(lowest, -1, -1) if losses[i] >= begun)
    return float(f"{math.sqrt(rates[start] * rates[lowest]):.2g}")
