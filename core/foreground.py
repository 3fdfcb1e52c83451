"""Decides which parts of a section show the specimen and which only mounting resin, empty glass or a mosaic's gaps.

A missed tile is worse than a wasted one: background is only what is flat, alike the section's own border and joined
to it, and visibly less textured at full resolution than the rest. Everything else is foreground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from core.geometry import Box
from core.jobs import CancelToken, Progress, Step, no_progress
from core.section import Array, Plane, RegionRequest, Section, SectionInfo

FINEST_DOWNSAMPLE = 16
LONGEST_SIDE = 4096  # mask cells; larger sections get coarser cells

_STRIP = 64  # mask rows read at a time, between two looks at `cancel`
_SMALLEST_SIDE = 16  # below this many cells a section is not worth a mask
_RING_SHARE = 0.08  # of the border ring that a background colour must hold
_MODES = 3
_PATCH_PX = 64
_PATCHES = 32
_SMOOTHER = 0.6  # background's texture is at most this share of the foreground's
_SPECK_CELLS = 16
_MARGIN_CELLS = 2
_LEAST_FOREGROUND = 0.02


@dataclass(frozen=True)
class Mask:
    """`values` (rows, columns) bool, True where there may be specimen; cell (r, c) covers level-0 px
    [c·cell_px, (c+1)·cell_px) × [r·cell_px, (r+1)·cell_px)."""

    values: Array
    cell_px: int

    def covers(self, box: Box) -> bool:
        """Whether any of a level-0 box may show specimen."""
        x0, y0 = max(0, math.floor(box.x / self.cell_px)), max(0, math.floor(box.y / self.cell_px))
        x1, y1 = math.ceil(box.x1 / self.cell_px), math.ceil(box.y1 / self.cell_px)
        return bool(self.values[y0 : max(y1, 0), x0 : max(x1, 0)].any())

    def at_cells(self, rows: int, columns: int, cell_px: float, first: tuple[int, int] = (0, 0)) -> Array:
        """For a block of a map whose cells are `cell_px` level-0 px wide and whose first one is the map's cell
        (row, column) `first`: (rows, columns) bool, True where a cell's middle may show specimen; False outside."""
        y = ((np.arange(rows) + first[0] + 0.5) * cell_px // self.cell_px).astype(int)
        x = ((np.arange(columns) + first[1] + 0.5) * cell_px // self.cell_px).astype(int)
        height, width = self.values.shape
        inside_y, inside_x = (y >= 0) & (y < height), (x >= 0) & (x < width)
        found = self.values[np.clip(y, 0, height - 1)[:, None], np.clip(x, 0, width - 1)[None, :]]
        return found & inside_y[:, None] & inside_x[None, :]

    @property
    def share(self) -> float:
        """The part of the section that is foreground, 0 to 1."""
        return float(self.values.mean())


def whole_section(info: SectionInfo) -> Mask:
    """A mask under which everything is specimen."""
    side = max(info.width_px, info.height_px)
    return Mask(np.ones((1, 1), bool), side)


def foreground_mask(
    section: Section,
    plane: Plane = Plane(),  # noqa: B008 - frozen
    display_range: tuple[float, float] | None = None,
    caution: float = 0.5,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Mask:
    """Where a section shows specimen, from an overview at 1:16 or coarser and a few small looks at full resolution.

    Args:
        display_range: the values shown as black and white; None takes them from the overview.
        caution: 0 to 1; the more, the smoother a place must be to count as background (see `_SMOOTHER`).
    Raises CancelledError, and what reading raises.
    """
    downsample = _mask_downsample(section)
    overview = _read_overview(section, plane, downsample, progress, cancel)
    if min(overview.shape[:2]) < _SMALLEST_SIDE:
        return Mask(np.ones(overview.shape[:2], bool), downsample)
    low, high = display_range or _range_of(overview)
    shown = np.clip((overview - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    texture = _Texture(section, plane, downsample, high - low)
    background = _background(shown, texture, _SMOOTHER * 2 * (1 - caution))
    foreground = _without_specks(~background)
    if foreground.mean() < _LEAST_FOREGROUND:
        foreground = np.ones_like(background)
    grown = cv2.dilate(foreground.astype(np.uint8), _disc(_MARGIN_CELLS))
    return Mask(grown.astype(bool), downsample)


def _mask_downsample(section: Section) -> int:
    downsample = FINEST_DOWNSAMPLE
    while max(section.info.width_px, section.info.height_px) > downsample * LONGEST_SIDE:
        downsample *= 2
    return downsample


def _read_overview(
    section: Section, plane: Plane, downsample: int, progress: Progress, cancel: CancelToken | None
) -> Array:
    info = section.info
    rows, columns = -(-info.height_px // downsample), -(-info.width_px // downsample)
    overview = np.zeros((rows, columns, info.samples), np.float32)
    for row in range(0, rows, _STRIP):
        if cancel is not None:
            cancel.check()
        count = min(_STRIP, rows - row)
        request = RegionRequest(0, row * downsample, columns * downsample, count * downsample, downsample, plane)
        overview[row : row + count] = section.read(request)
        progress(Step(row + count, rows, "Looking for the specimen"))
    return overview


def _range_of(overview: Array) -> tuple[float, float]:
    """Nearly the least and greatest value; exact zeros are gaps, unless there is nothing else."""
    filled = overview[overview > 0]
    if filled.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(filled, (0.5, 99.5))
    return float(low), float(high)


def _background(shown: Array, texture: _Texture, smoother: float) -> Array:
    """Flat regions of a border colour that reach the border and are smoother than the rest at full resolution."""
    smooth = cv2.blur(shown, (3, 3)).reshape(shown.shape)
    spread = _local_spread(shown)
    candidates = np.zeros(shown.shape[:2], bool)
    for colour, tolerance, flatness in _border_colours(smooth, spread):
        alike = np.abs(smooth - colour).max(axis=2) <= tolerance
        candidates |= alike & (spread <= flatness)
    # Opened, so that a crack or a seam that reaches the border leads no background into the specimen.
    opened = cv2.morphologyEx(candidates.astype(np.uint8), cv2.MORPH_OPEN, _disc(2), borderValue=1)
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    at_border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    rest = texture.of(~np.isin(labels, at_border[at_border > 0]))
    background = np.zeros_like(candidates)
    for label in at_border[at_border > 0]:
        region = labels == label
        if region.sum() >= _SPECK_CELLS and texture.of(region) <= smoother * min(rest, 1.0):
            background |= region
    return background


def _local_spread(shown: Array) -> Array:
    """Standard deviation over 5 × 5 cells, the largest of the channels."""
    mean = cv2.blur(shown, (5, 5)).reshape(shown.shape)
    square = cv2.blur(shown * shown, (5, 5)).reshape(shown.shape)
    return np.sqrt(np.maximum(square - mean * mean, 0)).max(axis=2)


def _border_colours(smooth: Array, spread: Array) -> list[tuple[Array, float, float]]:
    """The colours that hold much of the section's border: colour, its tolerance, and how flat it is."""
    width = max(2, min(spread.shape) // 100)
    ring = np.ones(spread.shape, bool)
    ring[width:-width, width:-width] = False
    colours, spreads = smooth[ring], spread[ring]
    total = len(colours)
    found: list[tuple[Array, float, float]] = []
    while len(found) < _MODES and len(colours) >= _RING_SHARE * total:
        cells, counts = np.unique(np.minimum((colours * 16).astype(int), 15), axis=0, return_counts=True)
        start = (cells[counts.argmax()] + 0.5) / 16
        near = np.abs(colours - start).max(axis=1) <= 0.06
        colour = np.median(colours[near], axis=0)
        off = np.abs(colours - colour).max(axis=1)
        near = off <= 0.1
        if near.sum() < _RING_SHARE * total:
            break
        tolerance = float(np.clip(6 * np.median(off[near]), 0.03, 0.12))
        found.append((colour, tolerance, float(np.clip(3 * np.median(spreads[near]), 0.01, 0.05))))
        colours, spreads = colours[~near], spreads[~near]
    return found


class _Texture:
    """How textured a region is at full resolution: a few small patches, the median of their standard deviations."""

    def __init__(self, section: Section, plane: Plane, downsample: int, value_range: float) -> None:
        self._section, self._plane, self._downsample = section, plane, downsample
        self._range = max(value_range, 1e-6)

    def of(self, region: Array) -> float:
        """In shares of the shown range; infinite for a region too narrow for a patch."""
        reach = -(-_PATCH_PX // self._downsample) | 1
        inner = cv2.erode(region.astype(np.uint8), np.ones((reach, reach), np.uint8), borderValue=0)
        places = np.argwhere(inner)
        if len(places) == 0:
            return float("inf")
        chosen = places[np.linspace(0, len(places) - 1, min(_PATCHES, len(places))).round().astype(int)]
        return float(np.median([self._patch(row, column) for row, column in chosen]))

    def _patch(self, row: int, column: int) -> float:
        half = (self._downsample - _PATCH_PX) // 2
        info, d = self._section.info, self._downsample
        x = int(np.clip(column * d + half, 0, max(info.width_px - _PATCH_PX, 0)))
        y = int(np.clip(row * d + half, 0, max(info.height_px - _PATCH_PX, 0)))
        width, height = min(_PATCH_PX, info.width_px), min(_PATCH_PX, info.height_px)
        pixels = self._section.read(RegionRequest(x, y, width, height, 1, self._plane)).astype(np.float32)
        # Between pixel noise and uneven light lies what tells a microstructure from resin.
        band = cv2.GaussianBlur(pixels, (0, 0), 1) - cv2.GaussianBlur(pixels, (0, 0), 8)
        return float(band.std() / self._range)


def _without_specks(foreground: Array) -> Array:
    """Dust in the resin is no specimen."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(foreground.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _SPECK_CELLS
    large[0] = False
    return large[labels]


def _disc(radius: int) -> Array:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
