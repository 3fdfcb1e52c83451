"""Decides which crops training looks at: around marked defects, each class alike, and anywhere else that is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import cv2
import numpy as np

from core.train.regions import Crop, LabelledSection

Array = np.ndarray


_EMPTY_SHARE = 0.5


class CropSampler:
    """Draws crops of `crop_px`. `defect_share` of them lie around a box, moved by chance; the others anywhere known.

    Where somebody looked and found no defect, every second of the others lies there: that is what was mistaken for one.

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
        self._anywhere = _Places((n, box) for n, section in enumerate(sections) for box in _known_boxes(section))
        self._empty = _Places((n, box) for n, section in enumerate(sections) for box in section.empty)
        if not (self._by_class or self._anywhere.count):
            raise ValueError("nothing is known of these sections")

    def draw(self) -> Crop:
        rng = self._rng
        if not self._anywhere.count or (self._by_class and rng.random() < self._defect_share):
            section, x, y = self._around_a_box()
        elif self._empty.count and rng.random() < _EMPTY_SHARE:
            section, x, y = self._empty.draw(rng)
        else:
            section, x, y = self._anywhere.draw(rng)
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
    """The square at (x, y) of `side` px, brought to `crop_px`; beyond the section's edge it is mirrored, marks and all."""
    whole = round(side)
    left, top = round(x), round(y)
    pixels = _mirrored(section.pixels, left, top, whole)
    scale = crop_px / whole
    if whole != crop_px:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, (crop_px, crop_px), interpolation=method)
    images = _images(section.pixels.shape, left, top, whole)
    boxes, seen = _in_crop(_laid(section.boxes, images), left, top, scale, crop_px)
    known = None if section.known is None else _in_crop(_laid(section.known, images), left, top, scale, crop_px)[0]
    outlines = _outlines(section, images, seen)
    moved = ((one - np.array([left, top], np.float32)) * np.float32(scale) for one in outlines)
    return Crop(pixels, boxes, np.tile(section.classes, len(images))[seen], known, tuple(moved))


def _images(shape: tuple[int, ...], left: int, top: int, side: int) -> list[tuple[Array, Array]]:
    """Where a square shows a picture and its mirror images: (x, y) there is (x, y) · sign + offset, for each of them."""
    ways = []
    for start, size in ((left, shape[1]), (top, shape[0])):
        numbers = range(start // size, (start + side - 1) // size + 1)
        ways.append([(-1, (n + 1) * size) if n % 2 else (1, n * size) for n in numbers])
    pairs = [((sx, sy), (ox, oy)) for sx, ox in ways[0] for sy, oy in ways[1]]
    return [(np.array(sign, np.float32), np.array(offset, np.float32)) for sign, offset in pairs]


def _laid(boxes: Array, images: Sequence[tuple[Array, Array]]) -> Array:
    """Boxes in every image of a picture, one after the other."""
    corners, sizes = boxes[:, :2], boxes[:, 2:]
    laid = [np.where(sign < 0, offset - corners - sizes, offset + corners) for sign, offset in images]
    return np.concatenate([np.concatenate(laid), np.tile(sizes, (len(images), 1))], axis=1).astype(np.float32)


def _outlines(section: LabelledSection, images: Sequence[tuple[Array, Array]], seen: Array) -> Iterator[Array]:
    """Those of the boxes that are seen, `seen` being of all that `_laid` gives."""
    count = len(section.outlines)
    for index in np.flatnonzero(seen) if count else ():
        image, own = divmod(int(index), count)
        sign, offset = images[image]
        yield section.outlines[own] * sign + offset


def _in_crop(boxes: Array, left: int, top: int, scale: float, crop_px: int) -> tuple[Array, Array]:
    """Those that a crop shows something of, in its px, and (n,) bool: which of all they are."""
    moved: Array = (boxes - np.array([left, top, 0, 0], np.float32)) * np.float32(scale)
    seen: Array = np.logical_and(moved[:, :2] < crop_px, moved[:, :2] + moved[:, 2:] > 0).all(1)
    return moved[seen], seen


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


class _Places:
    """Boxes on numbered sections; `draw` gives a section and a point in one of its boxes, each px as likely."""

    def __init__(self, places: Iterable[tuple[int, Array]]) -> None:
        self._places = [(number, box) for number, box in places if box[2] > 0 and box[3] > 0]
        areas = np.array([box[2] * box[3] for _, box in self._places], float)
        self.count = len(self._places)
        self._share = areas / areas.sum() if self.count else areas

    def draw(self, rng: np.random.Generator) -> tuple[int, float, float]:
        number, (x, y, w, h) = self._places[int(rng.choice(self.count, p=self._share))]
        return number, float(rng.uniform(x, x + w)), float(rng.uniform(y, y + h))


def _known_boxes(section: LabelledSection) -> Array:
    height, width = section.pixels.shape[:2]
    return np.array([[0, 0, width, height]], np.float32) if section.known is None else section.known


def _places_by_class(sections: Sequence[LabelledSection]) -> dict[int, list[tuple[int, int]]]:
    places: dict[int, list[tuple[int, int]]] = {}
    for number, section in enumerate(sections):
        for index, label in enumerate(section.classes):
            places.setdefault(int(label), []).append((number, index))
    return places
