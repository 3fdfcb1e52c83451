"""Decides how much of what somebody drew on a section is normal: its area, and whether windows fit into it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from core.drawing import Drawing
from core.measure import area

NORMAL = "normal"  # the class that the program itself gives to a region drawn as normal
_STEPS = 16  # a window's side in cells, to see whether it fits
_MOST_CELLS = 2048  # along a region


@dataclass(frozen=True, slots=True)
class DrawnNormal:
    """Regions drawn as normal on one section.

    Args:
        regions: how many; area_px: level-0 px², area_mm2: None without a scale.
        windows: how many windows have room side by side, 0 where not one fits; None where no window's size is known.
    """

    regions: int = 0
    area_px: float = 0.0
    area_mm2: float | None = None
    windows: int | None = None


def drawn_normal(
    drawings: Iterable[Drawing], um_per_px: tuple[float, float] | None, window_px: float | None = None
) -> DrawnNormal:
    """What is drawn as normal. `um_per_px`: of level 0; `window_px`: the side of a window, in level-0 px."""
    regions = [one for one in drawings if one.is_normal]
    area_px = sum(area(one.outline) for one in regions)
    area_mm2 = None if um_per_px is None else area_px * um_per_px[0] * um_per_px[1] / 1e6
    windows = None if window_px is None else sum(_windows_in(one, window_px) for one in regions)
    return DrawnNormal(len(regions), area_px, area_mm2, windows)


def window_side_px(values: Mapping[str, Any], um_per_px: tuple[float, float] | None) -> float | None:
    """The side of a trainer's window in level-0 px, by its settings; None where they don't say."""
    if "window_px" not in values:
        return None
    scale = float(values.get("um_per_px", 0.0))
    return float(values["window_px"]) * (scale / um_per_px[0] if scale and um_per_px is not None else 1.0)


def _windows_in(drawing: Drawing, window_px: float) -> int:
    """By area, where at least one fits."""
    box = drawing.box
    if max(box.w, box.h) / window_px * _STEPS > _MOST_CELLS:
        fits = min(box.w, box.h) >= window_px  # too large to look at closely
    else:
        outline = (np.array(drawing.outline) - (box.x, box.y)) * (_STEPS / window_px)
        cells = np.zeros([math.floor(n / window_px * _STEPS + 1e-6) + 2 for n in (box.h, box.w)], np.uint8)
        cv2.fillPoly(cells, [np.rint(outline).astype(np.int32)], 1)
        whole = np.ones((_STEPS + 1, _STEPS + 1), np.uint8)  # a polygon is filled with its border
        fits = bool(cv2.erode(cells, whole, borderType=cv2.BORDER_CONSTANT, borderValue=0).any())
    return max(1, int(area(drawing.outline) / window_px**2)) if fits else 0
