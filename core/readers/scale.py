"""Decides which lengths and pixel sizes found in files are worth believing, whatever the format."""

from __future__ import annotations

_UM = {
    "pm": 1e-6, "picometer": 1e-6, "å": 1e-4, "angstrom": 1e-4, "nm": 1e-3, "nanometer": 1e-3,
    "µm": 1.0, "μm": 1.0, "um": 1.0, "\\u00b5m": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0,
    "mm": 1e3, "millimeter": 1e3, "cm": 1e4, "centimeter": 1e4, "m": 1e6, "meter": 1e6, "inch": 25400.0, "in": 25400.0,
}  # fmt: skip
_SMALLEST_UM, _LARGEST_UM = 1e-5, 1e3
_LARGEST_FROM_RESOLUTION_UM = 20.0


def to_um(value: float | None, unit: str | None) -> float | None:
    """None for units that aren't lengths ("pixel", "reference frame")."""
    factor = _UM.get((unit or "").strip().lower())
    return None if value is None or factor is None else float(f"{value * factor:.12g}")


def sane_size(x_um: float | None, y_um: float | None) -> tuple[float, float] | None:
    """A pixel size between 0.01 nm and 1 mm, or None."""
    if x_um is None or y_um is None or not all(_SMALLEST_UM <= um <= _LARGEST_UM for um in (x_um, y_um)):
        return None
    return x_um, y_um


def believable_resolution(x_um: float | None, y_um: float | None) -> tuple[float, float] | None:
    """A pixel size from a plain resolution tag: None where a screen's, printer's or editor's default says nothing."""
    size = sane_size(x_um, y_um)
    if size is None or max(size) > _LARGEST_FROM_RESOLUTION_UM or _is_round_dpi(size[0]):
        return None
    return size


def _is_round_dpi(um: float) -> bool:
    """Whether a scanner's round number of dots per inch (2400, 4800 and the like) is all it says."""
    dpi = 25400.0 / um
    return dpi <= 10_000 and abs(dpi - round(dpi)) < 0.01 and round(dpi) % 100 == 0
