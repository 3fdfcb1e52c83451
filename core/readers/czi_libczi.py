"""Decides how libCZI (pylibCZIrw) reads what Schliff doesn't read itself: rare compressions, mixed pixel types.

It reads whole subblocks for every region and scales by taking every n-th pixel. A damaged file can crash it, so it runs in a
helper process (`core.decoding`); a crash costs the region that was asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.decoding.helper import DecodeError, Helper
from core.errors import InputError, ResourceError
from core.readers.czi_directory import COPY_AGAIN
from core.readers.czi_layout import Layout
from core.readers.handle import SharedHandle
from core.section import Plane

Array = np.ndarray

_SAMPLE_PX = 512


class LibCzi:
    """One CZI, opened by libCZI. May be read by several threads; one at a time is served."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        remote = _Remote(path)
        try:
            remote.ask()
        except DecodeError as error:
            remote.end()
            raise InputError(f"it can't be opened ({error})", path=path, remedy=COPY_AGAIN) from error
        self._handle = SharedHandle(path, remote, _Remote.end)

    def read(self, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        return self._read(x, y, width, height, plane, None)

    def look(self, downsample: float, plane: Plane) -> Array:
        """The whole section; libCZI picks the nearest stored pyramid layer and takes every n-th of its pixels."""
        return self._read(0, 0, *self._layout.size, plane, 1 / downsample)

    def sample(self, plane: Plane) -> Array:
        """Values spread over a plane. Raises InputError."""
        return self.look(max(1.0, max(self._layout.size) / _SAMPLE_PX), plane)

    def close(self) -> None:
        self._handle.close()

    def _read(self, x: int, y: int, width: int, height: int, plane: Plane, zoom: float | None) -> Array:
        layout = self._layout
        region = {
            "roi": (x + layout.origin[0], y + layout.origin[1], width, height),
            "plane": layout.coordinates(plane),
            "zoom": zoom,
            "pixel_type": layout.kinds[plane.c].name,
        }
        with self._handle.use() as remote:
            try:
                pixels = remote.ask(region)
            except DecodeError as error:
                raise InputError(
                    f"pixels at {x}, {y} can't be decoded ({error})", path=self._path, remedy=COPY_AGAIN
                ) from error
        return pixels[:, :, ::-1] if pixels.shape[2] == 3 else pixels


class _Remote:
    """A helper process that has the file open; another one after a crash."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._helper: Helper | None = None

    def ask(self, region: Mapping[str, Any] | None = None) -> Array:
        """Pixels of a region; without one the file is opened. Raises DecodeError, ResourceError."""
        with self._lock:
            helper, self._helper = self._helper or self._started(), None
            try:
                pixels = helper.ask({"do": "czi", "path": str(self._path), "region": region})
            except DecodeError as error:
                self._helper = None if error.fatal else helper
                raise
            self._helper = helper
            return pixels

    def end(self) -> None:
        with self._lock:
            if self._helper is not None:
                self._helper.end()

    def _started(self) -> Helper:
        try:
            return Helper()
        except OSError as error:
            raise ResourceError(
                f"no process can be started to read it ({error.strerror or error})", path=self._path,
                remedy="Close other programs.",
            ) from None  # fmt: skip
