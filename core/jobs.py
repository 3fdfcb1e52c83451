"""Decides what long work knows about whoever is watching: it reports progress and asks whether to stop. No more.

The same call runs inline in a test, on the terminal with a bar, and in a QThread.
"""

from __future__ import annotations

import threading
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

    def cancel(self, *, at_once: bool = False) -> None:
        """`at_once`: work in another process that doesn't hear is ended within moments; nobody will wait for it."""
        self._at_once |= at_once
        self._cancelled.set()
        self._may_go_on.set()

    def pause(self) -> None:
        """Holds the work where it next asks; a cancelled one is not held any more."""
        self._may_go_on.clear()
        if self.cancelled:  # maybe just now, in another thread
            self._may_go_on.set()

    def go_on(self) -> None:
        """Ends a pause."""
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

    def check(self) -> None:
        """Raises CancelledError once `cancel` was called; waits while paused."""
        self._may_go_on.wait()
        if self.cancelled:
            raise CancelledError()
