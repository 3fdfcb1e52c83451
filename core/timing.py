"""Decides how time is told: what a record is stamped with, how time left is guessed, how a duration is spoken."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from core.jobs import Step

_WINDOW_S = 30.0
_LEAST_S = 1.0


def timestamp() -> str:
    """Now, in UTC, to the second, as records keep it (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class TimeLeft:
    """Seconds left of a job, from its pace in the last half minute. Work done before it started counts for nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._total = 0

    def update(self, step: Step) -> float | None:
        """Call at every step. None while nothing can be said yet."""
        now = self._clock()
        if step.total != self._total or (self._seen and step.done < self._seen[-1][1]):
            self._seen.clear()
            self._total = step.total
        self._seen.append((now, step.done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW_S:
            self._seen.popleft()
        (first_time, first_done) = self._seen[0]
        if step.done <= first_done or now - first_time < _LEAST_S:
            return None
        return (step.total - step.done) * (now - first_time) / (step.done - first_done)


def spoken_seconds(seconds: float) -> str:
    """A duration as a person says it: 8 s, 3 min, 2 h 05 min."""
    whole = round(seconds)
    if whole < 90:
        return f"{whole} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
