"""Decides how a labelled image becomes what a network is shown: read as any section is, squared, varied."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np

from core.data.image_set import LabelledImage
from core.display import auto_range, to_uint8_rgb
from core.errors import InputError
from core.readers.base import open_section
from core.section import Plane, RegionRequest
from core.train.augment import orient, photograph

Array = np.ndarray

KEPT_BYTES = 1 << 30
MAX_SIDE_PX = 8192
_NO_BOXES = np.zeros((0, 4), np.float32)
_TILT_DEG, _ZOOM = 12.0, 0.12


class ImageSource:
    """Images of a set as (side, side, 3) uint8; those read last stay in memory. `side`: px."""

    def __init__(self, images: Sequence[LabelledImage], side: int) -> None:
        self._images, self._side = images, side
        self._kept: OrderedDict[int, Array] = OrderedDict()

    def read(self, index: int) -> Array:
        """Raises InputError naming a file that is no image or absurdly large."""
        if index not in self._kept:
            self._kept[index] = squared(read_pixels(self._images[index]), self._side)
            while len(self._kept) * self._side**2 * 3 > KEPT_BYTES:
                self._kept.popitem(last=False)
        return self._kept[index]

    def batch(
        self, indices: Sequence[int] | Array, rng: np.random.Generator | None = None, strength: float = 1.0
    ) -> Array:
        """(n, side, side, 3) uint8; with `rng` each one varied."""
        images = [self.read(int(index)) for index in indices]
        return np.stack(images if rng is None else [vary(image, rng, strength) for image in images])


def read_pixels(image: LabelledImage) -> Array:
    """(h, w, 3) uint8 of a whole image file."""
    with open_section(image.path) as section:
        info = section.info
        if max(info.width_px, info.height_px) > MAX_SIDE_PX:
            raise InputError(
                f"{info.width_px} × {info.height_px} px is no single image", path=image.path,
                remedy="Cut it into images, or train on sections with a truth CSV.",
            )  # fmt: skip
        whole = section.read(RegionRequest(0, 0, info.width_px, info.height_px, 1, Plane()))
        return to_uint8_rgb(whole, auto_range(section, Plane()))


def squared(pixels: Array, side: int) -> Array:
    """The whole image at one scale, its longer side as long as `side`, its border continued on the shorter ones."""
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    right, below = side - size[0], side - size[1]
    return cv2.copyMakeBorder(
        shrunk, below // 2, below - below // 2, right // 2, right - right // 2, cv2.BORDER_REPLICATE
    )


def vary(pixels: Array, rng: np.random.Generator, strength: float = 1.0) -> Array:
    """Laid down in one of 8 ways, tilted and zoomed a little, photographed under another lamp."""
    turned, _ = orient(pixels, _NO_BOXES, int(rng.integers(8)))
    side = turned.shape[0]
    angle, zoom = rng.uniform(-_TILT_DEG, _TILT_DEG) * strength, np.exp(rng.uniform(-_ZOOM, _ZOOM) * strength)
    matrix = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), angle, zoom)
    tilted = cv2.warpAffine(turned, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return photograph(tilted, rng, strength)
