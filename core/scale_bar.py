"""Decides how long a scale bar is and what it says: 1, 2 or 5 times a power of ten, in µm, mm or px."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """A bar `width` px of a screen or a picture long that stands for `text`."""

    width: float
    text: str


def scale_for(zoom: float, um_per_px: float | None, widest: float) -> Scale:
    """The longest nice bar that fits into `widest`, at `zoom` of its px per level-0 px. Without calibration: px."""
    unit_zoom = zoom / um_per_px if um_per_px else zoom
    length = _nice_below(widest / unit_zoom)
    return Scale(length * unit_zoom, _text(length, um_per_px is not None))


def _nice_below(value: float) -> float:
    decade = 10.0 ** math.floor(math.log10(value))
    return next(step * decade for step in (5, 2, 1) if step * decade <= value * (1 + 1e-9))


def _text(length: float, is_um: bool) -> str:
    if not is_um:
        return f"{length:g} px"
    if length >= 1000:
        return f"{length / 1000:g} mm"
    return f"{length:g} µm" if length >= 1 else f"{round(length * 1000):g} nm"
