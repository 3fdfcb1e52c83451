"""Decides where the view is going: from how it moved during the last moments, for reading ahead. Knows no clock."""

from __future__ import annotations

import math
from collections import deque

from core.geometry import Box

REMEMBERED_S = 0.15
STILL_AFTER_S = 0.25  # without a change


class Motion:
    """Follows the view. Times are seconds of any clock that only goes forward."""

    def __init__(self) -> None:
        self._views: deque[tuple[float, Box]] = deque(maxlen=16)

    def moved(self, time_s: float, view: Box) -> None:
        """The view is at `view` (level-0 px) now."""
        if self._views and time_s - self._views[-1][0] > STILL_AFTER_S:
            self._views.clear()
        while self._views and time_s - self._views[0][0] > REMEMBERED_S:
            self._views.popleft()
        self._views.append((time_s, view))

    def forget(self) -> None:
        """The view has jumped: what was before tells nothing."""
        self._views.clear()

    def ahead(self, seconds: float) -> Box | None:
        """Where the view will be that much later if it goes on so; None while it stands still."""
        if len(self._views) < 2:
            return None
        (begin, first), (end, last) = self._views[0], self._views[-1]
        if end <= begin or first == last:
            return None
        share = seconds / (end - begin)
        if _overlap(first, last) == 0:
            return None  # a jump, not a movement
        grown = math.exp(math.log(last.w / first.w) * min(share, 4.0))
        (x0, y0), (x1, y1) = first.center, last.center
        # While zooming, the middle nears its goal by ever smaller steps: no further than it has come.
        reach = share if abs(math.log(last.w / first.w)) < 1e-3 else min(share, 1.0)
        x, y = x1 + (x1 - x0) * reach, y1 + (y1 - y0) * reach
        w, h = last.w * grown, last.h * grown
        return Box(x - w / 2, y - h / 2, w, h)


def _overlap(a: Box, b: Box) -> float:
    common = a.intersection(b)
    return common.area if common is not None else 0.0
