"""Decides what long work knows about whoever is watching: it reports progress and asks whether to stop. No more.

The same call runs inline in a test, on the terminal with a bar, and in a QThread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import CancelledError


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job is. `total` is 0 while unknown."""

    done: int
    total: int
    message: str = ""


Progress = Callable[[Step], None]


def no_progress(step: Step) -> None:
    """For callers who don't watch."""


class CancelToken:
    """Set from any thread, asked by the working one. While it is paused, whoever asks waits."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._at_once = False
        self._lock = threading.Lock()
        self._stood_s = 0.0
        self._stands_since: float | None = None

    def cancel(self, *, at_once: bool = False) -> None:
        """`at_once`: work in another process that doesn't hear is ended within moments; nobody will wait for it."""
        self._at_once |= at_once
        self._cancelled.set()
        self.go_on()

    def pause(self) -> None:
        """Holds the work where it next asks; a cancelled one is not held any more."""
        with self._lock:
            if self._stands_since is None:
                self._stands_since = time.monotonic()
            self._may_go_on.clear()
        if self.cancelled:  # maybe just now, in another thread
            self.go_on()

    def go_on(self) -> None:
        """Ends a pause."""
        with self._lock:
            if self._stands_since is not None:
                self._stood_s += time.monotonic() - self._stands_since
                self._stands_since = None
            self._may_go_on.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def at_once(self) -> bool:
        return self._at_once

    @property
    def paused(self) -> bool:
        return not self._may_go_on.is_set()

    def clock(self) -> float:
        """Seconds since some moment, pauses left out."""
        with self._lock:
            now = time.monotonic() if self._stands_since is None else self._stands_since
            return now - self._stood_s

    def check(self) -> None:
        """Raises CancelledError once `cancel` was called; waits while paused."""
        self._may_go_on.wait()
        if self.cancelled:
            raise CancelledError()
