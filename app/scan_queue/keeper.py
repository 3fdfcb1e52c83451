"""Decides where the queue of scans is kept between starts, and which of several running programs keeps it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile

from core.errors import SchliffError

if TYPE_CHECKING:
    from core.scan.queue import ScanQueue
    from core.scan.queue_file import Kept

_log = logging.getLogger("schliff.scans")


class QueueKeeper:
    """One file in the user's data folder. The first program to ask owns it; another one's queue lasts as long as itself."""

    def __init__(self, path: Path | None = None) -> None:
        self._given = path
        self._lock: QLockFile | None = None

    @property
    def path(self) -> Path:
        from core.userdirs import data_dir

        return self._given or data_dir() / "scans.json"

    @property
    def anything(self) -> bool:
        """Whether a queue was left behind; cheap."""
        return self.path.exists()

    def read(self) -> Kept:
        from core.scan.queue import ScanQueue
        from core.scan.queue_file import Kept, read_queue

        return read_queue(self.path) if self._owns() else Kept(ScanQueue())

    def write(self, queue: ScanQueue) -> str:
        """Why it couldn't be written, "" when it was: that is no reason to stop scanning."""
        from core.scan.queue_file import write_queue

        if not self._owns():
            return ""
        try:
            write_queue(queue, self.path)
        except SchliffError as error:
            _log.warning("the queue of scans is not kept: %s", error)
            return str(error)
        return ""

    def release(self) -> None:
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def _owns(self) -> bool:
        if self._lock is None:
            self._lock = QLockFile(str(self.path.with_suffix(".lock")))
            self._lock.setStaleLockTime(0)  # a scan may take days; a program that is gone is noticed all the same
        if self._lock.isLocked():
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        return self._lock.tryLock(0)
