"""Decides how thousands of boxes become a picture: thin frames with a dark edge, or a density where they would overlap.

A finding with an outline is framed by that, once it is large enough on the screen to be told from its box. Frames are drawn as numbers of their strokes, widened, and coloured last, which takes a few milliseconds for a thousand of
them. Density is the number of detections around a point on a scale of its own colours, whatever their classes; it fades
in where frames begin to cover each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from app.colour_maps import colour_table
from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.box_index import BoxIndex

Array = np.ndarray

MIN_SCREEN_PX = 8.0  # a smaller box is drawn this large, so that it can be seen and clicked
OUTLINED_PX = 12.0  # on the screen; what is smaller has a box only
HALO_PX = 4.0  # on the screen; the dark edge under a line, for bright metal
HALO_ALPHA = 90
DENSITY_COLOURS = "viridis"

_MARGIN = 24  # device px around a tile that are drawn too, for lines and density that reach into it
_DASH = 8  # device px from dash to dash; divides a tile's side, so that dashes go on across tiles
_DASH_ON = 5
_HALO = 255  # as a number of a stroke
_MANY_LINES = 1500  # rectangles of one stroke in a tile
_CELL = 4  # device px; density is counted in cells
_SPREAD = 1.6  # cells; standard deviation of one detection's spot
_ONE = 1 / (2 * math.pi * _SPREAD**2)  # the middle of one spot
_FULL = 40.0  # detections around a point that give the last colour
_CROWDED_PX = 2 * MIN_SCREEN_PX  # the side of the squares in which neighbours are counted
_FEW_NEIGHBOURS, _MANY_NEIGHBOURS = 2.0, 5.0  # in such a square: only frames, only density
_SMALL_PX, _LARGE_PX = 6.0, 14.0  # median side on the screen: density allowed, only frames


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a frame is drawn: dashed for traces of preparation, thick once confirmed, faint once rejected."""

    colour: str  # #rrggbb
    width: float  # device-independent px
    dashed: bool
    alpha: int


def drawn_edges(edges: Array, zoom: float) -> Array:
    """(n, 4) edges x0, y0, x1, y1 with boxes that would be too small to see grown around their middle.

    `zoom` in device-independent px per unit of the edges.
    """
    centre = (edges[:, :2] + edges[:, 2:]) / 2
    half = np.maximum((edges[:, 2:] - edges[:, :2]) / 2, MIN_SCREEN_PX / 2 / zoom)
    return np.concatenate([centre - half, centre + half], axis=1)


def outlined(found: Array, edges: Array, rings: Mapping[int, Array], zoom: float) -> Array:
    """Which of the found boxes (n,) are framed by their outline, as (n,) bool. `zoom`: see `drawn_edges`."""
    if not rings:
        return np.zeros(len(found), bool)
    large = (edges[:, 2:] - edges[:, :2]).max(axis=1, initial=0) * zoom >= OUTLINED_PX
    large[large] = [number in rings for number in found[large].tolist()]
    return large


