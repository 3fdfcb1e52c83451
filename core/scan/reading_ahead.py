"""Decides how far reading runs ahead of computing: a few threads, bounded in tiles and in bytes, handed out in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.caches import reading_through
from core.compute_process import available_cores
from core.tiling import Tile

BUDGET_BYTES = 1 << 30
_LOOK_S = 0.1  # how often somebody who waits for a tile looks whether to go on waiting
_MOST_READERS = 12


def reader_threads(device: object) -> int:
    """How many threads read: with the processor computing, few; for a GPU nearly all cores decode."""
    cores = available_cores()
    if str(device).startswith("cpu"):
        return max(1, min(4, cores // 4))
    return max(2, min(_MOST_READERS, cores - 2))


class ReadAhead:
    """Reads tiles in the order given, each once, by `read` in threads of its own.

    Args:
        batch: how many are taken at once; so many are always read, whatever they weigh.
        budget: bytes that may lie ready.
    Call `stop` in the end, from the thread that made it.
    """

    def __init__(
        self, read: Callable[[Tile], Any], tiles: Sequence[Tile], threads: int, batch: int, budget: int = BUDGET_BYTES
    ) -> None:
        self._read, self._tiles, self._batch, self._budget = read, tiles, batch, budget
        self._most = 2 * batch + threads
        self._state = threading.Condition()
        self._ready: dict[int, Any] = {}
        self._begun = self._taken = 0
        self._largest: int | None = None  # bytes of a tile; None before the first one is there
        self._stopped = False
        names = [f"schliff-scan-read-{number}" for number in range(min(threads, len(tiles)))]
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def take(self, count: int, check: Callable[[], None]) -> list[tuple[Tile, Any]]:
        """The next `count` tiles with what reading gave, fewer at the end or before one that failed, none after the last.

        `check` is called while waiting and may raise. Raises what reading the next tile raised.
        """
        taken: list[tuple[Tile, Any]] = []
        while len(taken) < count and self._taken < len(self._tiles):
            found = self._next_ready(check)
            if isinstance(found, _Failed):
                if taken:
                    break
                raise found.error
            taken.append((self._tiles[self._taken], found))
            self._forget_taken()
        return taken

    def stop(self) -> None:
        """Ends the threads; waits for the tiles that are being read."""
        with self._state:
            self._stopped = True
            self._ready.clear()
            self._state.notify_all()
        for thread in self._threads:
            thread.join()

    def _next_ready(self, check: Callable[[], None]) -> Any:
        with self._state:
            while self._taken not in self._ready:
                self._state.wait(_LOOK_S)
                check()
            return self._ready[self._taken]

    def _forget_taken(self) -> None:
        with self._state:
            del self._ready[self._taken]
            self._taken += 1
            self._state.notify_all()

    def _work(self) -> None:
        with reading_through():
            while (position := self._begin()) is not None:
                try:
                    found = self._read(self._tiles[position])
                except BaseException as error:
                    found = _Failed(error)
                self._keep(position, found)

    def _begin(self) -> int | None:
        """The position of the next tile to read, once there is room for it; None when there is nothing to do."""
        with self._state:
            while not self._stopped and self._begun < len(self._tiles) and not self._has_room():
                self._state.wait()
            if self._stopped or self._begun == len(self._tiles):
                return None
            self._begun += 1
            return self._begun - 1

    def _has_room(self) -> bool:
        ahead = self._begun - self._taken
        if self._largest is None or ahead < self._batch:
            return ahead < self._batch
        return ahead < self._most and (ahead + 1) * self._largest <= self._budget

    def _keep(self, position: int, found: Any) -> None:
        with self._state:
            if isinstance(found, _Failed):
                self._begun = len(self._tiles)  # nothing behind it is wanted
            if not self._stopped:
                self._ready[position] = found
                self._largest = max(self._largest or 0, size_in_bytes(found))
            self._state.notify_all()


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def size_in_bytes(value: Any) -> int:
    """What arrays and tensors in a value take, however it is put together."""
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size
    if isinstance(value, Mapping):
        return sum(size_in_bytes(part) for part in value.values())
    return sum(size_in_bytes(part) for part in value) if isinstance(value, list | tuple) else 0
