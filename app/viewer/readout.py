"""Decides what is said of the point under the pointer: px, µm (on the stage, if the file has one), pixel value."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.section_info import SectionInfo


def position_text(info: SectionInfo, x_px: float, y_px: float) -> str:
    """Level-0 px, then µm. Without a stage they are counted from the section's corner and called so."""
    text = f"x {math.floor(x_px)}  y {math.floor(y_px)} px"
    stage = info.stage.to_stage(x_px, y_px) if info.stage.source != "none" else None
    if stage is not None:
        return f"{text}   stage {stage[0]:.1f}, {stage[1]:.1f} µm"
    if info.pixel_size_um is not None:
        x_um, y_um = x_px * info.pixel_size_um[0], y_px * info.pixel_size_um[1]
        return f"{text}   {x_um:.1f}, {y_um:.1f} µm from the corner"
    return text


def value_text(values: Sequence[int]) -> str:
    """One number for grey, three for RGB."""
    return f"RGB {values[0]} {values[1]} {values[2]}" if len(values) == 3 else f"grey {values[0]}"


def zoom_text(zoom: float) -> str:
    """`zoom`: device px per level-0 px."""
    percent = zoom * 100
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