class BoxPainter:
    """Paints boxes by their level-0 edges; `stroke_of[i]` is the place of box i's stroke, later ones lie on top.

    `rings`: outlines, (corners, 2) in level-0 px, by the numbers of the boxes that have one.
    """

    def __init__(
        self, index: BoxIndex, strokes: Sequence[Stroke], stroke_of: Array, rings: Mapping[int, Array] | None = None
    ) -> None:
        self._index, self._strokes, self._stroke_of = index, tuple(strokes), stroke_of
        self._rings = rings or {}
        self._palette = _palette(self._strokes)
        sides = index.edges[:, 2:] - index.edges[:, :2]
        self._median_side = float(np.median(np.sqrt(sides[:, 0] * sides[:, 1]))) if len(index) else 0.0
        self._crowds: dict[float, float] = {}

    def restroked(self, strokes: Sequence[Stroke], stroke_of: Array) -> BoxPainter:
        """The same boxes in other strokes."""
        other = copy(self)
        other._strokes, other._stroke_of, other._palette = tuple(strokes), stroke_of, _palette(strokes)
        return other

    def density_share(self, zoom: float) -> float:
        """From 0, only frames, to 1, only density, at device-independent px per level-0 px."""
        size = _ramp(self._median_side * zoom, _LARGE_PX, _SMALL_PX)
        if not size:
            return 0.0
        if zoom not in self._crowds:
            self._crowds[zoom] = self._crowd(zoom)
        return size * _ramp(math.log(self._crowds[zoom]), math.log(_FEW_NEIGHBOURS), math.log(_MANY_NEIGHBOURS))

    def _crowd(self, zoom: float) -> float:
        """How many detections, itself included, share a small square of the screen with one, on average."""
        if not len(self._index):
            return 1.0
        centres = (self._index.edges[:, :2] + self._index.edges[:, 2:]) / 2
        column, row = ((centres - centres.min(axis=0)) * (zoom / _CROWDED_PX)).astype(np.int64).T
        counts = np.unique(row * (int(column.max()) + 1) + column, return_counts=True)[1]
        return float((counts.astype(float) ** 2).sum() / counts.sum())

    def paint(self, tile: OverlayTile) -> Painted:
        """The boxes that reach into a tile."""
        box = tile.box.grown((_MARGIN + MIN_SCREEN_PX * tile.ratio) / tile.zoom)
        found = self._index.touching(box.x, box.y, box.x1, box.y1)
        if not found.size:
            return Painted(None)
        share = self.density_share(tile.zoom / tile.ratio)
        edges = self._index.edges[found]
        if share >= 1:
            return Painted(self._density(edges, tile))
        frames = self._frames(found, edges, tile)
        if share <= 0:
            return Painted(frames)
        import cv2

        return Painted(cv2.addWeighted(frames, 1 - share, self._density(edges, tile), share, 0))

    def _frames(self, found: Array, edges: Array, tile: OverlayTile) -> Array:
        import cv2

        stroke_of, has_ring = self._stroke_of[found], outlined(found, edges, self._rings, tile.zoom / tile.ratio)
        ratio, side = tile.ratio, TILE + 2 * _MARGIN
        origin = np.array([tile.column, tile.row] * 2) * TILE - _MARGIN
        at = drawn_edges(edges, tile.zoom / ratio) * tile.zoom - origin
        rects = np.clip(np.rint(at), -_MARGIN, side + _MARGIN).astype(np.int32)
        numbers = np.zeros((side, side), np.uint8)
        for width, dashed in {(stroke.width, stroke.dashed) for stroke in self._strokes}:
            lines = np.zeros((side, side), np.uint8)
            for place, stroke in enumerate(self._strokes):
                if (stroke.width, stroke.dashed) == (width, dashed):
                    own = stroke_of == place
                    _outline(lines, rects[own & ~has_ring], place + 1)
                    rings = [self._rings[number] for number in found[own & has_ring].tolist()]
                    corners = [np.rint(ring * tile.zoom - origin[:2]).astype(np.int32) for ring in rings]
                    cv2.polylines(lines, corners, True, place + 1, 1)
            if dashed:
                lines *= _dashes(side)
            cv2.max(numbers, _widened(lines, round(width * ratio)), numbers)
        halo = _widened(numbers, round((HALO_PX - 1) * ratio))
        numbers[(numbers == 0) & (halo > 0)] = _HALO
        return self._palette[numbers[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]].view(np.uint8).reshape(TILE, TILE, 4)

    def _density(self, edges: Array, tile: OverlayTile) -> Array:
        cell = _CELL * max(round(tile.ratio), 1)
        centres = (edges[:, :2] + edges[:, 2:]) / 2 * tile.zoom - np.array([tile.column, tile.row]) * TILE
        return density_picture(centres, TILE, TILE, cell)


