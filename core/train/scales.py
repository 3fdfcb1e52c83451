"""Decides at which scale a model that is trained looks at pictures: one for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from core.errors import UsageError
from core.readers.base import open_section

# Scales that differ by less are the same.
_SAME_SCALE = 0.02
_NOTHING_ENTERED: Mapping[Path, tuple[float, float]] = {}


def common_scale(
    pictures: Iterable[Path],
    stated: float,
    source: Path,
    entered: Mapping[Path, tuple[float, float]] = _NOTHING_ENTERED,
) -> float | None:
    """µm/px: `stated`, else (0) what all pictures agree on; None where none says. `entered` by hand counts before what a
    file says.

    Raises UsageError, naming `source`, where pictures differ, InputError for one that can't be read.
    """
    if stated:
        return stated
    sizes = {path: _um_per_px(path, entered.get(path)) for path in pictures}
    known = [size for size in sizes.values() if size is not None]
    if not known:
        return None
    if len(known) < len(sizes) or max(known) > min(known) * (1 + _SAME_SCALE):
        some = "some don't say, others " if len(known) < len(sizes) else "they "
        raise UsageError(
            f"the pictures are of different scales: {some}have {min(known):.3g} to {max(known):.3g} µm per px",
            path=source, remedy="Say at which the network shall look: --set um_per_px=….",
        )  # fmt: skip
    return float(np.median(known))


def _um_per_px(picture: Path, entered: tuple[float, float] | None) -> float | None:
    size = entered
    if size is None:
        with open_section(picture) as section:
            size = section.info.pixel_size_um
    return None if size is None else (size[0] * size[1]) ** 0.5
