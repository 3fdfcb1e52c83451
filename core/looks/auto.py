"""Decides which look a section has before anybody chose one, and what "automatic" brightness is.

Black and white stand at the darkest and the brightest tenth of a percent. Gaps of a mosaic (exact zeros) don't count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.display import DisplayRange, auto_range, range_of
from core.geometry import Box
from core.look import Curve, Look
from core.section import Array, Plane, RegionRequest, Section

LONGEST_PX = 1024


def with_auto_curves(section: Section, planes: Sequence[Plane], look: Look) -> Look:
    """`look` with the first curves of the channels of `planes`: of 16 bits what models see too, of 8 bits everything."""
    for plane in planes:
        if section.info.dtype == np.uint8:
            look = look.with_channel(plane.c, curves=()) if look.channel(plane.c).curves else look
        else:
            found = auto_range(section, plane)
            look = look.with_curve(found.low, found.high, channel=plane.c)
    return look


def auto_curves(section: Section, plane: Plane, region: Box | None, *, each: bool = False) -> tuple[Curve, ...]:
    """One curve, or with `each` one for every sample, from the values of `region` (level-0 px; None: of the section).

    None where there are only gaps.
    """
    if region is None and section.info.dtype != np.uint8 and section.info.samples == 1:
        return (_curve(auto_range(section, plane)),)
    pixels = look_at(section, plane, region)
    groups = [pixels[..., s] for s in range(pixels.shape[2])] if each else [pixels]
    found = [range_of(group) for group in groups]
    return tuple(_curve(r) for r in found if r is not None) if None not in found else ()


def look_at(section: Section, plane: Plane, region: Box | None) -> Array:
    """What is in sight of a region (None: all), (h, w, samples) as stored, at most 1024 px long. For the eye only."""
    seen = (region or section.info.box).intersection(section.info.box) or section.info.box
    longest = max(seen.w, seen.h)
    d = 1 << max(0, int(np.ceil(np.log2(longest / LONGEST_PX))))
    x, y = int(seen.x // d) * d, int(seen.y // d) * d
    width, height = (min(int(np.ceil(end)), size) for end, size in _ends(seen, section))
    return section.glance(RegionRequest(x, y, max(width - x, 1), max(height - y, 1), d, plane)).pixels


def with_gammas_of(curves: tuple[Curve, ...], look: Look, channel: int, largest: int) -> tuple[Curve, ...]:
    """`curves` with the gammas that the look has: automatic is only where black and white lie."""
    return tuple(replace(c, gamma=look.curve(channel, s, largest).gamma) for s, c in enumerate(curves))


def _ends(box: Box, section: Section) -> tuple[tuple[float, int], tuple[float, int]]:
    return (box.x1, section.info.width_px), (box.y1, section.info.height_px)


def _curve(found: DisplayRange) -> Curve:
    return Curve(found.low, found.high)
