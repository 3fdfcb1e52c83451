"""Decides which parts of a picture are read when only parts of it are known: clips around them, not the whole section.

Boxes are in px of one picture. Clips don't overlap, so that nothing is read, or judged, twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from core.data.labelled import LabelledPicture
from core.geometry import Box, bounding_box

# What is read around a place, so that a network sees it in its surroundings.
MARGIN_PX = 128
LARGEST_PX = 2048


def clips_of(picture: LabelledPicture, width: int, height: int, scale: float) -> list[Box]:
    """Whole-px boxes in a picture of `width` × `height` px, in which its places divided by `scale` are told.

    Each place (mark, `empty`, `known`) with `MARGIN_PX` around it; those that overlap are joined, and what became larger
    than `LARGEST_PX` is cut into pieces, of which only those that show a place are kept. Sorted by y, then x.
    """
    marked = [mark.box for mark in picture.marks]
    places = [
        _inside(box.scaled(1 / scale), width, height) for box in (*marked, *picture.empty, *(picture.known or ()))
    ]
    found = [box for box in places if box is not None]
    around = joined([_inside(box.grown(MARGIN_PX), width, height) or box for box in found])
    return sorted((clip for box in around for clip in _pieces(box, found)), key=lambda box: (box.y, box.x))


def _inside(box: Box, width: int, height: int) -> Box | None:
    """Whole px, cut to the picture; None for what lies beyond it."""
    x, y, w, h = box.outer_pixels()
    return Box(x, y, w, h).intersection(Box(0, 0, width, height))


def joined(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that overlap become the one around them, until none do. A sweep over x for each round."""
    todo = list(boxes)
    while True:
        kept: list[Box] = []
        active: list[Box] = []
        for box in sorted(todo):
            kept += [other for other in active if other.x1 <= box.x]
            active = [other for other in active if other.x1 > box.x]
            overlapping = [other for other in active if other.y < box.y1 and box.y < other.y1]
            active = [other for other in active if other not in overlapping]
            active.append(bounding_box([box, *overlapping]))
        kept += active
        if len(kept) == len(todo):
            return kept
        todo = kept


def _pieces(box: Box, places: Sequence[Box]) -> list[Box]:
    """The same box, or those of its equal pieces of at most `LARGEST_PX` that show a place, cut at whole px."""
    columns, rows = math.ceil(box.w / LARGEST_PX), math.ceil(box.h / LARGEST_PX)
    if columns == rows == 1:
        return [box]
    xs = [box.x + round(box.w * i / columns) for i in range(columns + 1)]
    ys = [box.y + round(box.h * i / rows) for i in range(rows + 1)]
    pieces = (Box.from_edges(x0, y0, x1, y1) for y0, y1 in pairwise(ys) for x0, x1 in pairwise(xs))
    return [piece for piece in pieces if any(piece.intersection(place) for place in places)]
