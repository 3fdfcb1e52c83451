"""Decides where the queue of scans is kept between starts, when it is written, and which of several running programs
keeps it."""

from __future__ import annotations

import logging
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile, QObject, Signal

from app.jobs import Job, Lane
from core.errors import SchliffError

if TYPE_CHECKING:
    from core.scan.queue import ScanQueue
    from core.scan.queue_file import Kept

_log = logging.getLogger("schliff.scans")


class QueueKeeper(QObject):
    """One file in the user's data folder. The first program to ask owns it for good; another one's queue lasts as long as
    itself, even when the first one ends: what that one left is for the next start.

    `written(str)`: why the queue couldn't be written, "" when it was; that is no reason to stop scanning.
    """

    written = Signal(str)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._given = path
        self._lane = Lane("queue", self)
        self._latest: ScanQueue | None = None  # to be written next
        self._job: Job | None = None

    @property
    def path(self) -> Path:
        from core.userdirs import data_dir

        return self._given or data_dir() / "scans.json"

    @property
    def owns(self) -> bool:
        """Whether this program keeps its queue."""
        return self._lock.isLocked()

    def read(self) -> Kept:
        """What an earlier start left behind."""
        from core.scan.queue import ScanQueue
        from core.scan.queue_file import Kept, read_queue

        return read_queue(self.path) if self.owns and self.path.exists() else Kept(ScanQueue())

    def keep(self, queue: ScanQueue) -> None:
        """Writes it in a thread, since flushing takes a while; of several in a row only the last one."""
        if not self.owns:
            return
        self._latest = queue
        if self._job is None:
            self._write_latest()

    def close(self, queue: ScanQueue | None) -> None:
        """Writes for the last time (None: leaves the file as it is), in the calling thread, and gives the file back."""
        self._lane.close()
        if queue is not None and self.owns:
            self._write(queue)
        self._lock.unlock()

    @cached_property
    def _lock(self) -> QLockFile:
        """Asked for once."""
        lock = QLockFile(str(self.path.with_suffix(".lock")))
        lock.setStaleLockTime(0)  # a scan may take days; a program that is gone is noticed all the same
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _log.warning("the queue of scans is not kept: %s", error)
            return lock
        if not lock.tryLock(0):
            _log.warning("the queue of scans is not kept: another running program keeps its own in %s", self.path)
        return lock

    def _write_latest(self) -> None:
        queue, self._latest = self._latest, None
        if queue is None:
            return
        job = self._job = Job(lambda progress, cancel: self._write(queue), "Keeping the queue")
        job.finished.connect(self.written.emit)
        job.ended.connect(self._job_ended)
        self._lane.submit(job)

    def _job_ended(self) -> None:
        self._job = None
        self._write_latest()

    def _write(self, queue: ScanQueue) -> str:
        """Why it couldn't be written, "" when it was; in any thread."""
        from core.scan.queue_file import write_queue

        try:
            write_queue(queue, self.path)
        except SchliffError as error:
            _log.warning("the queue of scans is not kept: %s", error)
            return str(error)
        return ""
