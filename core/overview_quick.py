"""Decides what is shown of a section before its overviews are built: samples of it, more and more of them, and between
them what lies nearest.

The samples are rows where the file is stored in wide stripes, else small patches, spread evenly and ever denser; what is
built meanwhile is pasted over them. It is for the eye only.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np

from core.overview_means import coarse_means, share_of_cells
from core.section import Plane, RegionRequest, Section

Array = np.ndarray

LONGEST_PX = 1024
_SLICE_PX = 4096
_PATCH_PX = 256  # and on a grid of so many px, so that a patch touches one tile of nearly every file
_FIRST_SAMPLES = 2  # along the longer side, in the first round: on slow storage there may be no time for more
_LEAST = 2  # samples without which there is nothing to show

_UNKNOWN, _SAMPLED, _EXACT = 0, 1, 2


class QuickLook:
    """A picture of one whole plane, about 1024 px long, that gets better with every `look`. For several threads."""

    def __init__(self, section: Section, plane: Plane, longest_px: int = LONGEST_PX) -> None:
        info = section.info
        self.section, self.plane = section, plane
        self.downsample = 1 << max(0, -(-max(info.width_px, info.height_px) // longest_px) - 1).bit_length()
        whole = RegionRequest(0, 0, info.width_px, info.height_px, self.downsample, plane)
        self._pixels = np.zeros((*whole.shape, info.samples), np.float32)
        self._known = np.full(whole.shape, _UNKNOWN, np.uint8)
        self._filled: Array | None = None
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._samples: Iterator[tuple[int, int, int, int]] | None = None
        self._seen: set[tuple[int, int]] = set()
        self.done = False

    def look(self, seconds: float, focus: tuple[float, float] | None = None) -> None:
        """Takes samples for about so long, those near the level-0 point `focus` first; `done` when there are enough.

        Raises what reading raises.
        """
        with self._looking:
            until = time.monotonic() + seconds
            if self._samples is None:
                self._samples = self._rounds(focus)
                self._mark_gaps()
                if self._take_preview() and time.monotonic() > until:
                    return
            while not self.done:
                sample = next(self._samples, None)
                if sample is None or (self._known > 0).all():
                    self.done = True
                    return
                self._put(*sample)
                if len(self._seen) >= _LEAST and time.monotonic() > until:
                    return

    def paste(self, x: int, y: int, pixels: Array) -> None:
        """Puts in exact means; x and y in px of this picture."""
        with self._lock:
            rows, columns = slice(y, y + pixels.shape[0]), slice(x, x + pixels.shape[1])
            self._pixels[rows, columns] = pixels
            self._known[rows, columns] = _EXACT
            self._filled = None

    def picture(self) -> Array:
        """(rows, columns, samples) as the section's pixels, gaps filled. Don't write into it."""
        with self._lock:
            if self._filled is None:
                filled = _fill_gaps(self._pixels, (self._known > 0).astype(np.float32)[..., None])
                self._filled = np.rint(filled).astype(self.section.info.dtype)
            return self._filled

    def region(self, request: RegionRequest) -> Array:
        """A region at any scale: finer than this picture by linear interpolation, coarser by means."""
        picture, own = self.picture(), self.downsample
        if request.downsample > own:
            picture = self._means_of(picture, request.downsample // own)
            own = request.downsample
        step = request.downsample / own
        # The middle of an answer's first px, counted in middles of the picture's px.
        left, top = ((at + request.downsample / 2) / own - 0.5 for at in (request.x, request.y))
        rows, columns = request.shape
        matrix = np.array([[step, 0, left], [0, step, top]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(picture, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return found.reshape(rows, columns, -1)

    def _means_of(self, picture: Array, factor: int) -> Array:
        info = self.section.info
        share_y = share_of_cells(0, picture.shape[0], self.downsample, info.height_px)
        share_x = share_of_cells(0, picture.shape[1], self.downsample, info.width_px)
        return coarse_means(picture, factor, share_y, share_x)

    # -- samples ----------------------------------------------------------------------------------

    def _mark_gaps(self) -> None:
        """Where no camera tile lies there is nothing to look at."""
        tiles = self.section.camera_tiles()
        if tiles:
            covered = np.zeros(self._known.shape, bool)
            for box in tiles:
                x, y, width, height = box.scaled(1 / self.downsample).outer_pixels()
                covered[max(y, 0) : y + height, max(x, 0) : x + width] = True
            self._known[~covered] = _SAMPLED

    def _take_preview(self) -> bool:
        """The reader's own shortcut, if it has one; it is 0 where the reader had no time to look. False: nothing there."""
        preview = self.section.preview(self.downsample, self.plane)
        if preview is None:
            return False
        rows, columns = self._known.shape
        if preview.shape[:2] != (rows, columns):
            preview = cv2.resize(preview, (columns, rows), interpolation=cv2.INTER_NEAREST).reshape(rows, columns, -1)
        with self._lock:
            found = (self._known == _UNKNOWN) & preview.any(axis=2)
            self._pixels[found] = preview[found]
            self._known[found] = _SAMPLED
            self._filled = None
        return bool(found.any())

    def _rounds(self, focus: tuple[float, float] | None) -> Iterator[tuple[int, int, int, int]]:
        """x, y, width and height of samples in level-0 px: round after round, each twice as dense, from the focus out."""
        info = self.section.info
        stripes = self.section.block_px[0] >= info.width_px / 2
        grid = self.downsample if stripes else max(_PATCH_PX, self.downsample)
        spacing = grid
        while spacing * _FIRST_SAMPLES < max(info.width_px, info.height_px):
            spacing *= 2
        at_x, at_y = focus or (info.width_px / 2, info.height_px / 2)
        while spacing >= grid:
            places = [
                (x, y)
                for y in range(spacing // 2 // grid * grid, info.height_px, spacing)
                for x in ([0] if stripes else range(spacing // 2 // grid * grid, info.width_px, spacing))
            ]
            for x, y in sorted(places, key=lambda p: math.hypot(0 if stripes else p[0] - at_x, p[1] - at_y)):
                if (x, y) not in self._seen and not self._is_known(x, y, info.width_px if stripes else _PATCH_PX):
                    self._seen.add((x, y))
                    yield (0, y, info.width_px, 1) if stripes else (x, y, _PATCH_PX, _PATCH_PX)
            spacing //= 2

    def _is_known(self, x: int, y: int, width: int) -> bool:
        """Whether a sample that begins there would show nothing new."""
        row, column, end = y // self.downsample, x // self.downsample, -(-(x + width) // self.downsample)
        return bool(self._known[row, column:end].all())

    def _put(self, x: int, y: int, width: int, height: int) -> None:
        """Reads one sample and puts it in, unless something exact is there."""
        info, scale = self.section.info, self.downsample
        if height == 1:
            means = self._row_of(min(y + scale // 2, info.height_px - 1))
        else:
            means = self.section.read(RegionRequest(x, y, max(width, scale), max(height, scale), scale, self.plane))
        row, column = y // scale, x // scale
        place = slice(row, row + means.shape[0]), slice(column, column + means.shape[1])
        with self._lock:
            means = means[: self._known[place].shape[0], : self._known[place].shape[1]]
            wanted = self._known[place] == _UNKNOWN
            self._pixels[place][wanted] = means[wanted]
            self._known[place][wanted] = _SAMPLED
            self._filled = None

    def _row_of(self, y: int) -> Array:
        """(1, columns, samples): one level-0 row averaged along itself, read in slices of bounded width."""
        info, scale = self.section.info, self.downsample
        step = max(scale, _SLICE_PX // scale * scale)
        parts = []
        for x in range(0, info.width_px, step):
            width = min(step, info.width_px - x)
            line = self.section.read_level(0, x, y, width, 1, self.plane)
            starts = np.arange(0, width, scale)
            counts = np.minimum(scale, width - starts)
            parts.append(np.add.reduceat(line, starts, axis=1, dtype=np.float32) / counts[None, :, None])
        return np.concatenate(parts, axis=1)


def _fill_gaps(values: Array, known: Array) -> Array:
    """(h, w, samples) float32 where `known` (h, w, 1) is 1; elsewhere interpolated from what is known around it.

    Pull and push: means of what is known are taken ever coarser, then fill the gaps of the next finer level.
    """
    if known.all() or not known.any():
        return values
    height, width, samples = values.shape
    if height == 1 and width == 1:
        return values
    border = (0, height % 2, 0, width % 2)
    padded = cv2.copyMakeBorder(values * known, *border, cv2.BORDER_CONSTANT, value=0)
    weight = cv2.copyMakeBorder(known, *border, cv2.BORDER_CONSTANT, value=0)
    size = -(-width // 2), -(-height // 2)
    sums = cv2.resize(padded, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], samples)
    parts = cv2.resize(weight, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 1)
    coarse = _fill_gaps(sums / np.maximum(parts, 1e-6), (parts > 0).astype(np.float32))
    matrix = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(coarse, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.where(known > 0, values, fine.reshape(height, width, samples))
