"""Decides what of one plane's overviews counts as there: what the journal names, and what this process just wrote.

Chunks are written whole (temporary name, rename). A journal line follows when they are safe on the disk, so what a killed
program or a power failure left behind is either named and whole, or made again.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from core.disk import flush_folder, take_place
from core.geometry import Box
from core.overview_layout import (
    CHUNK,
    DIRECT,
    MARKER,
    Chunk,
    chunk_file,
    chunks_of,
    coarse_scales,
    overview_scales,
    super_blocks_in,
    write_metadata,
)
from core.section import Plane, SectionInfo

Array = np.ndarray

JOURNAL = "journal"
_AS_IT_IS = getattr(os, "O_BINARY", 0)  # else Windows writes a carriage return before each line feed
_LINE = re.compile(rb"(\d{1,6}) (\d{1,7}) (\d{1,7}) ok")
_LOOK_AGAIN_S = 0.5
_STILL_USED_S = 60.0


class OverviewStore:
    """The overviews of one plane in one folder, complete or not. May be used by several threads and programs at once."""

    def __init__(self, folder: Path, info: SectionInfo, plane: Plane) -> None:
        self.folder, self.info, self.plane = folder, info, plane
        self.scales = overview_scales(info)
        self._dtype = np.dtype(info.dtype).newbyteorder("<")
        self._lock = threading.Lock()
        self._there: set[Chunk] = set()
        self._read_to = 0
        self._looked = 0.0
        self._needed = sum(1 for scale in (DIRECT[-1], *coarse_scales(info)) for _ in chunks_of(info, scale))
        self.refresh()

    # -- what is there ----------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        return len(self._there) >= self._needed

    def has(self, chunk: Chunk) -> bool:
        """Whether a chunk can be read. Those of direct levels come with their super-block."""
        if chunk.scale < DIRECT[-1]:
            factor = DIRECT[-1] // chunk.scale
            chunk = Chunk(DIRECT[-1], chunk.column // factor, chunk.row // factor)
        return chunk in self._there

    def there(self) -> frozenset[Chunk]:
        """All chunks that can be read, direct levels by their super-blocks."""
        with self._lock:
            return frozenset(self._there)

    def covers(self, scale: int, area: Box) -> bool:
        """Whether all of an area (level-0 px; what lies outside the section doesn't count) can be read at 1:scale."""
        self.look_again()
        if self.complete:
            return True
        if scale <= DIRECT[-1]:
            return all(chunk in self._there for chunk in super_blocks_in(self.info.box, area))
        common = area.intersection(self.info.box)
        if common is None:
            return True
        side = CHUNK * scale
        rows, columns = _numbers(common.y, common.y1, side), _numbers(common.x, common.x1, side)
        return all(Chunk(scale, column, row) in self._there for row in rows for column in columns)

    def refresh(self) -> None:
        """Takes in what the journal says, by other programs too."""
        with self._lock:
            self._looked = time.monotonic()
            try:
                with (self.folder / JOURNAL).open("rb") as file:
                    file.seek(self._read_to)
                    text = file.read()
            except OSError:
                return
            end = text.rfind(b"\n") + 1
            self._read_to += end
            found = [Chunk(*map(int, line.groups())) for line in map(_LINE.fullmatch, text[:end].split(b"\n")) if line]
            self._there.update(chunk for chunk in found if self._exists(chunk))

    def _exists(self, chunk: Chunk) -> bool:
        side = CHUNK * chunk.scale
        coarse = chunk.scale in self.scales and chunk.scale > DIRECT[-1]
        inside = chunk.column * side < self.info.width_px and chunk.row * side < self.info.height_px
        return inside and (coarse or chunk.scale == DIRECT[-1])

    def look_again(self) -> None:
        """Takes in what other programs did, unless that was looked at a moment ago."""
        if not self.complete and time.monotonic() - self._looked > _LOOK_AGAIN_S:
            self.refresh()

    # -- reading ----------------------------------------------------------------------------------

    def read(self, scale: int, x: int, y: int, width: int, height: int) -> Array | None:
        """(height, width, samples) of the level at 1:scale, in its own px, inside it, from chunks that are there.

        None when they can't be read. Where another program has thrown them away, nothing counts as there any more.
        """
        rows, columns = _numbers(y, y + height, CHUNK), _numbers(x, x + width, CHUNK)
        try:
            if len(rows) == len(columns) == 1:
                return self._part(Chunk(scale, columns[0], rows[0]), x, y, x + width, y + height)
            out = np.empty((height, width, self.info.samples), self.info.dtype)
            for row in rows:
                top, bottom = max(y, row * CHUNK), min(y + height, (row + 1) * CHUNK)
                for column in columns:
                    left, right = max(x, column * CHUNK), min(x + width, (column + 1) * CHUNK)
                    part = self._part(Chunk(scale, column, row), left, top, right, bottom)
                    out[top - y : bottom - y, left - x : right - x] = part
        except (FileNotFoundError, ValueError):
            self._lost()
            return None
        except OSError:  # too many open files, a drive that hiccups: hours of building aren't thrown away for that
            return None
        return out

    def _part(self, chunk: Chunk, x0: int, y0: int, x1: int, y1: int) -> Array:
        """Part of one chunk: its rows are read in one go. Raises OSError or ValueError where they aren't there."""
        row_values = CHUNK * self.info.samples
        first, count = y0 - chunk.row * CHUNK, y1 - y0
        offset = first * row_values * self._dtype.itemsize
        file = chunk_file(self.folder, chunk)
        rows = np.fromfile(file, self._dtype, count * row_values, offset=offset).reshape(count, CHUNK, -1)
        left = x0 - chunk.column * CHUNK
        part = rows[:, left : left + x1 - x0]
        return np.ascontiguousarray(part, self.info.dtype)

    def _lost(self) -> None:
        """What is gone is made again at the next opening: then the journal must not name it."""
        with self._lock:
            self._there.clear()
            self._read_to = 0
        with suppress(OSError):
            (self.folder / JOURNAL).unlink()

    # -- writing ----------------------------------------------------------------------------------

    def create(self) -> None:
        """Makes the folder and what describes it, where they are missing. Raises OSError, ResourceError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / MARKER).is_file():
            write_metadata(self.info, self.plane, self.folder)

    def write(self, chunk: Chunk, pixels: Array) -> Path:
        """Writes one chunk whole; at the section's edge `pixels` may be smaller. It counts when it is `add`ed."""
        file = chunk_file(self.folder, chunk)
        if pixels.shape[:2] != (CHUNK, CHUNK):
            whole = np.zeros((CHUNK, CHUNK, self.info.samples), self.info.dtype)
            whole[: pixels.shape[0], : pixels.shape[1]] = pixels
            pixels = whole
        temporary = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.part")
        data = np.ascontiguousarray(pixels, self._dtype)
        try:
            temporary.write_bytes(data.data)
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(data.data)
        take_place(temporary, file)
        return file

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Counts what was just written, in this process."""
        with self._lock:
            self._there.update(chunks)

    def record(self, chunks: Iterable[Chunk], files: Iterable[Path]) -> None:
        """Counts what lies in `files`, for ever: they are on the disk before the journal names it."""
        written = list(files)
        for file in written:
            _flush(file)
        for folder in {file.parent for file in written}:
            flush_folder(folder)
        # A line feed on both sides: half a line that a killed program left can't become part of this one.
        lines = "".join(f"\n{c.scale} {c.column} {c.row} ok\n" for c in chunks)
        journal = os.open(self.folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _AS_IT_IS, 0o666)
        try:
            os.write(journal, lines.encode())
            os.fsync(journal)
        finally:
            os.close(journal)
        self.touch()

    def touch(self) -> None:
        """Notes the time of last use: later than that of all others, though the clock may have gone backwards."""
        with suppress(OSError):
            others = (last_use(one) for one in self.folder.parent.iterdir() if one != self.folder and one.is_dir())
            now = max(time.time(), *(used + 1e-3 for used in others), 0)
            os.utime(self.folder / MARKER, (now, now))


def last_use(folder: Path) -> float:
    """In seconds since 1970; of a folder that is just being made, when that began; 0 for one that is disappearing."""
    for path in (folder / MARKER, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def in_use(folder: Path) -> bool:
    """Whether another program has used it within the last minute, as one that builds does all the time."""
    return time.time() - last_use(folder) < _STILL_USED_S


def _numbers(start: float, end: float, side: int) -> range:
    """The numbers of the chunks of `side` px that [start, end) touches."""
    return range(int(start // side), -int(-end // side))


def _flush(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
