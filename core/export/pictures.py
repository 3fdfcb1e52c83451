"""Decides how an export sees its sections: each opened once and read piece by piece, in the tones that models see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.display import DisplayRange, auto_range
from core.errors import InputError
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step, no_progress
from core.project import Project, SectionRecord
from core.section import Plane, Section

Array = np.ndarray
Each = TypeVar("Each")

CONTEXT = 1.8  # side of a crop by the longer side of its box
LEAST_SIDE_PX = 96  # level-0 px: a speck is shown with enough around it to be recognised
_STRIP_ROWS = 256
_UNREAD = 128


@dataclass(frozen=True, slots=True)
class Shown:
    """Pixels, (h, w, 3) uint8 RGB, of `box` (level-0 px), `scale` level-0 px to each."""

    pixels: Array
    box: Box
    scale: float


class Pictures:
    """The pixels of a project's sections; a context. Raises InputError where a section's file is gone."""

    def __init__(self, project: Project, progress: Progress = no_progress, cancel: CancelToken | None = None) -> None:
        self._project, self._progress, self._cancel = project, progress, cancel or CancelToken()
        self._opened: dict[int, tuple[Section, DisplayRange]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def watched(self, things: Iterable[Each], total: int, message: str) -> Iterator[Each]:
        """The same things; tells how far the work is, and ends it with CancelledError where somebody wants that."""
        for done, one in enumerate(things):
            self._cancel.check()
            self._progress(Step(done, total, message))
            yield one

    def crop(self, record: SectionRecord, box: Box, side_px: int) -> Shown:
        """A square around a box, moved inside the section; grey where the file can't be read there."""
        width, height = record.width_px, record.height_px
        side = min(max(CONTEXT * max(box.w, box.h), LEAST_SIDE_PX), width, height)
        (x, y), scale = box.center, side / side_px
        left, top = (
            min(max(middle - side / 2, 0), most - side) for middle, most in ((x, width), (y, height))
        )  # fmt: skip
        left, top = round(left / scale), round(top / scale)
        shown = Box(left, top, side_px, side_px).scaled(scale)
        try:
            return Shown(self._read(record, left, top, side_px, side_px, scale), shown, scale)
        except InputError:
            if record.id not in self._opened:
                raise
            return Shown(np.full((side_px, side_px, 3), _UNREAD, np.uint8), shown, scale)

    def whole(self, record: SectionRecord, longest_px: int) -> Shown:
        """The whole section, its longer side `longest_px` long. Raises InputError, CancelledError."""
        scale = max(record.width_px, record.height_px) / longest_px
        width, height = (max(1, round(side / scale)) for side in (record.width_px, record.height_px))
        starts = range(0, height, _STRIP_ROWS)
        strips = [
            self._read(record, 0, top, width, min(_STRIP_ROWS, height - top), scale)
            for top in self.watched(starts, len(starts), f"Reading {record.name}")
        ]
        return Shown(np.concatenate(strips), Box(0, 0, record.width_px, record.height_px), scale)

    def _read(self, record: SectionRecord, left: int, top: int, width: int, height: int, scale: float) -> Array:
        from core.scan.reading import TileSource

        section, tones = self._section(record)
        return TileSource(section, Plane(), tones, scale).read(left, top, width, height)

    def _section(self, record: SectionRecord) -> tuple[Section, DisplayRange]:
        if record.id not in self._opened:
            from core.overview_cache import OverviewCache
            from core.pyramid import with_overviews

            section = self._stack.enter_context(
                with_overviews(self._project.open_section_of(record), OverviewCache())
            )  # fmt: skip
            self._opened[record.id] = section, auto_range(section, Plane())
        return self._opened[record.id]
