"""Decides what downsample a stored level has, from its size alone."""

from __future__ import annotations

import math

from core.section import PyramidLevel


def pyramid_level(width: int, height: int, full_width: int, full_height: int) -> PyramidLevel:
    """A power of two where the size fits one (rounded up or down), else the plain ratio of the longer sides."""
    ratio = max(full_width, full_height) / max(width, height)
    power = 2 ** max(0, round(math.log2(ratio)))
    fits = width in (full_width // power, -(-full_width // power)) and height in (
        full_height // power,
        -(-full_height // power),
    )
    return PyramidLevel(width, height, float(power) if fits else ratio)


def is_power_of_two(downsample: float) -> bool:
    return downsample >= 1 and math.log2(downsample).is_integer()
