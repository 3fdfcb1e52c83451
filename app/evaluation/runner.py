"""Decides how the window's evaluation goes on in the background: one at a time, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs import Job
from app.jobs.lane import Lane
from core.evaluation.request import EvaluateRequest
from core.jobs import CancelToken, Progress
from core.worker.evaluating import EvaluatingWorker

# What carries out a request; it runs in the runner's thread and gives the path of what is kept.
Carry = Callable[[EvaluateRequest, Progress, CancelToken], Path]


class EvaluationRunner(QObject):
    """`finished(Path)`, `failed(Exception)` or `cancelled()` comes for each one, and `progressed(Step)` before.

    Args:
        carry: another way than a worker process.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(self, lane: Lane, parent: QObject | None = None, carry: Carry | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._worker = EvaluatingWorker()  # its process starts with the first request
        self._carry = carry or self._worker.evaluate
        self._job: Job | None = None

    @property
    def running(self) -> bool:
        return self._job is not None

    def start(self, request: EvaluateRequest) -> None:
        """Does nothing while another one runs."""
        if self._job is not None:
            return
        job = self._job = Job(lambda progress, cancel: self._carry(request, progress, cancel), "Evaluating")
        job.progress.connect(self.progressed)
        for ending, told in ((job.finished, self.finished), (job.failed, self.failed), (job.cancelled, self.cancelled)):
            ending.connect(self._forget)  # whoever hears of the end may start the next one
            ending.connect(told)
        self._lane.submit(job)

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel_token.cancel(at_once=True)

    def shut(self) -> None:
        """Ends it and its process at once; nothing is told any more."""
        if self._job is not None:
            self._job.silence()
        self.cancel()
        self._worker.close()

    def _forget(self, *_: object) -> None:
        self._job = None
