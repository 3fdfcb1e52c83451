"""Decides how large a section can be at most: what says it is larger is damaged, or meant to do harm.

Far beyond any microscope (100,000 × 100,000 px are a hundredth of what is allowed), and small enough for everything that is
counted per tile.
"""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError

LARGEST_SIDE_PX = 4_000_000
MOST_PIXELS = 1 << 40
MOST_PLANES = 100_000
_REMEDY = "Copy or export it again from the microscope's software; it is damaged."


def refuse_absurd(path: Path, width: int, height: int, planes: int = 1) -> None:
    """Raises InputError for what no section can be; `planes`: channels × focus steps × times."""
    if width < 1 or height < 1:
        raise InputError(f"it says it has {width} × {height} px", path=path, remedy=_REMEDY)
    if max(width, height) > LARGEST_SIDE_PX or width * height > MOST_PIXELS:
        raise InputError(f"it says it has {width:,} × {height:,} px: no section is so large", path=path, remedy=_REMEDY)
    if not 0 < planes <= MOST_PLANES:
        raise InputError(f"it says it has {planes:,} planes", path=path, remedy=_REMEDY)
