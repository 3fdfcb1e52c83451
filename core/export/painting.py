"""Decides how marks are painted on a picture of a section: numbered rings in the colours of their classes, a path, a scale bar.

All is measured in hundredths of the picture's longer side, so that it can be read at any size of section and picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import resources
from core.class_colours import Colour
from core.scale_bar import Scale

Array = np.ndarray

FONT_FILE = Path(resources.__file__).parent / "fonts" / "DejaVuSans.ttf"
INK: Colour = (28, 33, 38)
MUTED: Colour = (92, 102, 112)
PAPER: Colour = (255, 255, 255)
PATH_COLOUR: Colour = (255, 255, 255)
JPEG_QUALITY = 90
_BLACK: Colour = (0, 0, 0)
_SHIFT = 4  # OpenCV draws at sixteenths of a px
_AROUND = [(0.8, -0.8), (-0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (1.1, 0.0), (-1.1, 0.0), (0.0, -1.1), (0.0, 1.1)]
_MOST_NUMBERS = 2000  # more can't be read, and looking for their places takes as long as their square
_DISTANCES = (1.0, 2.2, 3.6)


@dataclass(frozen=True, slots=True)
class Mark:
    """A ring on a picture, in px of it."""

    x: float
    y: float
    radius: float
    text: str
    colour: Colour


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_FILE), size_px)


def jpeg(pixels: Array) -> bytes:
    """(h, w, 3) uint8 RGB."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), quality)[1].tobytes()


def unit_of(pixels: Array) -> float:
    """A hundredth of the longer side."""
    return max(pixels.shape[:2]) / 100


def with_marks(pixels: Array, marks: Sequence[Mark], path: bool = False) -> Image.Image:
    """Rings, and the first 2,000 with their numbers where they cover no other ring or number if there is such a place.

    `path`: a line from mark to mark in their order.
    """
    unit = unit_of(pixels)
    drawn, thin = pixels.copy(), max(1, round(0.14 * unit))
    if path and len(marks) > 1:
        corners = np.array([(round(m.x * 16), round(m.y * 16)) for m in marks], np.int32)
        for colour, width in ((_BLACK, 3 * thin), (PATH_COLOUR, thin)):
            cv2.polylines(drawn, [corners], False, colour, width, cv2.LINE_AA, _SHIFT)
    for width, plain in ((3 * thin, True), (2 * thin, False)):
        for mark in marks:
            middle, radius = (round(mark.x * 16), round(mark.y * 16)), round(mark.radius * 16)
            cv2.circle(drawn, middle, radius, _BLACK if plain else mark.colour, width, cv2.LINE_AA, _SHIFT)
    image = Image.fromarray(drawn)
    _number(image, marks[:_MOST_NUMBERS], max(11, round(1.7 * unit)), thin)
    return image


def with_frame(pixels: Array, frame: tuple[float, float, float, float], scale: Scale) -> Array:
    """A crop with a thin frame (x, y, width, height in px of it) and a scale bar in the lower left corner."""
    drawn, side = pixels.copy(), pixels.shape[0]
    thin, edge = max(1, round(side / 180)), max(4, side // 32)
    x, y, width, height = frame
    first, last = ((round(a * 16), round(b * 16)) for a, b in ((x - thin, y - thin), (x + width, y + height)))
    for wide, colour in ((3 * thin, _BLACK), (thin, PATH_COLOUR)):
        cv2.rectangle(drawn, first, last, colour, wide, cv2.LINE_AA, _SHIFT)
    image = Image.fromarray(drawn)
    draw, size = ImageDraw.Draw(image), max(13, side // 14)
    bottom, right = side - edge, edge + round(scale.width)
    draw.rectangle((edge - 1, bottom - edge - 1, right + 1, bottom + 1), fill=_BLACK)
    draw.rectangle((edge, bottom - edge, right, bottom), fill=PATH_COLOUR)
    place = edge, bottom - edge - 2
    draw.text(
        place, scale.text, PATH_COLOUR, font(size), anchor="lb", stroke_width=max(1, size // 8), stroke_fill=_BLACK
    )
    return np.asarray(image)


def _number(image: Image.Image, marks: Sequence[Mark], size_px: int, thin: int) -> None:
    draw, face = ImageDraw.Draw(image), font(size_px)
    taken = np.array([(m.x - m.radius, m.y - m.radius, m.x + m.radius, m.y + m.radius) for m in marks]).reshape(-1, 4)
    edge = max(1, size_px // 10)
    for mark in marks:
        width, height = face.getlength(mark.text) + 2 * edge, size_px * 1.1
        place = _free_place(mark, width, height, taken, image.size)
        taken = np.vstack([taken, (place[0], place[1], place[0] + width, place[1] + height)])
        middle = place[0] + width / 2, place[1] + height / 2
        away = math.hypot(middle[0] - mark.x, middle[1] - mark.y)
        if away > mark.radius + 1.5 * max(width, height):
            share = mark.radius / away
            start = mark.x + (middle[0] - mark.x) * share, mark.y + (middle[1] - mark.y) * share
            draw.line([start, middle], fill=mark.colour, width=thin)
        draw.text(middle, mark.text, (255, 255, 255), face, anchor="mm", stroke_width=edge, stroke_fill=_BLACK)


def _free_place(mark: Mark, width: float, height: float, taken: Array, size: tuple[int, int]) -> tuple[float, float]:
    """The left upper corner of a label: the first place around a ring that is free, else the one that covers least."""
    best, least = (0.0, 0.0), math.inf
    for distance in _DISTANCES:
        for dx, dy in _AROUND:
            x = (
                mark.x
                + dx * (mark.radius + distance * height / 2)
                + math.copysign(width / 2, dx) * (dx != 0)
                - width / 2
            )
            y = mark.y + dy * (mark.radius + distance * height / 2) - height / 2
            x, y = min(max(x, 0.0), size[0] - width), min(max(y, 0.0), size[1] - height)
            covered = _covered(x, y, width, height, taken)
            if covered < least:
                best, least = (x, y), covered
            if covered == 0:
                return best
    return best


def _covered(x: float, y: float, width: float, height: float, taken: Array) -> float:
    """px² of boxes (left, top, right, bottom) under a label."""
    across = np.minimum(taken[:, 2], x + width) - np.maximum(taken[:, 0], x)
    down = np.minimum(taken[:, 3], y + height) - np.maximum(taken[:, 1], y)
    return float((across.clip(0) * down.clip(0)).sum())


def fitting(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: float, width: float, colour: Colour
) -> None:
    """A line whose left upper corner is `place`, made smaller until it fits."""
    face = font(round(size))
    if face.getlength(text) > width:
        face = font(max(8, int(size * width / face.getlength(text))))
    draw.text(place, text, colour, face)
