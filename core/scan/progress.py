"""Decides how a running scan is measured: how fast it is, and for which share of the time the device computed."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.scan.options import ScanStep

_WINDOW_S = 10.0
_LEAST_S = 0.5


class BusyClock:
    """How long the device computed: the time in which at least one thread was inside `busy`.

    What a device does while nobody waits for it is not seen, so for a GPU this is the least it can have been.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._inside = 0
        self._since = 0.0
        self._seconds = 0.0

    @contextmanager
    def busy(self) -> Iterator[None]:
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    @property
    def seconds(self) -> float:
        with self._lock:
            return self._seconds + (self._clock() - self._since if self._inside else 0.0)

    def _change(self, step: int) -> None:
        with self._lock:
            now = self._clock()
            if self._inside:
                self._seconds += now - self._since
            self._since = now
            self._inside += step


class ScanPace:
    """Counts what a run scanned and says it as `ScanStep`s. `um2_per_px2`: of level 0, None without a scale."""

    def __init__(self, busy: BusyClock, um2_per_px2: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._busy, self._um2, self._clock = busy, um2_per_px2, clock
        self._start = clock()
        self._area_px = 0.0
        self._seen: deque[tuple[float, float, float]] = deque([(self._start, 0.0, busy.seconds)])

    def scanned(self, area_px: float) -> None:
        """Call for every tile the model was asked about: its level-0 px²."""
        self._area_px += area_px
        self._seen.append((self._clock(), self._area_px, self._busy.seconds))
        while len(self._seen) > 2 and self._seen[-1][0] - self._seen[1][0] > _WINDOW_S:
            self._seen.popleft()

    def step(self, done: int, total: int) -> ScanStep:
        """How far the scan is; speed and share over the last ten seconds."""
        (first, first_area, first_busy), (last, last_area, last_busy) = self._seen[0], self._seen[-1]
        passed = last - first
        known = passed >= _LEAST_S
        return ScanStep(
            done,
            total,
            "Scanning",
            megapixels=self._area_px / 1e6,
            mm2=None if self._um2 is None else self._area_px * self._um2 / 1e6,
            megapixels_per_s=(last_area - first_area) / 1e6 / passed if known else None,
            busy=min((last_busy - first_busy) / passed, 1.0) if known else None,
        )

    @property
    def megapixels(self) -> float:
        """Level-0 megapixels scanned."""
        return self._area_px / 1e6

    @property
    def busy_share(self) -> float | None:
        """Of the whole run, 0 to 1; None when the model was asked nothing."""
        passed = self._seen[-1][0] - self._start
        return min(self._busy.seconds / passed, 1.0) if self._area_px and passed > 0 else None