def density_picture(points: Array, width: int, height: int, cell: int) -> Array:
    """(height, width, 4) uint8 BGRA, premultiplied: how many of (n, 2) points, in its px, lie around each place.

    Points are counted in squares of `cell` px; those outside count for what lies near the border.
    """
    import cv2

    margin = cell * math.ceil(3 * _SPREAD)
    across, down = (-(-(side + 2 * margin) // cell) for side in (width, height))
    column, row = np.floor((points + margin) / cell).astype(np.int64).T
    inside = (column >= 0) & (column < across) & (row >= 0) & (row < down)
    counts = np.bincount(row[inside] * across + column[inside], minlength=across * down).reshape(down, across)
    spots = cv2.GaussianBlur(counts.astype(np.float32), (0, 0), _SPREAD, borderType=cv2.BORDER_CONSTANT)
    fine = cv2.resize(spots, None, fx=cell, fy=cell, interpolation=cv2.INTER_LINEAR)
    return _density_colours(fine[margin : margin + height, margin : margin + width] / _ONE)


def _density_colours(counts: Array) -> Array:
    """Of how many detections lie around each point (float, 1 = one)."""
    import cv2

    level = np.log1p(counts) * (255 / math.log1p(_FULL))
    index = cv2.convertScaleAbs(np.minimum(level, 255))
    return _density_palette()[index].view(np.uint8).reshape(*counts.shape, 4)


def _density_palette() -> Array:
    """256 premultiplied BGRA as uint32: transparent, then a dark edge, then from dark to bright."""
    at = np.linspace(0, 1, 256)
    one = math.log1p(1) / math.log1p(_FULL)  # the middle of the spot of a single detection
    alpha = np.clip((at - 0.15 * one) / (0.6 * one), 0, 1) * (0.55 + 0.3 * at)
    colours = colour_table(DENSITY_COLOURS)[np.rint(255 * (0.08 + 0.92 * at)).astype(int)]
    bgra = np.concatenate([colours[:, ::-1] * alpha[:, None], alpha[:, None] * 255], axis=1)
    return np.ascontiguousarray(np.rint(bgra).astype(np.uint8)).view(np.uint32)[:, 0]


def _palette(strokes: Sequence[Stroke]) -> Array:
    """Premultiplied BGRA as uint32, by number: 0 nothing, then the strokes, last the dark edge."""
    bgra = np.zeros((256, 4), np.uint8)
    for number, stroke in enumerate(strokes, 1):
        red, green, blue = bytes.fromhex(stroke.colour[1:])
        bgra[number] = [round(v * stroke.alpha / 255) for v in (blue, green, red, 255)]
    bgra[_HALO] = (0, 0, 0, HALO_ALPHA)
    return bgra.view(np.uint32)[:, 0]


def _outline(picture: Array, rects: Array, number: int) -> None:
    """Draws (n, 4) rectangles x0, y0, x1, y1 as lines of one px into a square picture (uint8)."""
    if len(rects) > _MANY_LINES:
        picture[_covered(rects, len(picture)) | _covered(rects[:, (1, 0, 3, 2)], len(picture)).T] = number
        return
    import cv2

    x0, y0, x1, y1 = rects.T
    corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2)
    cv2.polylines(picture, list(corners), True, number, 1)


def _covered(rects: Array, side: int) -> Array:
    """(side, side) bool: the px of the upper and lower edges, counted where they begin and end, in one go for all.

    OpenCV unpacks thousands of outlines while it holds Python's lock, and the window waits for that.
    """
    x0, x1 = np.concatenate([rects[:, (0, 2)], rects[:, (0, 2)]]).T
    y = np.concatenate([rects[:, 1], rects[:, 3]])
    inside = (y >= 0) & (y < side) & (x1 >= 0) & (x0 < side)
    row = y[inside].astype(np.int64) * (side + 1)
    begin, end = row + np.maximum(x0[inside], 0), row + np.minimum(x1[inside], side - 1) + 1
    size = side * (side + 1)
    change = np.bincount(begin, minlength=size) - np.bincount(end, minlength=size)
    return np.cumsum(change.reshape(side, side + 1), axis=1)[:, :side] > 0


def _widened(lines: Array, width: int) -> Array:
    """Lines of one px made `width` px wide; where they meet the higher number wins."""
    import cv2

    return lines if width <= 1 else cv2.dilate(lines, np.ones((width, width), np.uint8), anchor=((width - 1) // 2,) * 2)


def _dashes(side: int) -> Array:
    """1 where a dash is, along rows as along columns."""
    at = np.arange(side) - _MARGIN
    return (((at[:, None] + at[None, :]) % _DASH) < _DASH_ON).astype(np.uint8)


def _ramp(value: float, at_zero: float, at_one: float) -> float:
    """0 to 1 between two values, smoothly."""
    share = min(max((value - at_zero) / (at_one - at_zero), 0.0), 1.0)
    return share * share * (3 - 2 * share)
