"""Decides what a typed position means: level-0 px, µm or mm on the stage, or µm from the corner where there is no stage.

It understands what the read-out and lists of others write: `1200, 3400`, `x 1200 y 3400 px`, `12.5; 8 mm`, `12,5 8,25 mm`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from core.section import SectionInfo

_UNITS = {
    "px": 0.0,
    "pixel": 0.0,
    "pixels": 0.0,
    "µm": 1.0,
    "μm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "mm": 1e3,
}
_WORDS = {"x", "y", "stage", "at", "from", "the", "corner"}
_EXAMPLE = "Type two numbers, for example 12000, 3400"


@dataclass(frozen=True, slots=True)
class Goal:
    """A level-0 point, and in words how the typed text was understood."""

    x_px: float
    y_px: float
    text: str


@dataclass(frozen=True, slots=True)
class Hint:
    """Why the text names no point yet, and what to type."""

    text: str


def understand(text: str, info: SectionInfo) -> Goal | Hint:
    """The point that `text` names in this section. Never raises."""
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", text)]
    units = {_UNITS[word] for word in words if word in _UNITS}
    unknown = [word for word in words if word not in _UNITS and word not in _WORDS]
    if unknown:
        return Hint(f"“{unknown[0]}” is no unit of length here. Use px, µm or mm.")
    if len(units) > 1:
        return Hint("Give both numbers in the same unit.")
    numbers = _numbers(text)
    if len(numbers) != 2:
        return Hint(f"{_EXAMPLE}{_units_hint(info)}.")
    um = units.pop() if units else 0.0
    return _goal(numbers[0], numbers[1], um, info)


def _numbers(text: str) -> list[float]:
    """Commas part numbers, unless something else does: then they are decimal commas."""
    bare = re.sub(r"[^\d.,;+\-\s]", " ", text.replace("−", "-")).strip(" ,;")
    if ";" in bare:
        parts = [part.replace(",", ".") for part in bare.split(";")]
    else:
        parts = bare.split(",")
        spaced = bare.split()
        if len(parts) != 2 and len(spaced) == 2:
            parts = [part.strip(",").replace(",", ".") for part in spaced]
    try:
        numbers = [float(part) for part in parts if part.strip()]
    except ValueError:
        return []
    return numbers if all(math.isfinite(number) for number in numbers) else []


def _goal(x: float, y: float, um: float, info: SectionInfo) -> Goal | Hint:
    if um == 0.0:
        point, text = (x, y), f"Pixel {x:,.10g}, {y:,.10g}"
    else:
        x, y = x * um, y * um
        on_stage = info.stage.to_pixel(x, y) if info.stage.source != "none" else None
        if on_stage is not None:
            point, text = on_stage, f"Stage {x:,.1f}, {y:,.1f} µm"
        elif info.pixel_size_um is not None:
            point = x / info.pixel_size_um[0], y / info.pixel_size_um[1]
            text = f"{x:,.1f}, {y:,.1f} µm from the corner (the file has no stage)"
        else:
            return Hint("The file says neither stage nor pixel size: give the position in px.")
    if um:
        text += f": pixel {point[0]:,.0f}, {point[1]:,.0f}"
    if not info.box.contains(*point):
        return Hint(f"{text} lies outside the section, which has {info.width_px:,} × {info.height_px:,} px.")
    return Goal(*point, text)


def _units_hint(info: SectionInfo) -> str:
    if info.stage.source != "none":
        corner = info.stage.to_stage(0, 0)
        assert corner is not None
        return f", or stage positions: {corner[0]:.0f}, {corner[1]:.0f} µm"
    return ", or with a unit: 1200, 800 µm" if info.pixel_size_um is not None else ""
