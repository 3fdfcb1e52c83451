"""Decides how a pixel size that a person entered takes the place of the one a file states, and what follows it.

Whoever opens a section through a project gets it so (`Project.add_section`, `Project.open_section_of`): its `info` is
another one, its pixels are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from core.errors import UsageError
from core.frames import StageTransform
from core.readers.scale import sane_size
from core.section_info import NO_PIXEL_SIZE, SectionInfo

PixelSize = tuple[float, float]
Point = tuple[float, float]


def calibrated(info: SectionInfo, by_hand: PixelSize | None) -> SectionInfo:
    """What is known of a section with `by_hand` (x, y) µm per px; with None, what its file states."""
    stated = info if info.as_stated is None else replace(info.as_stated, levels=info.levels)
    if by_hand is None:
        return stated
    return replace(
        stated,
        pixel_size_um=by_hand,
        stage=stage_with(stated.stage, stated.pixel_size_um, by_hand, stated.box.center),
        warnings=tuple(told for told in stated.warnings if told != NO_PIXEL_SIZE),
        as_stated=stated,
    )


def by_hand(info: SectionInfo) -> PixelSize | None:
    """What a person entered for it; None where the file's own is in use."""
    return info.pixel_size_um if info.as_stated is not None else None


def stage_with(stage: StageTransform, stated: PixelSize | None, by_hand: PixelSize, middle_px: Point) -> StageTransform:
    """A stage that was said with another pixel size: the section's middle stays where it was said to lie."""
    if stated is None:
        return stage
    return stage.scaled(by_hand[0] / stated[0], by_hand[1] / stated[1], middle_px)


def pixel_size(x_um: float, y_um: float | None = None) -> PixelSize:
    """µm per px as somebody typed them in; square px where only one is given. Raises UsageError for what can't be."""
    size = sane_size(x_um, x_um if y_um is None else y_um)
    if size is None:
        raise UsageError(
            f"{x_um:g} µm per px can't be the scale of a microscope image",
            remedy="Give the width of one pixel, between 0.00001 and 1000 µm.",
        )
    return size


def measured(ends: Sequence[Point], length_um: float, stated: PixelSize | None) -> PixelSize:
    """From a line (two level-0 points) over something of known length; px keep the proportions that the file states.

    Raises UsageError where the line is no line, or the length none.
    """
    ratio = stated[1] / stated[0] if stated else 1.0
    (x0, y0), (x1, y1) = ends
    length_px = math.hypot(x1 - x0, (y1 - y0) * ratio)
    if length_px < 1 or not 0 < length_um < math.inf:
        raise UsageError(
            "nothing can be measured with this line", remedy="Draw it over a known length, and give that in µm or mm."
        )
    return pixel_size(length_um / length_px, length_um / length_px * ratio)
