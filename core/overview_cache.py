"""Decides where overviews that a file lacks are kept, and which go when space runs out.

One folder per section (by its fingerprint), plane and version of the layout, in the user's cache. What is unfinished is
kept too, so that building goes on at the next opening, but not for ever.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from core.disk import disk_errors
from core.overview_layout import LAYOUT
from core.overview_store import OverviewStore, in_use, last_use
from core.readers.fingerprint import fingerprint
from core.section import Plane, Section
from core.userdirs import cache_dir

DEFAULT_LIMIT_BYTES = 20 << 30

_SUFFIX = f".v{LAYOUT}.zarr"
_LEAVING = ".leaving"
_COMPLETE = "complete"
_UNFINISHED_KEPT_S = 14 * 24 * 3600.0


class OverviewCache:
    """Overviews of all sections, at most about `limit_bytes` of them; those not used for longest go first."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.folder = folder or cache_dir() / "pyramids"
        self.limit_bytes = limit_bytes

    def open(self, section: Section, plane: Plane, identity: str = "") -> OverviewStore:
        """The overviews of a plane, as far as they are built; there may be none yet. Raises InputError.

        `identity`: the fingerprint of the section when it was opened, if that is known.
        """
        name = f"{identity or fingerprint(section.info.path)}-c{plane.c}z{plane.z}t{plane.t}{_SUFFIX}"
        store = OverviewStore(self.folder / name, section.info, plane)
        store.touch()
        return store

    def build(self, store: OverviewStore, build: Callable[[], None]) -> None:
        """Has a store of this cache filled, with room made for it before and after.

        Raises what `build` raises, and ResourceError when the disk fails.
        """
        with disk_errors(store.folder):
            self._make_room(keep=store.folder)
            build()
            (store.folder / _COMPLETE).touch()
            self._make_room(keep=store.folder)

    def size_bytes(self) -> int:
        """What it takes on the disk now."""
        return sum(_size(folder) for folder in self._folders())

    def empty(self) -> None:
        """Throws away all that no section is using."""
        for folder in self._folders():
            if not in_use(folder):
                _throw_away(folder)

    def _make_room(self, keep: Path) -> None:
        """Throws away what can't be used or won't be finished, then the least recently used until the rest fits."""
        folders = [folder for folder in self._folders() if folder != keep]
        for folder in folders:
            if _is_useless(folder):
                _throw_away(folder)
        sizes = {folder: _size(folder) for folder in self._folders()}
        total = sum(sizes.values())
        for folder in sorted((f for f in sizes if f != keep and not in_use(f)), key=last_use):
            if total <= self.limit_bytes:
                break
            _throw_away(folder)
            total -= sizes[folder]

    def _folders(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return [path for path in self.folder.iterdir() if path.is_dir()]
        return []


def _is_useless(folder: Path) -> bool:
    """Of another version of the layout, half thrown away, or unfinished for weeks."""
    if not folder.name.endswith(_SUFFIX):
        return True
    return not (folder / _COMPLETE).exists() and time.time() - last_use(folder) > _UNFINISHED_KEPT_S


def _throw_away(folder: Path) -> None:
    """Renamed first: a reader in another program then misses all of it at once, not single chunks."""
    leaving = folder
    if _LEAVING not in folder.name:
        leaving = folder.with_name(f"{folder.name}{_LEAVING}-{uuid.uuid4().hex[:12]}")
    with suppress(OSError):
        if leaving != folder:
            folder.rename(leaving)
        shutil.rmtree(leaving, ignore_errors=True)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total
