"""Decides when the machine is kept from going to sleep: while a scan runs, not while it is paused or nothing is left.

Only sleep by itself is held off; the screen may go dark. Where the system offers no way, the log says so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from wakepy import ActivationResult

    from app.scan_queue.runner import ScanRunner

_log = logging.getLogger("schliff.scans")

Hold = Callable[[], AbstractContextManager[object]]


def keep_awake() -> AbstractContextManager[object]:
    """Holds off sleep as long as it is entered."""
    from wakepy import keep

    return keep.running(on_fail=_refused)


def _refused(result: ActivationResult) -> None:
    _log.info("the machine may go to sleep: this system offers no way to keep it awake")
    _log.debug("%s", result.get_failure_text())


class Awake(QObject):
    """Follows a runner. The system is asked in a thread of its own: it may take seconds to answer."""

    def __init__(self, runner: ScanRunner, hold: Hold = keep_awake) -> None:
        super().__init__(runner)
        self._runner, self._hold = runner, hold
        self._release: threading.Event | None = None
        runner.changed.connect(self._follow)
        runner.ended.connect(self._follow)

    @property
    def holding(self) -> bool:
        return self._release is not None

    def let_go(self) -> None:
        if self._release is not None:
            self._release.set()
            self._release = None

    def _follow(self) -> None:
        works = self._runner.running is not None and not self._runner.paused
        if not works:
            self.let_go()
        elif self._release is None:
            self._release = threading.Event()
            threading.Thread(target=self._keep, args=(self._release,), name="keeping awake", daemon=True).start()

    def _keep(self, released: threading.Event) -> None:
        try:
            with self._hold():
                released.wait()
        except Exception as error:  # whatever a desktop may answer, the scan goes on
            _log.info("the machine may go to sleep: %s", error)
