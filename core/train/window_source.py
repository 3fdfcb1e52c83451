"""Decides how a window of a marked picture becomes what a network is shown: moved, zoomed, and varied as images are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.train.image_source import vary
from core.train.regions import LabelledSection
from core.train.sampling import cut
from core.train.window_places import NO_DEFECT, Window, anywhere, shown, shows_nothing

Array = np.ndarray

# By how much of its side a window is moved at most, and how much more or less it shows, as the logarithm.
_SHIFT, _ZOOM = 0.35, 0.2
_TRIES = 8


class WindowSource:
    """Windows of sections as (side, side, 3) uint8, as `ImageSource` gives whole images. `side`: px at their scale."""

    def __init__(self, sections: Sequence[LabelledSection], windows: Sequence[Window], side: int) -> None:
        self._sections, self._windows, self._side = sections, windows, side

    def read(self, index: int) -> Array:
        """The window itself, always at the same place."""
        return self._at_rest(self._windows[index])

    def batch(
        self, indices: Sequence[int] | Array, rng: np.random.Generator | None = None, strength: float = 1.0
    ) -> Array:
        """(n, side, side, 3) uint8; with `rng` each at another position and zoom, and varied.

        Moved windows still show the same class; those that stand for any place without a defect lie at another one.
        """
        if rng is None:
            return np.stack([self.read(int(index)) for index in indices])
        return np.stack(
            [vary(self._moved(self._windows[int(index)], rng, strength), rng, strength) for index in indices]
        )

    def _moved(self, window: Window, rng: np.random.Generator, strength: float) -> Array:
        section = self._sections[window.section]
        for _ in range(_TRIES):
            zoom = float(np.exp(rng.uniform(-_ZOOM, _ZOOM) * min(1.0, strength)))
            x, y = np.array([window.x, window.y]) + rng.uniform(-_SHIFT, _SHIFT, 2) * self._side * min(1.0, strength)
            if window.is_anywhere:
                x, y = anywhere(section, self._side * zoom, rng) or (x, y)
            height, width = section.pixels.shape[:2]
            is_on_it = 0 <= x < width and 0 <= y < height
            if is_on_it and _shows_the_same(section, window, x, y, self._side * zoom):
                return self._cut(window, x, y, zoom)
        return self._at_rest(window)

    def _at_rest(self, window: Window) -> Array:
        return self._cut(window, window.x, window.y, 1.0)

    def _cut(self, window: Window, x: float, y: float, zoom: float) -> Array:
        side = self._side * zoom
        return cut(self._sections[window.section], x - side / 2, y - side / 2, side, self._side).pixels


def _shows_the_same(section: LabelledSection, window: Window, x: float, y: float, side: float) -> bool:
    """Whether the window shows its class here, too; that there is no defect must be known of all of it."""
    if window.shows == NO_DEFECT:
        return shows_nothing(section, x, y, side)
    return shown(section, x, y, side) == window.shows
