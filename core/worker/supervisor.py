"""Decides how this process has work done by another one: one task at a time, cancelled, paused, and what its end means.

The process stays for the next task, so that torch and the model need not be loaded again, and goes after a while.
"""

from __future__ import annotations

import atexit
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from core.detection import Detection
from core.errors import CancelledError, ResourceError
from core.geometry import Box
from core.jobs import CancelToken, Progress, no_progress
from core.scan.options import ScanSummary, TileDone, Watchers
from core.scan.request import ScanRequest
from core.worker.messages import Json, error_from_json, step_from_json
from core.worker.process import WorkerProcess

POLL_S = 0.05  # how soon a cancel or a pause is passed on
UNHEARD_S = 10.0  # after a cancel that is not answered for so long, the process is killed; projects stand that
UNHEARD_AT_ONCE_S = 2.0  # the same where nobody waits for it
SCANS_IDLE_S = 120.0

Heard = Callable[[str, Json], None]


class Worker:
    """A process that is started when there is something to do. May be used from any thread; tasks wait for each other.

    Args:
        work: what it does, as "the scan's", and `remedy`: what to do when its process dies; for errors.
        idle_s: how long it stays with nothing to do.
    """

    def __init__(self, work: str, idle_s: float, remedy: str = "Try it again.") -> None:
        self._work, self._remedy, self._idle_s = work, remedy, idle_s
        self._turn = threading.Lock()
        self._numbers = itertools.count(1)
        self._process: WorkerProcess | None = None
        self._rest: threading.Timer | None = None
        self._closed = False
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """None while there is no process."""
        process = self._process
        return process.pid if process is not None and process.alive else None

    def do(self, task: str, given: Json, heard: Heard, cancel: CancelToken) -> Json:
        """Has a task of `core.worker.tasks` done and gives its result; `heard` is called in this thread.

        Raises what the task raises, CancelledError, and ResourceError when the process can't be started or ends.
        """
        with self._my_turn(cancel):
            try:
                try:
                    ending = self._ask(task, given, heard, cancel)
                except _EndedAtRestError:  # the task was not begun
                    self._drop()
                    ending = self._ask(task, given, heard, cancel)
            except BaseException:  # whatever it is doing, nobody will hear of it
                self._drop()
                raise
        if ending["kind"] == "error":
            raise error_from_json(ending["value"])
        return ending["value"]

    def close(self) -> None:
        """Ends the process, whatever it does; a task that waits for it is cancelled. Nothing is done afterwards."""
        self._closed = True
        with self._turn:
            self._stop_resting()
            self._drop()
        atexit.unregister(self.close)

    # -- one task ----------------------------------------------------------------------------------

    def _ask(self, task: str, given: Json, heard: Heard, cancel: CancelToken) -> Json:
        """The message that ends a task. Raises _EndedAtRestError where the process of an earlier task was gone already."""
        before, process, number = self._process, self._running(), next(self._numbers)
        with suppress(OSError):  # it has just ended: that is told where its answer is awaited
            process.pipe.send({"id": number, "kind": "do", "task": task, "value": given})
        orders, begun = _Orders(process, number, cancel), process is not before
        while True:
            orders.pass_on()
            if self._closed:
                raise CancelledError()
            try:
                message = process.next_message(POLL_S)
            except ResourceError:
                if cancel.cancelled:  # it was killed for not hearing
                    raise CancelledError() from None
                if not begun:
                    raise _EndedAtRestError() from None
                raise
            if message is None or message["id"] != number:
                continue
            begun = True
            if message["kind"] in ("result", "error"):
                return message
            heard(message["kind"], message["value"])

    @contextmanager
    def _my_turn(self, cancel: CancelToken) -> Iterator[None]:
        while not self._turn.acquire(timeout=POLL_S):
            if cancel.cancelled:
                raise CancelledError()
        try:
            if self._closed or cancel.cancelled:
                raise CancelledError()
            self._stop_resting()
            yield
            self._rest = threading.Timer(self._idle_s, self._end_if_idle)
            self._rest.daemon = True
            self._rest.start()
        finally:
            self._turn.release()

    # -- its process -------------------------------------------------------------------------------

    def _running(self) -> WorkerProcess:
        if self._process is not None and not self._process.alive:
            self._drop()
        if self._process is None:
            self._process = WorkerProcess(self._work, self._remedy)
        return self._process

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end(0)

    def _stop_resting(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _end_if_idle(self) -> None:
        if self._turn.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._turn.release()


class _EndedAtRestError(Exception):
    """A process ended between two tasks: killed, or out of memory."""


class _Orders:
    """Passes on to a process what is wanted of the task meanwhile."""

    def __init__(self, process: WorkerProcess, number: int, cancel: CancelToken) -> None:
        self._process, self._number, self._cancel = process, number, cancel
        self._paused = False
        self._cancelled_at: float | None = None

    def pass_on(self) -> None:
        if self._cancelled_at is not None:
            patience = UNHEARD_AT_ONCE_S if self._cancel.at_once else UNHEARD_S
            if time.monotonic() - self._cancelled_at > patience:
                self._process.end(0)
        elif self._cancel.cancelled:
            self._cancelled_at = time.monotonic()
            self._say("cancel")
        elif self._cancel.paused != self._paused:
            self._paused = not self._paused
            self._say("pause" if self._paused else "go_on")

    def _say(self, kind: str) -> None:
        with suppress(OSError):  # its end is told where its answer is awaited
            self._process.pipe.send({"id": self._number, "kind": kind})


def scanning_worker(idle_s: float = SCANS_IDLE_S) -> Worker:
    """A worker for scans."""
    return Worker("the scan's", idle_s, "What was scanned is kept; start it again to go on.")


_scans = scanning_worker()


def run_in_worker(
    request: ScanRequest,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    watchers: Watchers | None = None,
    worker: Worker | None = None,
) -> ScanSummary:
    """As `core.scan.executing.run_request`, in another process; `progress` and `watchers` are called in this thread.

    Raises what that raises, and ResourceError when the process dies; what was scanned is kept then.
    """
    watchers = watchers or Watchers()

    def heard(kind: str, value: Any) -> None:
        if kind == "step":
            progress(step_from_json(value))
        elif kind == "found" and watchers.on_detections:
            watchers.on_detections([Detection.from_plain(one) for one in value])
        elif kind == "tile" and watchers.on_tile:
            watchers.on_tile(TileDone(Box(**value)))

    here = replace(request, section=request.section.absolute(), project=request.project.absolute())
    told = (worker or _scans).do("scan", here.to_json(), heard, cancel or CancelToken())
    return ScanSummary.from_plain(told)
