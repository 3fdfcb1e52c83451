"""Decides how a section whose file holds no overviews gets them: built ones where they are there, else computed from the
file, and for the eye the best that is known at the moment.

How overviews are built is for `core.overview_build`, where they are kept for `core.overview_cache`, what is shown before
for `core.overview_quick`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from core.errors import InputError, ResourceError
from core.geometry import Box
from core.jobs import CancelToken, Progress, no_progress
from core.overview_build import Focus, OverviewBuilder, coarse_part
from core.overview_cache import OverviewCache
from core.overview_layout import DIRECT, FINEST, SUPER_BLOCK_PX, Chunk, level_size, overview_scales, super_blocks_in
from core.overview_quick import LONGEST_PX, QuickLook
from core.overview_store import OverviewStore
from core.readers.fingerprint import fingerprint, version_of
from core.section import Glance, Plane, PyramidLevel, RegionRequest, Section

__all__ = ["Overview", "OverviewCache", "SectionWithOverviews", "lacks_overviews", "quick_overview", "with_overviews"]

Array = np.ndarray

FIRST_LOOK_S = 0.12
QUICK_PX = 5 << 20  # of the file that may go into an exact glance: a tile of 512 px at 1:4
QUICK_PX_WITHOUT = 64 << 20  # where no overviews can be built
_BREATH_S = 0.05  # for so long at most a read for the eye holds the builder up


@dataclass(frozen=True, slots=True)
class Overview:
    """A picture of the whole section, `downsample` level-0 px per px. `approximate`: not every px was looked at."""

    pixels: Array
    downsample: int
    approximate: bool


class SectionWithOverviews(Section):
    """A section that also has the levels its file lacks. What is built of them comes from the cache, the rest is computed
    from the file: the same down to 1:16, within one grey level where coarser (those are means of rounded ones)."""

    def __init__(self, base: Section, cache: OverviewCache) -> None:
        self._base, self._cache = base, cache
        self._stores: dict[Plane, OverviewStore] = {}
        self._looks: dict[Plane, QuickLook] = {}
        self._without: set[Plane] = set()  # planes whose overviews can't be built
        self._eye = _Eye()
        self._opening, self._looking = threading.Lock(), threading.Lock()
        self._version = version_of(base.info.path)
        self._fingerprint = ""
        self._stored = len(base.info.levels)
        own = {round(level.downsample) for level in base.info.levels}
        self._scales = [scale for scale in overview_scales(base.info) if scale not in own]
        added = (PyramidLevel(*level_size(base.info, scale)[::-1], float(scale), made=True) for scale in self._scales)
        self.info = replace(base.info, levels=(*base.info.levels, *added))

    @property
    def base(self) -> Section:
        """The section as its file has it."""
        return self._base

    @property
    def block_px(self) -> tuple[int, int]:
        return self._base.block_px

    def camera_tiles(self) -> tuple[Box, ...]:
        return self._base.camera_tiles()

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        return self._base.preview(downsample, plane)

    def close(self) -> None:
        self._base.close()

    # -- reading ----------------------------------------------------------------------------------

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        if level < self._stored:
            return self._base.read_level(level, x, y, width, height, plane)
        scale, store = self._scales[level - self._stored], self._store(plane)
        area = Box(x * scale, y * scale, width * scale, height * scale)
        if store.covers(scale, area):
            pixels = store.read(scale, x, y, width, height)
            if pixels is not None:
                return pixels
        request = RegionRequest(x * scale, y * scale, width * scale, height * scale, scale, plane)
        out = np.empty((height, width, self.info.samples), self.info.dtype)
        for part, place in _pieces(request, self.info.box):
            built = self._built(part, store)
            out[place] = self._base.read(part) if built is None else built
        return out

    def glance(self, request: RegionRequest) -> Glance:
        """Exact where that is built or quickly read; else what is built over the quick overview."""
        with self._eye.reading():
            if self._is_quick(request):
                return Glance(self.read(request), True)
            return Glance(self._composed(request), False)

    def _is_quick(self, request: RegionRequest) -> bool:
        """Whether few of the file's px, or only built ones, go into an answer."""
        most = QUICK_PX_WITHOUT if request.plane in self._without else QUICK_PX
        if _px_behind(request, self._base.source_level(request)[1]) <= most:
            return True
        level, scale = self.source_level(request)
        built = self.info.levels[level].made and self._store(request.plane).covers(scale, request.box)
        return built and _px_behind(request, scale) <= most

    def _composed(self, request: RegionRequest) -> Array:
        look, store = self._look(request.plane), self._store(request.plane)
        out = look.region(request)
        scale = request.downsample
        if scale < look.downsample and request.x % scale == request.y % scale == 0:
            for part, place in _pieces(request, self.info.box):
                built = self._built(part, store)
                if built is not None:
                    out[place] = built
        return out

    def _built(self, request: RegionRequest, store: OverviewStore) -> Array | None:
        """A region that lies inside one super-block, from what is built there; None where that is nothing."""
        scale = request.downsample
        if not store.covers(DIRECT[-1], request.box):
            return None
        place = request.x // scale, request.y // scale, *request.shape[::-1]
        return store.read(scale, *place) if scale <= DIRECT[-1] else coarse_part(store, scale, *place)

    # -- first looks ------------------------------------------------------------------------------

    def first_look(
        self, plane: Plane, seconds: float = FIRST_LOOK_S, focus: tuple[float, float] | None = None
    ) -> Overview:
        """A true picture of the whole section within a moment; each further call looks closer for `seconds`, near the
        level-0 point `focus` first."""
        if self.overviews_ready(plane):
            return quick_overview(self, plane=plane)
        look = self._looks.get(plane)
        if look is None:
            look = self._look(plane, seconds, focus)
        else:
            look.look(seconds, focus)
        return Overview(look.picture(), look.downsample, approximate=True)

    def first_look_done(self, plane: Plane) -> bool:
        """Whether another look would show nothing more."""
        return self.overviews_ready(plane) or self._look(plane).done

    def _look(self, plane: Plane, seconds: float = FIRST_LOOK_S, focus: tuple[float, float] | None = None) -> QuickLook:
        with self._looking:
            look = self._looks.get(plane)
            if look is None:
                look = self._looks[plane] = QuickLook(self._base, plane)
                look.look(seconds, focus)
                for chunk in self._store(plane).there():
                    self._show(chunk, look)
            return look

    def _show(self, chunk: Chunk, look: QuickLook) -> None:
        """Puts a finished super-block into the quick overview."""
        common = chunk.box.intersection(self.info.box)
        scale = look.downsample
        if chunk.scale != DIRECT[-1] or common is None or scale < FINEST or SUPER_BLOCK_PX % scale:
            return
        request = RegionRequest(int(common.x), int(common.y), int(common.w), int(common.h), scale, look.plane)
        pixels = self._built(request, self._store(look.plane))
        if pixels is not None:
            look.paste(request.x // scale, request.y // scale, pixels)

    # -- building ---------------------------------------------------------------------------------

    def overviews_ready(self, plane: Plane) -> bool:
        """Whether the added levels of a plane are all built."""
        store = self._store(plane)
        store.look_again()
        return store.complete

    def build_overviews(
        self,
        plane: Plane,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
        focus: Focus = lambda: None,
        changed: Callable[[Box], None] = lambda box: None,
    ) -> None:
        """Builds what is missing of a plane's overviews; reading goes on meanwhile.

        `focus`: the level-0 point that is looked at. `changed`: told, from any thread, where a `glance` at 1:8 or coarser
        is better now. Raises CancelledError (what is finished stays), ResourceError when the disk fails, InputError.
        """

        def finished(chunk: Chunk) -> None:
            look = self._looks.get(plane)
            if look is not None:
                self._show(chunk, look)
            changed(chunk.box)

        store = self._store(plane)
        builder = OverviewBuilder(
            self._base,
            store,
            progress,
            cancel,
            focus=focus,
            changed=finished,
            breathe=self._eye.wait,
            check=self._check_unchanged,
        )
        self._without.discard(plane)
        try:
            self._cache.build(store, builder.run)
        except (InputError, ResourceError):
            self._without.add(plane)
            raise

    def _store(self, plane: Plane) -> OverviewStore:
        with self._opening:
            if not self._fingerprint:
                identity = fingerprint(self.info.path)
                self._check_unchanged()
                self._fingerprint = identity
            if plane not in self._stores:
                self._stores[plane] = self._cache.open(self._base, plane, self._fingerprint)
            return self._stores[plane]

    def _check_unchanged(self) -> None:
        """What is built of one file must never be found as another's that took its name. Raises InputError."""
        if version_of(self.info.path) != self._version:
            raise InputError("it was changed while it was open", path=self.info.path, remedy="Open it again.")


class _Eye:
    """Knows whether somebody reads for the eye just now, so that a builder can let them go first."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._reading = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._state:
            self._reading += 1
        try:
            yield
        finally:
            with self._state:
                self._reading -= 1
                self._state.notify_all()

    def wait(self) -> None:
        """Until nobody reads, but not for long: many tiles in a row must not stop the building."""
        with self._state:
            self._state.wait_for(lambda: self._reading == 0, _BREATH_S)


def _px_behind(request: RegionRequest, scale: int) -> float:
    """How many px of the level at 1:scale go into an answer."""
    return request.width * request.height / (scale * scale)


def _pieces(request: RegionRequest, section: Box) -> Iterator[tuple[RegionRequest, tuple[slice, slice]]]:
    """The parts of a request in each super-block, and the rows and columns of the answer they fill.

    The request begins on whole px of its level; its last ones may reach beyond the section.
    """
    scale = request.downsample
    for block in super_blocks_in(section, request.box):
        part = block.box.intersection(request.box)
        if part is not None:
            right, bottom = (-(-int(edge) // scale) * scale for edge in (section.x1, section.y1))
            size = int(min(part.x1, right) - part.x), int(min(part.y1, bottom) - part.y)
            piece = RegionRequest(int(part.x), int(part.y), *size, scale, request.plane)
            row, column = (piece.y - request.y) // scale, (piece.x - request.x) // scale
            rows, columns = piece.shape
            yield piece, (slice(row, row + rows), slice(column, column + columns))


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
    max_px: int = LONGEST_PX,
    plane: Plane = Plane(),  # noqa: B008 - frozen
    seconds: float = FIRST_LOOK_S,
) -> Overview:
    """A true picture of the whole section within a moment.

    Exact where the file holds overviews or they are built; else the reader's own shortcut; else as many samples as
    `seconds` allow, spread evenly.
    """
    info = section.info
    if isinstance(section, SectionWithOverviews) and not section.overviews_ready(plane):
        return section.first_look(plane, seconds)  # its added levels would be computed from the whole file
    look = QuickLook(section, plane, max_px)
    whole = RegionRequest(0, 0, info.width_px, info.height_px, look.downsample, plane)
    if look.downsample <= FINEST * section.source_level(whole)[1]:
        return Overview(section.read(whole), look.downsample, approximate=False)
    look.look(seconds)
    return Overview(look.picture(), look.downsample, approximate=True)
