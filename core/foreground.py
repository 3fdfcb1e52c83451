"""Decides which parts of a section show the specimen and which only mounting resin, empty glass or a mosaic's gaps.

A missed tile is worse than a wasted one: background is only what is flat, alike the section's own border and joined
to it, visibly less textured at full resolution than the rest and, unless somebody is bold, on several sides: what lies
along one side only may be a smooth substrate. Everything else is foreground. What is looked at is for
`core.foreground_cells`, what a mask is for `core.specimen_mask`.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.foreground_cells import cell_px_of, read_cells
from core.foreground_texture import Texture
from core.jobs import CancelToken, Progress, no_progress
from core.section import Array, Plane, Section
from core.specimen_mask import Mask, whole_section

__all__ = ["CAUTIONS", "Mask", "SpecimenFinder", "foreground_mask", "whole_section"]

CAUTIONS = tuple(step / 10 for step in range(11))  # what is told apart, from bold to careful

# Cells. Less is rather a part of a specimen than all of one, and little would be saved: only gaps are skipped.
_SMALLEST_SIDE = 128
_TINIEST_SIDE = 16  # below this many cells nothing is skipped
_RING_SHARE = 0.08  # of the border ring that a background colour must hold
_MODES = 3
_BOLD = 0.4  # up to this caution a background colour may lie on one side only
_CORNERS = 3  # of the section's four that it must hold otherwise
_CORNER_SHARE = 1 / 32  # of the shorter side: how much of a corner is looked at
_SMOOTHER = 0.5  # background's texture is at most this share of the foreground's, at no caution
_SPECK_CELLS = 16
_MARGIN_CELLS = 2
_LEAST_FOREGROUND = 0.02


def foreground_mask(
    section: Section,
    plane: Plane = Plane(),  # noqa: B008 - frozen
    display_range: tuple[float, float] | None = None,
    caution: float = 0.5,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Mask:
    """Where a section shows specimen. Args and errors as `SpecimenFinder`; caution as its `mask`."""
    return SpecimenFinder(section, plane, display_range, progress, cancel).mask(caution)


class SpecimenFinder:
    """Looks at a section once, and then says for any caution where it shows specimen. For one thread at a time.

    Args:
        display_range: the values shown as black and white; None takes them from what was looked at.
    Raises CancelledError, and what reading raises.
    """

    def __init__(
        self,
        section: Section,
        plane: Plane = Plane(),  # noqa: B008 - frozen
        display_range: tuple[float, float] | None = None,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> None:
        self._cell_px = cell_px_of(section)
        cells = read_cells(section, plane, progress, cancel)
        self._shape = cells.shape[:2]
        self._empty = np.zeros(self._shape, bool)  # background by the last of `_steps`
        self._found: dict[float, Array] = {}
        self._colours: list[_Colour] = []
        self._is_tiny = min(self._shape) < _TINIEST_SIDE
        if not self._is_tiny:
            self._gaps = cv2.dilate((cells == 0).all(axis=2).astype(np.uint8), _disc(_MARGIN_CELLS)).astype(bool)
            low, high = display_range or _range_of(cells)
            np.clip((cells - low) / max(high - low, 1e-6), 0, 1, out=cells)
            self._spread = _local_spread(cells)
            self._colours = _border_colours(cv2.blur(cells, (3, 3)).reshape(cells.shape), self._spread, self._gaps)
            self._texture = Texture(section, plane, self._cell_px, high - low)

    def mask(self, caution: float = 0.5) -> Mask:
        """Where there is specimen.

        Args:
            caution: 0 to 1, in tenths; the more, the more alike the border, the flatter and the smoother a place must be to
                count as background, which from 0.5 on must hold three corners of the section, too. What a careful look skips,
                every bolder one skips too. At 1 only gaps are skipped.
        Raises what reading raises.
        """
        if self._is_tiny:
            return Mask(np.ones(self._shape, bool), self._cell_px)
        foreground = _without_specks(~self._background(caution))
        grown = cv2.dilate(foreground.astype(np.uint8), _disc(_MARGIN_CELLS))
        return Mask(grown.astype(bool), self._cell_px)

    def _background(self, caution: float) -> Array:
        """What any look from the most careful one to this one calls background, as long as enough remains."""
        background = self._empty
        for step in reversed(CAUTIONS):
            if step < caution - 1e-9 or (step < 1 and min(self._shape) < _SMALLEST_SIDE):
                break
            if step not in self._found:
                together = background | self._seen_as_background(step)
                enough = _without_specks(~together).mean() >= _LEAST_FOREGROUND
                self._found[step] = together if enough else background
            background = self._found[step]
        return background

    def _seen_as_background(self, caution: float) -> Array:
        """Flat regions of a border colour that reach the border and are smoother than the rest at full resolution."""
        boldness = 1 - caution**2
        candidates = np.zeros(self._shape, bool)
        for colour in self._colours:
            # At full caution only what is exactly of one value is left, which needs no other sign.
            if _BOLD + 1e-9 < caution < 1 and colour.corners < _CORNERS:
                continue
            candidates |= (colour.off <= boldness * colour.tolerance) & (self._spread <= boldness * colour.flatness)
        # Opened, so that a crack or a seam that reaches the border leads no background into the specimen.
        eroded = cv2.erode(candidates.astype(np.uint8), _disc(2), borderValue=1)
        opened = cv2.dilate(eroded, _disc(2), borderValue=0)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
        at_border = np.zeros(len(stats), bool)
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            at_border[edge] = True
        at_border[0] = False
        most = boldness * _SMOOTHER * self._texture_of_rest(~at_border[labels])
        accepted = np.zeros(len(stats), bool)
        for label in np.flatnonzero(at_border & (stats[:, cv2.CC_STAT_AREA] >= _SPECK_CELLS)):
            x, y, width, height = stats[label, :4]
            region = labels[y : y + height, x : x + width] == label
            accepted[label] = self._texture.of(region, (y, x)) <= most
        return accepted[labels]

    def _texture_of_rest(self, rest: Array) -> float:
        """0 where there is too little of it to tell; the edges of gaps would only look like texture."""
        texture = self._texture.of(rest & ~self._gaps)
        return texture if np.isfinite(texture) else 0.0


class _Colour:
    """A colour that holds much of the border: how far each cell is `off` it, what is still alike, and how flat it is.

    `corners`: how many of the four it may hold; those that are gaps (cells, bool) count too.
    """

    def __init__(self, off: Array, tolerance: float, flatness: float, gaps: Array) -> None:
        self.off, self.tolerance, self.flatness = off, tolerance, flatness
        side = max(2, round(_CORNER_SHARE * min(off.shape)))
        alike = (off <= tolerance) | gaps
        ends = (slice(None, side), slice(-side, None))
        self.corners = sum(bool(alike[rows, columns].mean() >= 0.5) for rows in ends for columns in ends)


def _range_of(cells: Array) -> tuple[float, float]:
    """Nearly the least and greatest value; exact zeros are gaps, unless there is nothing else."""
    filled = cells[cells > 0]
    if filled.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(filled, (0.5, 99.5))
    return float(low), float(high)


def _local_spread(shown: Array) -> Array:
    """Standard deviation over 5 × 5 cells, the largest of the channels."""
    mean = cv2.blur(shown, (5, 5)).reshape(shown.shape)
    square = cv2.blur(shown * shown, (5, 5)).reshape(shown.shape)
    return np.sqrt(np.maximum(square - mean * mean, 0)).max(axis=2)


def _border_colours(smooth: Array, spread: Array, gaps: Array) -> list[_Colour]:
    """The colours that hold much of the section's border; `gaps`: (rows, columns) bool, cells beside which there is none."""
    width = max(2, min(spread.shape) // 100)
    ring = np.ones(spread.shape, bool)
    ring[width:-width, width:-width] = False
    colours, spreads = smooth[ring], spread[ring]
    total = len(colours)
    found: list[_Colour] = []
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
        flatness = float(np.clip(3 * np.median(spreads[near]), 0.01, 0.05))
        found.append(_Colour(np.abs(smooth - colour).max(axis=2), tolerance, flatness, gaps))
        colours, spreads = colours[~near], spreads[~near]
    return found


def _without_specks(foreground: Array) -> Array:
    """Dust in the resin is no specimen."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(foreground.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _SPECK_CELLS
    large[0] = False
    return large[labels]


def _disc(radius: int) -> Array:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
