"""Decides what models see: 8-bit RGB, the same for the same section whatever is chosen for the eye (`core.look`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from core.section import Array, AsStored, Plane, RegionRequest, Section

_PERCENTILES = (0.1, 99.9)
_WHOLE_PIXELS = 4 << 20
_PATCHES, _PATCH_PX = 8, 128


@dataclass(frozen=True, slots=True)
class DisplayRange:
    """`low` is shown black (0), `high` white (255), linear between; whole stored values."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 65535:
            raise ValueError(f"not a display range: {self.low} to {self.high}")


def auto_range(section: Section, plane: Plane) -> DisplayRange:
    """The 0.1 and 99.9 percentiles of an overview; 0 to 255 for 8-bit sections, whose values are shown as they are.

    Gaps of a mosaic (exact zeros) don't count. The same file always gives the same range, however much time there was and
    whatever overviews are built: only its own levels are looked at, always at the same places.
    """
    if section.info.dtype == np.uint8:
        return DisplayRange(0, 255)
    return range_of(_overview(AsStored(section), plane)) or DisplayRange(0, 65535)


def range_of(values: Array) -> DisplayRange | None:
    """The 0.1 and 99.9 percentiles of whole values that are not exactly 0; None where all are."""
    values = values[values > 0]
    if not values.size:
        return None
    low, high = (int(v) for v in np.percentile(values, _PERCENTILES, method="nearest"))
    return DisplayRange(min(low, 65534), max(high, min(low, 65534) + 1))


def to_uint8_rgb(pixels: Array, display_range: DisplayRange) -> Array:
    """(h, w, 1 or 3) uint8 or uint16 → (h, w, 3) uint8; 8-bit values stay what they are under 0 to 255."""
    if pixels.dtype == np.uint8:
        shown = pixels if display_range == DisplayRange(0, 255) else cv2.LUT(pixels, _table(display_range)[:256])
    else:
        shown = _table(display_range)[pixels]
    shown = shown.reshape(pixels.shape)
    return cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB) if pixels.shape[2] == 1 else np.ascontiguousarray(shown[:, :, :3])


def ramp(display_range: DisplayRange, size: int) -> Array:
    """(size,) float64: how bright, 0 to 255, each of the values 0 … size - 1 is."""
    low, high = display_range.low, display_range.high
    return np.clip((np.arange(size) - low) * 255.0 / (high - low), 0, 255)


@lru_cache(maxsize=32)
def _table(display_range: DisplayRange) -> Array:
    """What each of the 65536 values is shown as."""
    table = np.rint(ramp(display_range, 65536)).astype(np.uint8)
    table.flags.writeable = False
    return table


def _overview(section: Section, plane: Plane) -> Array:
    """All of a small section, a stored overview of a large one, or else patches on a regular grid.

    Never a reader's `preview`: what that shows may depend on how fast the drive is.
    """
    info = section.info
    whole = RegionRequest(0, 0, info.width_px, info.height_px, section.overview_downsample, plane)
    level, _ = section.source_level(whole)
    stored = info.levels[level]
    if stored.width_px * stored.height_px <= _WHOLE_PIXELS:
        return section.read(whole)
    width, height = min(_PATCH_PX, info.width_px), min(_PATCH_PX, info.height_px)
    corners = [
        (int(i * (info.width_px - width) / (_PATCHES - 1)), int(j * (info.height_px - height) / (_PATCHES - 1)))
        for j in range(_PATCHES)
        for i in range(_PATCHES)
    ]
    return np.stack([section.read(RegionRequest(x, y, width, height, 1, plane)) for x, y in corners])
