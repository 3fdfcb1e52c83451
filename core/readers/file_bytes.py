"""Decides how bytes are fetched from a file: at any offset, from several threads at once, no position shared.

On a drive that answers slowly (network), reads grow to whole blocks, and neighbours that lie in one run of blocks come
with one read. On a fixed drive, what is in memory already and what lies scattered may come from a map of the file.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections import deque
from collections.abc import Hashable
from pathlib import Path

import numpy as np

from core.caches import decoded_parts
from core.memory import share

Array = np.ndarray

_BLOCK = 1 << 20
_LARGEST_IN_BLOCKS = 16 << 20
_SLOW_S = 0.002
_READS_TIMED = 6
_MOST_ASKED = 100_000
_LARGEST_TIMED = 2 << 20
_LOCAL_SYSTEMS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay", "apfs", "hfs", "ntfs"}


class FileBytes:
    """One open file. `owner` begins the keys of all that this file puts into the shared cache of decoded parts.

    `slow`: all short reads took so long lately that fewer and longer ones are worth their extra bytes.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
        self._map: _FileMap | None = None
        self._on_fixed_drive: bool | None = None
        self._asked: set[Hashable] = set()
        self._times: deque[float] = deque(maxlen=_READS_TIMED)
        self.slow = False
        self.path = path
        self.owner: Hashable = object()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer where the file ends. Raises OSError."""
        count = max(0, min(count, self.size - offset))
        if self.slow and count < _LARGEST_IN_BLOCKS:
            part = np.empty(count, np.uint8)
            return part[: self._read_blocks(offset, part)].tobytes()
        before = time.perf_counter()
        data = self._fetch(offset, count)
        self._took(count, time.perf_counter() - before)
        return data

    def read_into(self, offset: int, target: Array) -> bool:
        """Fills `target` (C order); False where the file ends too early. Raises OSError."""
        if self.slow and target.nbytes < _LARGEST_IN_BLOCKS:
            return self._read_blocks(offset, target) == target.nbytes
        return self._fetch_timed(offset, target) == target.nbytes

    def expect(self, offset: int, count: int) -> None:
        """Tells the system that these bytes are wanted soon, so that it fetches many such pieces at once."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), offset, count, os.POSIX_FADV_WILLNEED)

    def mapped(self, key: Hashable, size: int, at_first: bool) -> Array | None:
        """All bytes of the file as one array that reads them when they are looked at; None where reading is better.

        `key` and `size` tell which part is looked at, and of how many bytes. Not `at_first`: only for parts that were
        asked for before, as those are in memory, where a map saves a copy; a drive is read best by reading.
        A map's pages count as this program's memory, so it is made anew once they outgrow their share. A drive that
        vanishes under a map ends the program: only fixed ones are mapped, and a file that has shrunk isn't.
        """
        if self.slow or not (at_first or key in self._asked):
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()
            self._asked.add(key)
            return None
        if self._on_fixed_drive is None:
            self._on_fixed_drive = _is_on_fixed_drive(self.path)
        if not self._on_fixed_drive or os.fstat(self._file.fileno()).st_size < self.size:
            return None
        with self._lock:
            if self._map is None or not self._map.has_room(key, size):
                try:
                    self._map = _FileMap(self._file.fileno())
                except (OSError, ValueError):  # no room for it in the address space
                    self._on_fixed_drive = False
                    return None
            return self._map.look(key, size)

    def close(self) -> None:
        self._map = None
        decoded_parts().forget(self.owner)
        self._file.close()

    def _fetch(self, offset: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            data = os.pread(self._file.fileno(), count, offset)
            if len(data) == count:
                return data
        whole = np.empty(count, np.uint8)  # the system may give less than it has, of more than 2 GB always
        return whole[: self._fetch_into(offset, whole)].tobytes()

    def _fetch_into(self, offset: int, target: Array) -> int:
        """How many bytes came before the file ended."""
        view, done = target.reshape(-1).data.cast("B"), 0
        while done < len(view):
            count = self._fetch_some(offset + done, view[done:])
            if count == 0:
                break
            done += count
        return done

    def _fetch_timed(self, offset: int, target: Array) -> int:
        before = time.perf_counter()
        done = self._fetch_into(offset, target)
        self._took(target.nbytes, time.perf_counter() - before)
        return done

    def _fetch_some(self, offset: int, view: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [view], offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.readinto(view) or 0

    def _took(self, count: int, seconds: float) -> None:
        """Only the fastest of several reads tells of the drive; the others may have waited for the processor."""
        if count <= _LARGEST_TIMED:
            self._times.append(seconds)
            self.slow = len(self._times) == self._times.maxlen and min(self._times) > _SLOW_S

    def _read_blocks(self, offset: int, target: Array) -> int:
        """From whole blocks, which are kept; those that aren't there come with one read."""
        cache, view = decoded_parts(), target.reshape(-1).view(np.uint8)
        end = min(offset + view.nbytes, self.size)
        numbers = range(offset // _BLOCK, -(-end // _BLOCK))
        kept: dict[int, Array | None] = {number: cache.peek((self.owner, "block", number)) for number in numbers}
        missing = [number for number, block in kept.items() if block is None]
        if missing:
            first, last = missing[0], missing[-1]
            run = np.empty(min((last + 1) * _BLOCK, self.size) - first * _BLOCK, np.uint8)
            run = run[: self._fetch_timed(first * _BLOCK, run)]
            for number in missing:
                part = run[(number - first) * _BLOCK : (number - first + 1) * _BLOCK]
                kept[number] = cache.get((self.owner, "block", number), part.copy)
        for number, block in kept.items():
            assert block is not None
            start, stop = max(offset, number * _BLOCK), min(end, number * _BLOCK + block.nbytes)
            if stop > start:
                view[start - offset : stop - offset] = block[start - number * _BLOCK : stop - number * _BLOCK]
        return max(0, end - offset)


class _FileMap:
    """A map of a whole file and which parts of it were looked at."""

    def __init__(self, descriptor: int) -> None:
        self._bytes = np.frombuffer(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ), np.uint8)
        self._seen: set[Hashable] = set()
        self._used = 0

    def has_room(self, key: Hashable, size: int) -> bool:
        return key in self._seen or not self._seen or self._used + size <= share("decoded") // 2

    def look(self, key: Hashable, size: int) -> Array:
        if key not in self._seen:
            self._seen.add(key)
            self._used += size
        return self._bytes


def _is_on_fixed_drive(path: Path) -> bool:
    """Whether the file lies on a drive that won't vanish while it is read."""
    import psutil

    place = path.resolve()
    drives = [part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint)]
    if not drives:
        return False
    drive = max(drives, key=lambda part: len(part.mountpoint))
    if "fixed" in drive.opts:  # Windows
        return True
    return drive.fstype.lower() in _LOCAL_SYSTEMS and "removable" not in drive.opts
