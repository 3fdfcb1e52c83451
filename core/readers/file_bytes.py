"""Decides how bytes are fetched from a file: at any offset, from several threads at once, no position shared.

On a drive that answers slowly (network), reads grow to whole blocks, and neighbours that lie in one run of blocks come
with one read. The file is never mapped into memory: where a drive fails or a file shrinks, a read raises, but a map ends
the program.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Hashable
from pathlib import Path

import numpy as np

from core.caches import decoded_parts

Array = np.ndarray

_BLOCK = 1 << 20
_LARGEST_IN_BLOCKS = 16 << 20
_SLOW_S = 0.002
_READS_TIMED = 6
_LARGEST_TIMED = 2 << 20


class FileBytes:
    """One open file. `owner` begins the keys of all that this file puts into the shared cache of decoded parts.

    `slow`: all short reads took so long lately that fewer and longer ones are worth their extra bytes.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()
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
        if sys.platform == "linux":
            os.posix_fadvise(self._file.fileno(), offset, count, os.POSIX_FADV_WILLNEED)

    def read_rows(self, offset: int, step: int, target: Array) -> bool:
        """Fills the rows of `target` (C order) from places `step` bytes apart; False where the file ends too early.

        All are announced to the system first, so that a drive can answer many at once. Raises OSError.
        """
        view, count = target.reshape(-1).data.cast("B"), target[0].nbytes
        places = range(offset, offset + len(target) * step, step)
        for place in places:
            self.expect(place, count)
        for row, place in enumerate(places):
            # Timing a few tells how fast the drive is; timing all would take as long as reading.
            if row < _READS_TIMED or self.slow:
                done = self.read_into(place, target[row])
            else:
                done = self._fetch_some(place, view[row * count : (row + 1) * count]) == count
            if not done and self._fetch_into(place, target[row]) < count:
                return False
        return True

    def close(self) -> None:
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
        """From whole blocks, which are kept; those that aren't there come with one read. How many bytes came."""
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
            if stop < min(end, (number + 1) * _BLOCK):  # the file has shrunk since it was opened
                return max(0, stop - offset)
        return max(0, end - offset)
