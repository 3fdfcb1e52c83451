"""Decides when an open section may really be closed: when the last read that other threads have begun is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.errors import CancelledError
from core.geometry import Box
from core.section import Array, Glance, Plane, RegionRequest, Section

if TYPE_CHECKING:
    from core.pyramid import Overview

CLOSE_S = 2.0


class LeasedSection(Section):
    """A section that tile readers, thumbnails and a scan share. Reading after `close` raises CancelledError."""

    def __init__(self, section: Section) -> None:
        self.info = section.info
        self._section = section
        self._state = threading.Condition()
        self._readers = 0
        self._closed = False
        self._abandoned = False

    def read(self, request: RegionRequest) -> Array:
        with self._lease():
            return self._section.read(request)

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        with self._lease():
            return self._section.read_level(level, x, y, width, height, plane)

    def preview(self, downsample: int, plane: Plane) -> Array | None:
        with self._lease():
            return self._section.preview(downsample, plane)

    def glance(self, request: RegionRequest) -> Glance:
        with self._lease():
            return self._section.glance(request)

    def camera_tiles(self) -> tuple[Box, ...]:
        return self._section.camera_tiles()

    @property
    def block_px(self) -> tuple[int, int]:
        return self._section.block_px

    def first_look(self, plane: Plane) -> Overview:
        """A quick picture of the whole section."""
        from core.pyramid import quick_overview

        with self._lease():
            return quick_overview(self._section, plane=plane)

    def source_level(self, request: RegionRequest) -> tuple[int, int]:
        return self._section.source_level(request)

    @property
    def wrapped(self) -> Section:
        """The section itself, for whoever must know its kind."""
        return self._section

    def close(self) -> None:
        """Refuses new reads at once, waits a moment for those begun, closes the file. A second call does nothing.

        Where a drive doesn't answer, the last read closes the file when it ends.
        """
        with self._state:
            if self._closed:
                return
            self._closed = True
            self._abandoned = not self._state.wait_for(lambda: self._readers == 0, CLOSE_S)
            if self._abandoned:
                return
        self._section.close()

    @contextmanager
    def _lease(self) -> Iterator[None]:
        with self._state:
            if self._closed:
                raise CancelledError("the section was closed", path=self.info.path)
            self._readers += 1
        try:
            yield
        finally:
            with self._state:
                self._readers -= 1
                is_last = self._abandoned and self._readers == 0
                self._state.notify_all()
            if is_last:
                self._section.close()


def first_look(section: Section, plane: Plane) -> Overview:
    """A quick picture of the whole of any section."""
    if isinstance(section, LeasedSection):
        return section.first_look(plane)
    from core.pyramid import quick_overview

    return quick_overview(section, plane=plane)
