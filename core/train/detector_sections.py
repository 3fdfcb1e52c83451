"""Decides how a detector is run over a whole picture in memory, as a scan runs it over a section."""

from __future__ import annotations

import numpy as np

from core.geometry import Box
from core.models.base import Model
from core.outlines import placed
from core.scan.box_reading import surest, with_middle_in

Array = np.ndarray


def section_boxes(model: Model, pixels: Array) -> Array:
    """What a detector finds on a whole picture: tiles with halo, the tile with a box's middle keeps it.

    Args:
        pixels: (h, w, 3) uint8 at the model's µm/px; beyond its edges it is mirrored.
    Returns:
        (n, 6 or more) float32 as `Model.find_boxes`, in px of the picture, cut to it.
    """
    spec = model.spec
    tile, halo = spec.tile_px, spec.halo_px
    height, width = pixels.shape[:2]
    rows, columns = (-(-n // spec.stride_px) * spec.stride_px for n in (height, width))
    padded = np.pad(pixels, ((halo, rows - height + halo), (halo, columns - width + halo), (0, 0)), mode="symmetric")
    found = []
    for y in range(0, rows, tile):
        for x in range(0, columns, tile):
            boxes = model.find_boxes(padded[y : y + tile + 2 * halo, x : x + tile + 2 * halo])
            boxes = placed(boxes, x - halo, y - halo, 1.0, Box(0, 0, width, height))
            found.append(boxes[with_middle_in(boxes, Box(x, y, tile, tile))])
    return surest(np.concatenate(found))
