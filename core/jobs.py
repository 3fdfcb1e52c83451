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
    """Set from any thread, asked by the working one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raises CancelledError once `cancel` was called."""
        if self.cancelled:
            raise CancelledError()
