"""Decides how a place of a picture is cut out to be looked at, without any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.display import auto_range
from core.explain import CONTEXT
from core.geometry import Box
from core.readers.base import open_section
from core.scan.reading import TileSource
from core.section import Plane

Array = np.ndarray

SIDE_PX = 160
LEAST_PX = 64  # level-0 px: a dot among nothing says nothing


def crop_around(path: Path, box: Box) -> tuple[Array, Box]:
    """A square around a box, (`SIDE_PX`, `SIDE_PX`, 3) uint8 RGB, and what it shows in level-0 px.

    Raises InputError for a file that can't be read any more.
    """
    side = max(CONTEXT * max(box.w, box.h), LEAST_PX)
    if box.x <= 0 and box.y <= 0:
        side = max(box.w, box.h)  # a whole image
    x, y = (middle - side / 2 for middle in box.center)
    with open_section(path) as section:
        scale = side / SIDE_PX
        source = TileSource(section, Plane(), auto_range(section, Plane()), scale)
        left, top = round(x / scale), round(y / scale)
        pixels = source.read(left, top, SIDE_PX, SIDE_PX)
    return pixels, Box(left, top, SIDE_PX, SIDE_PX).scaled(scale)
