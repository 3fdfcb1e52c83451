"""Decides which scan runs: the queue's next one, in the lane for scans, until none is left; and what is told of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from app.jobs import Job, Lane
from app.scan_queue.keeper import QueueKeeper
from app.scan_queue.work import HomeReady, scan
from core.errors import SchliffError
from core.jobs import Step
from core.scan.queue import Entry, Report, ScanQueue, State
from core.timing import TimeLeft

if TYPE_CHECKING:
    from core.scan.options import ScanSummary


class ScanRunner(QObject):
    """The program's queue of scans. Change it by its methods; `queue` is the value it has now.

    `problem(str)` tells what a person should know of the queue itself; that a scan failed is told by `ended`.
    """

    changed = Signal()  # which scans there are, their order, their states
    started = Signal(object)  # Entry
    progressed = Signal(object)  # Step of the one that runs
    posted = Signal(object)  # what the running one found or stored, see app.scan_queue.work
    ended = Signal(object, object)  # Entry as it is now, and the Exception it failed with or None
    all_over = Signal(object)  # Report on all that ran since none did
    problem = Signal(str)

    def __init__(self, lane: Lane, keeper: QueueKeeper | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._keeper = keeper or QueueKeeper()
        self._keeper.setParent(self)
        self._keeper.written.connect(self._written)
        self._restored = self._shut = self._not_kept = False
        self._job: Job | None = None
        self._put_by: State | None = None  # what becomes of the running one when its work has stopped
        self._left = TimeLeft()
        self._batch: list[str] = []
        self._asked: frozenset[str] = frozenset()  # run even though the queue is held
        self._since = QElapsedTimer()
        self.queue = ScanQueue()
        self.step = Step(0, 0)
        self.seconds_left: float | None = None
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._start_next)

    # -- asking ------------------------------------------------------------------------------------

    @property
    def running(self) -> Entry | None:
        """The scan that has the lane, even while it is paused or stopping."""
        return self.queue.running if self._job is not None else None

    @property
    def paused(self) -> bool:
        """Whether the running scan stands still."""
        return self._job is not None and self._job.cancel_token.paused

    @property
    def stopping(self) -> bool:
        return self._job is not None and self._job.cancel_token.cancelled

    @property
    def is_kept(self) -> bool:
        """Whether what is not over is there at the next start; it isn't where another running program keeps its own."""
        return self._keeper.owns

    # -- the queue ---------------------------------------------------------------------------------

    def restore(self) -> None:
        """Takes up what an earlier start of the program left behind; nothing of it starts by itself."""
        if self._restored:
            return
        self._restored = True
        kept = self._keeper.read()
        if kept.told:
            self.problem.emit(kept.told)
        self._change(kept.queue.restored())

    def add(self, entries: Sequence[Entry], *, now: bool = False) -> list[Entry]:
        """Puts scans at the end of the queue; which of them are new in it. `now`: they run even though the
        queue is held, the first of them at once, if nothing else runs."""
        self.restore()
        before = {entry.id for entry in self.queue.entries}
        self._change(self.queue.added(entries))
        added = [entry for entry in self.queue.entries if entry.id not in before]
        asked = [one for entry in entries if (one := self.queue.holder(entry.request)) is not None]
        if now and asked and self._job is None:
            self._asked = frozenset(one.id for one in asked)
            self._start(asked[0])
        else:
            self._next.start()
        return added

    def move(self, ids: Collection[str], before: str | None) -> None:
        self._change(self.queue.moved(ids, before))

    def shift(self, ids: Collection[str], step: Literal[-1, 1]) -> None:
        self._change(self.queue.shifted(ids, step))

    def remove(self, ids: Collection[str]) -> None:
        """Takes scans out of the list. One that runs is stopped first and stays listed. What they found is kept."""
        if self.running is not None and self.running.id in ids:
            self.cancel()
        self._change(self.queue.without(ids))

    def clear_over(self) -> None:
        self._change(self.queue.without_over())

    def hold(self) -> None:
        """Pauses everything: the running scan stands still where it is, none starts."""
        self.restore()
        self._asked = frozenset()
        if self._job is not None:
            self._job.cancel_token.pause()
        self._change(self.queue.held_back())
        self.changed.emit()

    def go_on(self) -> None:
        """Ends a pause."""
        self._left, self.seconds_left = TimeLeft(), None  # the pause is no part of the pace
        if self._job is not None:
            self._job.cancel_token.go_on()
        self._change(self.queue.held_back(False))
        self.changed.emit()
        self._next.start()

    def put_by(self, ids: Collection[str]) -> None:
        """Passes these over until `take_up`; the one that runs is interrupted and the next one gets its turn."""
        self._change(self.queue.turned(ids, "paused", but_only=("waiting",)))
        if self.running is not None and self.running.id in ids:
            self._stop_running("paused")

    def take_up(self, ids: Collection[str]) -> None:
        """Lets scans that were passed over, stopped, or failed wait for their turn again."""
        self._change(self.queue.turned(ids, "waiting", but_only=("paused", "cancelled", "failed")))
        self._next.start()

    def stop(self, ids: Collection[str]) -> None:
        """Stops these: the one that runs within a tile, the others before they begin. They stay listed."""
        self._change(self.queue.turned(ids, "cancelled", but_only=("waiting", "paused")))
        if self.running is not None and self.running.id in ids:
            self.cancel()

    def cancel(self) -> None:
        """Stops the running scan within a tile; the next one gets its turn."""
        self._stop_running("cancelled")

    def cancel_all(self) -> None:
        """Stops the running scan, and none of those that wait will start."""
        self.stop([entry.id for entry in self.queue.entries])

    def shut(self, *, keep: bool = True) -> None:
        """For the end of the program, before its lanes end: what is not over is there at the next start, or dropped."""
        if self._shut:
            return
        self._shut = True
        self._next.stop()
        if self._job is not None:
            self._job.cancel_token.cancel(at_once=True)
        if not keep:
            ids = [entry.id for entry in self.queue.unfinished]
            self.queue = self.queue.turned(ids, "cancelled", but_only=("waiting", "paused", "running"))
        self._keeper.close(self.queue if self._restored else None)

    # -- running -----------------------------------------------------------------------------------

    def _start_next(self) -> None:
        asked = (entry for entry in self.queue.waiting if entry.id in self._asked)
        entry = self.queue.next() or next(asked, None)
        if entry is not None and self._job is None and not self._shut:
            self._start(entry)
        elif self._job is None and self._batch:
            self._tell_all_over()

    def _start(self, entry: Entry) -> None:
        if not self._batch:
            self._since.start()
        if entry.id not in self._batch:  # one that failed and was tried again counts once
            self._batch.append(entry.id)
        job = Job(lambda progress, cancel: scan(entry.request, job.post, progress, cancel), entry.title)
        self._job, self._put_by = job, None
        self._left, self.seconds_left, self.step = TimeLeft(), None, Step(0, 0, "Getting ready")
        job.posted.connect(self._posted)
        job.progress.connect(self._progressed)
        job.finished.connect(lambda summary: self._over("done", summary=summary))
        job.failed.connect(lambda error: self._over("failed", error=error))
        job.cancelled.connect(lambda: self._over(self._put_by or "cancelled"))
        self._change(self.queue.changed(entry.id, state="running", done=0, total=0, summary=None, error=""))
        self._lane.submit(job)
        self.started.emit(self.queue.get(entry.id))
        self.progressed.emit(self.step)

    def _stop_running(self, becomes: State) -> None:
        if self._job is not None:
            self._put_by = becomes
            self._job.cancel()
            self.changed.emit()

    def _posted(self, item: object) -> None:
        entry = self.running
        if isinstance(item, HomeReady) and entry is not None and item.request.project != entry.request.project:
            self._change(self.queue.changed(entry.id, request=item.request))
        self.posted.emit(item)

    def _progressed(self, step: Step) -> None:
        entry = self.running
        if entry is None:
            return
        self.step = step
        if step.total:
            self.seconds_left = self._left.update(step)
            if not entry.total:
                self._change(self.queue.begun(entry.id, step.done, step.total))
            self.queue = self.queue.changed(entry.id, done=step.done, total=step.total)
        self.progressed.emit(step)

    def _over(self, state: State, summary: ScanSummary | None = None, error: Exception | None = None) -> None:
        entry = self.running
        self._job = None
        if entry is None:
            return
        values: dict[str, Any] = {"state": state, "summary": summary, "error": _in_words(error) if error else ""}
        self._change(self.queue.changed(entry.id, **values))
        if state == "paused":
            self._batch.remove(entry.id)
        self.ended.emit(self.queue.get(entry.id), error)
        self._next.start()

    def _tell_all_over(self) -> None:
        """When nothing is left that would start by itself."""
        if not self.queue.unfinished:
            self._change(self.queue.held_back(False))
        entries = tuple(entry for i in self._batch if (entry := self.queue.get(i)) is not None)
        self._batch = []
        if entries:
            self.all_over.emit(Report(entries, self._since.elapsed() / 1000))

    def _change(self, queue: ScanQueue) -> None:
        """Another value of the queue, kept from now on."""
        if queue == self.queue:
            return
        self.queue = queue
        self._keeper.keep(queue)
        self.changed.emit()

    def _written(self, problem: str) -> None:
        if problem and not self._not_kept:
            self.problem.emit(f"The queue of scans would not survive a restart: {problem}")
        self._not_kept = bool(problem)


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, SchliffError) else f"something went wrong: {error or type(error).__name__}"
