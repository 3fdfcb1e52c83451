"""Decides how something is looked at every few seconds while the window is open, without keeping anybody waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.jobs import Job, Lane

LOOK_MS = 5000

Question = Callable[[], Any]


class Watch(QObject):
    """Asks in a lane, one question at a time. The answer to a question that was dropped meanwhile is told to nobody.

    Args:
        ask: gives the question for this moment; None: nothing is asked now.
        told: gets its answer, in the window's thread. A question that failed has none.
    """

    def __init__(
        self, parent: QObject, lane: Lane, title: str, ask: Callable[[], Question | None], told: Callable[[Any], None]
    ) -> None:
        super().__init__(parent)
        self._lane, self._title, self._ask, self._told = lane, title, ask, told
        self._asking: Job | None = None
        self.timer = QTimer(self, interval=LOOK_MS)
        self.timer.timeout.connect(self.look)

    def begin(self) -> None:
        """From now on, of what is open now."""
        self._asking = None
        self.timer.start()

    def stop(self) -> None:
        self._asking = None
        self.timer.stop()

    def look(self) -> None:
        """Now, unless it is being looked already."""
        question = self._ask() if self._asking is None else None
        if question is None:
            return
        job = self._asking = Job(lambda progress, cancel: question(), self._title)
        job.finished.connect(lambda answer: self._answered(job, answer))
        job.ended.connect(lambda: self._ended(job))
        self._lane.submit(job)

    def _answered(self, job: Job, answer: Any) -> None:
        if job is self._asking:
            self._told(answer)

    def _ended(self, job: Job) -> None:
        if job is self._asking:
            self._asking = None
