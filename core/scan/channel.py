"""Decides how two threads hand work over: bounded, ended from either side, and what was put in before an error comes first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class StoppedError(Exception):
    """Whoever took the work wants no more of it."""


class Channel(Generic[T]):
    """One thread puts, another takes by iterating. `most`: how many items may be on the way, the one in work included."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._state = threading.Condition()
        self._items: deque[T] = deque()
        self._on_the_way = 0
        self._finished = self._stopped = False
        self._error: BaseException | None = None

    # -- for the one who puts --------------------------------------------------------------------------------------

    def put(self, item: T) -> None:
        """Waits for room. Raises StoppedError."""
        with self._state:
            while self._on_the_way >= self._most and not self._stopped:
                self._state.wait()
            self._check()
            self._items.append(item)
            self._on_the_way += 1
            self._state.notify_all()

    def wait_empty(self) -> None:
        """Until everything put in is done with. Raises StoppedError."""
        with self._state:
            while self._on_the_way and not self._stopped:
                self._state.wait()
            self._check()

    def wait_stopped(self, seconds: float) -> bool:
        """Waits a while at most; whether it was stopped."""
        with self._state:
            return self._state.wait_for(lambda: self._stopped, seconds)

    def check(self) -> None:
        """Raises StoppedError once `stop` was called."""
        with self._state:
            self._check()

    def finish(self, error: BaseException | None = None) -> None:
        """Nothing comes any more; the error, if any, is raised behind the last item."""
        with self._state:
            self._finished, self._error = True, error
            self._state.notify_all()

    # -- for the one who takes -------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._state:
                while not self._items and not self._finished:
                    self._state.wait()
                if not self._items:
                    break
                item = self._items.popleft()
            yield item
            del item
        if self._error is not None:
            raise self._error

    def done(self) -> None:
        """The item taken last needs no room any more."""
        with self._state:
            self._on_the_way -= 1
            self._state.notify_all()

    def stop(self) -> None:
        """Nobody takes any more."""
        with self._state:
            self._stopped = True
            self._items.clear()
            self._state.notify_all()

    def _check(self) -> None:
        if self._stopped:
            raise StoppedError
