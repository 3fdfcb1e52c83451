"""Decides what enhancements must know of a whole section, when that is found out, and that it is found out once.

Finding it takes a while: until then, pixels are drawn without the enhancement that lacks it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from core.errors import CancelledError
from core.look import Look
from core.looks.flat_field import FlatField, estimate_flat_field
from core.looks.local_contrast import ContrastGrid, contrast_grid
from core.looks.shown import planes_shown, tones_of
from core.section import Array, Plane, RegionRequest, Section, SectionInfo

_MOST_GRIDS = 4
_PATIENCE_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class _Overview:
    pixels: Array
    downsample: int
    exact: bool


class Aids:
    """What is known of one section. For several threads."""

    def __init__(self, info: SectionInfo) -> None:
        self._info = info
        self._lock = threading.Lock()
        self._finding = threading.Lock()
        self._overviews: dict[Plane, _Overview] = {}
        self._fields: dict[Plane, FlatField | None] = {}
        self._grids: dict[tuple[Look, Plane], ContrastGrid] = {}

    def lacks(self, look: Look, plane: Plane) -> bool:
        """Whether something must be found out before this look is complete."""
        return bool(self._missing_overviews(look, plane) or self._missing_fields(look, plane))

    def find(self, section: Section, look: Look, plane: Plane, stop: Callable[[], bool] = lambda: False) -> None:
        """Finds out what is lacking; seconds, where much must be read. Raises InputError and CancelledError."""
        with self._alone(section, stop):
            for missing in self._missing_overviews(look, plane):
                overview = _overview(section, missing)
                with self._lock:
                    self._overviews[missing] = overview
            for missing in self._missing_fields(look, plane):
                field = estimate_flat_field(section, missing, stop)
                with self._lock:
                    self._fields[missing] = field

    @contextmanager
    def _alone(self, section: Section, stop: Callable[[], bool]) -> Iterator[None]:
        while not self._finding.acquire(timeout=_PATIENCE_S):
            if stop():
                raise CancelledError("what it takes is not wanted any more", path=section.info.path)
        try:
            yield
        finally:
            self._finding.release()

    def forget_rough(self) -> bool:
        """Drops overviews that were not exact, since better ones can be had; whether there were any."""
        with self._lock:
            rough = [plane for plane, overview in self._overviews.items() if not overview.exact]
            for plane in rough:
                del self._overviews[plane]
            self._grids.clear()
        return bool(rough)

    def flat_field(self, plane: Plane) -> FlatField | None:
        with self._lock:
            return self._fields.get(plane)

    def grid(self, look: Look, plane: Plane) -> ContrastGrid | None:
        """For the local contrast of a look, if its overviews are known."""
        key = (replace(look, sharpening=0.0, flat_field=False), plane)
        with self._lock:
            planes = planes_shown(look, plane, self._info)
            if not planes or any(p not in self._overviews for p in planes):
                return None
            if key not in self._grids:
                while len(self._grids) >= _MOST_GRIDS:
                    del self._grids[next(iter(self._grids))]
                self._grids[key] = self._make_grid(look, planes)
            return self._grids[key]

    def _make_grid(self, look: Look, planes: list[Plane]) -> ContrastGrid:
        overviews = [self._overviews[plane] for plane in planes]
        parts = [(plane.c, overview.pixels) for plane, overview in zip(planes, overviews, strict=True)]
        known = np.logical_or.reduce([(pixels > 0).any(axis=2) for _, pixels in parts])
        shown = tones_of(parts, look, self._info, known.shape)
        return contrast_grid(shown, known, overviews[0].downsample, look.local_contrast)

    def _missing_overviews(self, look: Look, plane: Plane) -> list[Plane]:
        if not look.local_contrast:
            return []
        with self._lock:
            return [p for p in planes_shown(look, plane, self._info) if p not in self._overviews]

    def _missing_fields(self, look: Look, plane: Plane) -> list[Plane]:
        if not look.flat_field:
            return []
        with self._lock:
            return [p for p in planes_shown(look, plane, self._info) if p not in self._fields]


def _overview(section: Section, plane: Plane) -> _Overview:
    info, downsample = section.info, section.overview_downsample
    glance = section.glance(RegionRequest(0, 0, info.width_px, info.height_px, downsample, plane))
    return _Overview(glance.pixels, downsample, glance.exact)


_known: WeakKeyDictionary[Section, Aids] = WeakKeyDictionary()
_lock = threading.Lock()


def aids_of(section: Section) -> Aids:
    """Those of an open section, kept as long as it is."""
    with _lock:
        aids = _known.get(section)
        if aids is None:
            aids = _known[section] = Aids(section.info)
        return aids
