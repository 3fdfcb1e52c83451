"""Decides when an open file may be closed: after the last read in flight, and never to be read again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from core.errors import InputError

T = TypeVar("T")


class SharedHandle(Generic[T]):
    """Something that several threads read from at once and one of them closes."""

    def __init__(self, path: Path, resource: T, close: Callable[[T], None]) -> None:
        self._path, self._resource, self._close = path, resource, close
        self._users, self._closed = 0, False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)

    def use(self) -> SharedHandle[T]:
        """For `with`: gives the resource, kept open meanwhile. Raises InputError once it is closed."""
        return self

    def __enter__(self) -> T:
        with self._lock:
            if self._closed:
                raise InputError("the section was closed", path=self._path, remedy="Open it again.")
            self._users += 1
        return self._resource

    def __exit__(self, *exc: object) -> None:
        with self._lock:
            self._users -= 1
            if self._closed:
                self._changed.notify_all()

    def close(self) -> None:
        """Waits for reads in flight, then closes. Closing twice is harmless."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.wait_for(lambda: self._users == 0)
            self._close(self._resource)
