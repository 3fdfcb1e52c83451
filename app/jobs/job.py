"""Decides what one piece of work in another thread tells the window: progress, data, and exactly one ending.

What it does is a function `(progress, cancel) -> result` that knows no Qt; which thread runs it is for `app.jobs.lane`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import SIGNAL, QObject, Qt, Signal

from core.errors import CancelledError
from core.jobs import CancelToken, Progress, Step

Work = Callable[[Progress, CancelToken], Any]

_TOLD = ("progress(PyObject)", "posted(PyObject)", "finished(PyObject)", "failed(PyObject)", "cancelled()", "ended()")


class Job(QObject):
    """Signals arrive in the thread that made the job (the window's), whatever the receiver is.

    `progress(Step)` carries the latest step only: steps that come faster than the window draws replace each other.
    `posted(object)` carries everything given to `post`, in order. Of `finished(result)`, `failed(Exception)` and
    `cancelled()` exactly one comes, and `ended()` right after it.
    """

    progress = Signal(object)
    posted = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    _wake = Signal()

    def __init__(self, work: Work, title: str = "", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.cancel_token = CancelToken()
        self.is_over = False
        self._work: Work | None = work
        self._lock = threading.Lock()
        self._step: Step | None = None
        self._mail: list[Any] = []
        self._ending: tuple[str, Any] | None = None
        self._wake_pending = False
        self._silent = False
        self._wake.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def cancel(self) -> None:
        """Asks the work to stop; it ends with `cancelled` when it does."""
        self.cancel_token.cancel()

    def post(self, item: object) -> None:
        """Hands `item` to the window's thread; may be called from the work."""
        with self._lock:
            self._mail.append(item)
            self._request_delivery()

    def silence(self) -> None:
        """Tells nothing any more: for the end of the program, when those who listen are going."""
        self._silent = True
        self._let_go()

    def run(self) -> None:
        """Does the work in the calling thread; never raises."""
        ending: tuple[str, Any]
        work, self._work = self._work, None
        assert work is not None
        try:
            self.cancel_token.check()
            ending = ("finished", work(self._report, self.cancel_token))
        except CancelledError:
            ending = ("cancelled", None)
        except Exception as error:
            ending = ("failed", error)
        del work  # with the files it may know of
        with self._lock:
            self._ending = ending
            self._request_delivery()

    def _report(self, step: Step) -> None:
        with self._lock:
            self._step = step
            self._request_delivery()

    def _request_delivery(self) -> None:
        if not self._wake_pending:
            self._wake_pending = True
            self._wake.emit()

    def _deliver(self) -> None:
        with self._lock:
            self._wake_pending = False
            step, self._step = self._step, None
            mail, self._mail = self._mail, []
            ending, self._ending = self._ending, None
        if self._silent:
            return
        for item in mail:
            self.posted.emit(item)
        if step is not None:
            self.progress.emit(step)
        if ending is not None:
            self._end(*ending)

    def _end(self, kind: str, value: Any) -> None:
        self.is_over = True
        if kind == "finished":
            self.finished.emit(value)
        elif kind == "failed":
            self.failed.emit(value)
        else:
            self.cancelled.emit()
        self.ended.emit()
        self._let_go()

    def _let_go(self) -> None:
        """Of those who listen: they mostly know the job, which Python can't see through Qt, and neither would ever go."""
        told = (self.progress, self.posted, self.finished, self.failed, self.cancelled, self.ended)
        for name, signal in zip(_TOLD, told, strict=True):
            if self.receivers(SIGNAL(name)):
                signal.disconnect()
