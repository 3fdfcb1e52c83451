"""Decides what of a model's answers is nonsense that must not be stored: whatever is no number."""

from __future__ import annotations

import numpy as np

from core.errors import ResourceError
from core.geometry import Box

Array = np.ndarray


def require_numbers(values: Array, model: str, place: Box) -> None:
    """Raises ResourceError, with the model and the place on the section (level-0 px), where a value is NaN or infinite."""
    if not np.isfinite(values).all():
        x, y, width, height = place.outer_pixels()
        raise ResourceError(
            f"{model} gave values that are not numbers at x {x}, y {y} ({width} × {height} px)",
            remedy="Nothing of that place was stored. Scan on the CPU (--device cpu); if it is the same there, the model's"
            " weights are damaged.",
        )
