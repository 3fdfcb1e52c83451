"""Decides where overviews that a file lacks are kept, when they count as complete, and which go when space runs out.

One folder per section and plane, in the user's cache. It is built under another name and renamed when complete, so what
bears the final name is whole; of two programs that build the same one, the first to finish stays.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.disk import disk_errors
from core.jobs import CancelToken, Progress, no_progress
from core.overview_build import build_overviews, overview_scales
from core.readers.fingerprint import fingerprint
from core.section import Plane, Section
from core.userdirs import cache_dir

Array = np.ndarray

DEFAULT_LIMIT_BYTES = 20 << 30

_MARKER = "zarr.json"
_UNFINISHED = ".building"
_LEAVING = ".leaving"
_ABANDONED_AFTER_S = 24 * 3600.0


class CachedOverviews:
    """The complete overviews of one plane, open for reading from any thread."""

    def __init__(self, folder: Path, scales: tuple[int, ...]) -> None:
        import zarr

        self._folder = folder
        self._arrays: dict[int, Any] = {s: zarr.open_array(folder / str(s), mode="r") for s in scales}

    def read(self, scale: int, x: int, y: int, width: int, height: int) -> Array | None:
        """(height, width, samples) of the level at 1:scale; None when another program has thrown the overviews away."""
        with suppress(OSError, KeyError, ValueError):
            pixels = np.moveaxis(self._arrays[scale][:, y : y + height, x : x + width], 0, -1)
            # Chunks that vanish read as 0; the marker goes first, so if it still stands they were all there.
            if (self._folder / _MARKER).is_file():
                return np.ascontiguousarray(pixels)
        return None


class OverviewCache:
    """Overviews of all sections, at most about `limit_bytes` of them; those not used for longest go first."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.folder = folder or cache_dir() / "pyramids"
        self.limit_bytes = limit_bytes

    def open(self, section: Section, plane: Plane) -> CachedOverviews | None:
        """The overviews of a plane where they are complete, else None."""
        folder = self._folder_of(section, plane)
        try:
            os.utime(folder / _MARKER)  # the time of last use
            return CachedOverviews(folder, overview_scales(section.info))
        except (OSError, KeyError, ValueError):
            return None

    def build(
        self,
        section: Section,
        plane: Plane,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> CachedOverviews:
        """Makes the overviews of a plane, unless they are there.

        Raises CancelledError (nothing is left behind), ResourceError when the disk fails, InputError from reading.
        """
        found = self.open(section, plane)
        if found is not None:
            return found
        folder = self._folder_of(section, plane)
        unfinished = folder.with_name(f"{folder.name}{_UNFINISHED}-{uuid.uuid4().hex[:12]}")
        with disk_errors(self.folder):
            self._make_room(keep=folder)
            try:
                build_overviews(section, plane, unfinished, progress, cancel)
                _take_place(unfinished, folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            self._make_room(keep=folder)
        return CachedOverviews(folder, overview_scales(section.info))

    def _folder_of(self, section: Section, plane: Plane) -> Path:
        return self.folder / f"{fingerprint(section.info.path)}-c{plane.c}z{plane.z}t{plane.t}.zarr"

    def _make_room(self, keep: Path) -> None:
        """Throws away what an ended program left unfinished, then complete overviews until the rest is small enough."""
        now = time.time()
        for folder in self._folders():
            if _is_passing(folder) and now - _last_written(folder) > _ABANDONED_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
        complete = [folder for folder in self._folders() if not _is_passing(folder)]
        sizes = {folder: _size(folder) for folder in complete}
        total = sum(sizes.values())
        for folder in sorted(complete, key=_last_use):
            if total <= self.limit_bytes:
                break
            if folder != keep:
                _throw_away(folder)
                total -= sizes[folder]

    def _folders(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return [path for path in self.folder.iterdir() if path.is_dir()]
        return []


def _take_place(unfinished: Path, folder: Path) -> None:
    """Gives complete overviews their final name, unless another program was first."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not (folder / _MARKER).is_file():
            raise


def _throw_away(folder: Path) -> None:
    """Renamed first: a reader in another program then misses the marker, not single chunks."""
    leaving = folder.with_name(f"{folder.name}{_LEAVING}-{uuid.uuid4().hex[:12]}")
    with suppress(OSError):
        folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)


def _is_passing(folder: Path) -> bool:
    return _UNFINISHED in folder.name or _LEAVING in folder.name


def _last_use(folder: Path) -> float:
    """0 for one that is just disappearing."""
    with suppress(OSError):
        return (folder / _MARKER).stat().st_mtime
    return 0.0


def _last_written(folder: Path) -> float:
    times = [0.0]
    for path in (folder, *folder.rglob("*")):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total
