"""Decides which crops training looks at: around marked defects, each class alike, and anywhere else on the sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from core.train.regions import Crop, LabelledSection

Array = np.ndarray


class CropSampler:
    """Draws crops of `crop_px`. `defect_share` of them lie around a box, moved by chance; the others anywhere.

    `emphasis` gives classes that shall be drawn more (or less) often than the others a weight; others have 1.
    `zoom` is how much larger or smaller, at most, a crop may be cut before it is brought to `crop_px` (0.15: ±15 %).
    """

    def __init__(
        self,
        sections: Sequence[LabelledSection],
        crop_px: int,
        rng: np.random.Generator,
        defect_share: float = 0.5,
        zoom: float = 0.15,
        emphasis: Mapping[int, float] | None = None,
    ) -> None:
        if not sections:
            raise ValueError("no sections to sample")
        self._sections, self._crop_px, self._rng = sections, crop_px, rng
        self._defect_share, self._zoom = defect_share, zoom
        self._by_class = _places_by_class(sections)
        self._classes = sorted(self._by_class)
        weights = np.array([(emphasis or {}).get(label, 1.0) for label in self._classes])
        self._class_share = weights / weights.sum() if len(weights) else weights
        areas = np.array([s.pixels.shape[0] * s.pixels.shape[1] for s in sections], float)
        self._area_share = areas / areas.sum()

    def draw(self) -> Crop:
        rng = self._rng
        if self._by_class and rng.random() < self._defect_share:
            section, x, y = self._around_a_box()
        else:
            section = int(rng.choice(len(self._sections), p=self._area_share))
            h, w = self._sections[section].pixels.shape[:2]
            x, y = rng.uniform(0, w), rng.uniform(0, h)
        side = self._crop_px * float(np.exp(rng.uniform(-1, 1) * self._zoom))
        shift = rng.uniform(-0.3, 0.3, 2) * self._crop_px
        return cut(self._sections[section], x + shift[0] - side / 2, y + shift[1] - side / 2, side, self._crop_px)

    def _around_a_box(self) -> tuple[int, float, float]:
        places = self._by_class[int(self._rng.choice(self._classes, p=self._class_share))]
        section, index = places[self._rng.integers(len(places))]
        x, y, w, h = self._sections[section].boxes[index]
        at_x, at_y = self._rng.uniform(0.25, 0.75, 2)
        return section, float(x + at_x * w), float(y + at_y * h)


def cut(section: LabelledSection, x: float, y: float, side: float, crop_px: int) -> Crop:
    """The square at (x, y) of `side` px, brought to `crop_px`; beyond the section's edge its pixels are mirrored."""
    whole = round(side)
    left, top = round(x), round(y)
    pixels = _mirrored(section.pixels, left, top, whole)
    scale = crop_px / whole
    if whole != crop_px:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (crop_px, crop_px), interpolation=method)
    boxes = (section.boxes - np.array([left, top, 0, 0], np.float32)) * np.float32(scale)
    seen = (boxes[:, :2] < crop_px).all(1) & (boxes[:, :2] + boxes[:, 2:] > 0).all(1)
    return Crop(pixels, boxes[seen], section.classes[seen])


def _mirrored(pixels: Array, left: int, top: int, side: int) -> Array:
    rows, columns = (
        _fold(np.arange(start, start + side), n) for start, n in ((top, pixels.shape[0]), (left, pixels.shape[1]))
    )
    if rows[-1] - rows[0] == side - 1 and columns[-1] - columns[0] == side - 1:
        return pixels[rows[0] : rows[0] + side, columns[0] : columns[0] + side]
    return pixels[rows[:, None], columns[None, :]]


def _fold(index: Array, size: int) -> Array:
    folded = index % (2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)


def _places_by_class(sections: Sequence[LabelledSection]) -> dict[int, list[tuple[int, int]]]:
    places: dict[int, list[tuple[int, int]]] = {}
    for number, section in enumerate(sections):
        for index, label in enumerate(section.classes):
            places.setdefault(int(label), []).append((number, index))
    return places
