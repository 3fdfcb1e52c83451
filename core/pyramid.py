"""Decides how a section whose file holds no overviews gets them: from the user's cache, or computed on the way.

How overviews are computed is for `core.overview_build`, where they are kept for `core.overview_cache`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from core.geometry import Box
from core.jobs import CancelToken, Progress, no_progress
from core.overview_build import area_mean, level_size, overview_scales
from core.overview_cache import CachedOverviews, OverviewCache
from core.section import Plane, PyramidLevel, RegionRequest, Section

__all__ = ["Overview", "OverviewCache", "SectionWithOverviews", "lacks_overviews", "quick_overview", "with_overviews"]

Array = np.ndarray

_SLICE_PX = 4096


@dataclass(frozen=True, slots=True)
class Overview:
    """A picture of the whole section, `downsample` level-0 px per px. `approximate`: not every px was looked at."""

    pixels: Array
    downsample: int
    approximate: bool


class SectionWithOverviews(Section):
    """A section that also has the levels its file lacks. They come from the cache once they are built there, and are
    computed from the file until then, the same to within one grey level (coarser levels are means of rounded ones)."""

    def __init__(self, base: Section, cache: OverviewCache) -> None:
        self._base, self._cache = base, cache
        self._open: dict[Plane, CachedOverviews | None] = {}
        self._stored = len(base.info.levels)
        own = {round(level.downsample) for level in base.info.levels}
        self._scales = [scale for scale in overview_scales(base.info) if scale not in own]
        added = (PyramidLevel(*level_size(base.info, scale)[::-1], float(scale), made=True) for scale in self._scales)
        self.info = replace(base.info, levels=(*base.info.levels, *added))

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        if level < self._stored:
            return self._base.read_level(level, x, y, width, height, plane)
        scale = self._scales[level - self._stored]
        cached = self._cached(plane)
        if cached is not None:
            pixels = cached.read(scale, x, y, width, height)
            if pixels is not None:
                return pixels
            self._open[plane] = None
        request = RegionRequest(x * scale, y * scale, width * scale, height * scale, scale, plane)
        return self._base.read(request)

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        return self._base.preview(downsample, plane)

    def camera_tiles(self) -> tuple[Box, ...]:
        return self._base.camera_tiles()

    @property
    def block_px(self) -> tuple[int, int]:
        return self._base.block_px

    def close(self) -> None:
        self._base.close()

    @property
    def base(self) -> Section:
        """The section as its file has it."""
        return self._base

    def overviews_ready(self, plane: Plane) -> bool:
        """Whether the added levels of a plane come from the cache."""
        return self._cached(plane) is not None

    def build_overviews(
        self, plane: Plane, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> None:
        """Makes the overviews of a plane; reading goes on meanwhile. Raises as `OverviewCache.build`."""
        self._open[plane] = self._cache.build(self._base, plane, progress, cancel)

    def _cached(self, plane: Plane) -> CachedOverviews | None:
        if plane not in self._open:
            self._open[plane] = self._cache.open(self._base, plane)
        return self._open[plane]


def lacks_overviews(section: Section) -> bool:
    """Whether looking at the whole section would mean reading nearly all of it."""
    info = section.info
    whole = RegionRequest(0, 0, info.width_px, info.height_px, section.overview_downsample)
    _, stored = section.source_level(whole)
    return section.overview_downsample >= 2 * overview_scales(info)[0] * stored


def with_overviews(section: Section, cache: OverviewCache) -> Section:
    """The section itself when its file has overviews, else one that has them too. Nothing is built by this call."""
    return SectionWithOverviews(section, cache) if lacks_overviews(section) else section


def quick_overview(
    section: Section,
    max_px: int = 1024,
    plane: Plane = Plane(),  # noqa: B008 - frozen
    seconds: float = 0.5,
) -> Overview:
    """A true picture of the whole section within a moment.

    Exact where the file holds overviews; else the reader's own shortcut; else single rows of px, spread evenly and as
    many as `seconds` allow, each averaged along itself.
    """
    info = section.info
    if isinstance(section, SectionWithOverviews) and not section.overviews_ready(plane):
        section = section.base  # its added levels would be computed from the whole file
    downsample = 1 << max(0, -(-max(info.width_px, info.height_px) // max_px) - 1).bit_length()
    whole = RegionRequest(0, 0, info.width_px, info.height_px, downsample, plane)
    if downsample <= 4 * section.source_level(whole)[1]:
        return Overview(section.read(whole), downsample, approximate=False)
    preview = section.preview(downsample, plane)
    if preview is not None:
        return Overview(preview, downsample, approximate=True)
    return Overview(_sparse_rows(section, whole, seconds), downsample, approximate=True)


def _sparse_rows(section: Section, whole: RegionRequest, seconds: float) -> Array:
    rows, columns = whole.shape
    out = np.zeros((rows, columns, section.info.samples), section.info.dtype)
    read: list[int] = []
    until = time.monotonic() + seconds
    for row in _coarse_to_fine(rows):
        if len(read) >= 2 and time.monotonic() > until:
            break
        out[row] = _one_row(section, whole, row)
        read.append(row)
    known = np.sort(np.array(read))
    nearest = known[np.abs(np.arange(rows)[:, None] - known[None, :]).argmin(axis=1)]
    return out[nearest]


def _coarse_to_fine(count: int) -> list[int]:
    """0 … count-1, such that every beginning is spread evenly: by the bits of the number, read backwards."""
    bits = max(1, (count - 1).bit_length())
    order = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(1 << bits))
    return [row for row in order if row < count]


def _one_row(section: Section, whole: RegionRequest, row: int) -> Array:
    """The level-0 row through the middle of an overview row, averaged along x, read in slices of bounded width."""
    scale = whole.downsample
    y = min(row * scale + scale // 2, section.info.height_px - 1)
    step = max(scale, _SLICE_PX // scale * scale)
    parts = []
    for x in range(0, section.info.width_px, step):
        width = min(step, section.info.width_px - x)
        line = section.read(RegionRequest(x, y, width, 1, 1, whole.plane)).astype(np.float32)
        parts.append(area_mean(np.repeat(line, scale, axis=0), scale))
    return np.rint(np.concatenate(parts, axis=1)[0])
