"""Decides how the window's training goes on in the background: one at a time, beside scans, in a process of its own.

What it was doing is kept when it is over, until the next one, so that it can be looked at and gone on with.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Lane
from core.errors import InputError
from core.jobs import Step
from core.timing import TimeLeft

if TYPE_CHECKING:
    from core.train.cost import Cost
    from core.train.curves import Curves
    from core.train.request import TrainRequest
    from core.worker.training import TrainingWorker

State = Literal["none", "running", "done", "stopped", "failed"]


class TrainingRunner(QObject):
    """Use it from the window's thread only. `state` says how the training in `request` stands."""

    changed = Signal()  # its state, a pause, a stop
    progressed = Signal(object)  # Step
    measured = Signal()  # `curves` have more points
    ended = Signal()  # it is over: see `state`, `metrics`, `error`
    learnt = Signal()  # there is another model
    costed = Signal(object)  # Cost, the Exception that came instead, or None when it was broken off
    costing = Signal(object)  # Step

    def __init__(self, lane: Lane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lane = lane
        self._worker: TrainingWorker | None = None
        self._job: Job | None = None
        self._cost_job: Job | None = None
        self._left = TimeLeft()
        self.request: TrainRequest | None = None
        self.state: State = "none"
        self.step = Step(0, 0)
        self.seconds_left: float | None = None
        self.curves: Curves | None = None
        self.metrics: Mapping[str, Any] = {}
        self.record: Mapping[str, Any] = {}  # what the card of a finished model says of its training
        self.error: Exception | None = None

    # -- asking ------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def paused(self) -> bool:
        return self._job is not None and self._job.cancel_token.paused

    @property
    def stopping(self) -> bool:
        return self._job is not None and self._job.cancel_token.cancelled

    @property
    def is_costing(self) -> bool:
        return self._cost_job is not None

    @property
    def worker_pid(self) -> int | None:
        """Of the process that trains, None while there is none."""
        return self._worker.worker.pid if self._worker is not None else None

    # -- training ----------------------------------------------------------------------------------

    def start(self, request: TrainRequest) -> None:
        """Trains, or goes on with what was begun in its folder; does nothing while another one runs."""
        if self.running:
            return
        self.break_off_cost()
        from core.train.curves import Curves, curves_so_far

        worker = self._the_worker()

        def work(progress: Any, cancel: Any) -> Any:
            job.post(list(curves_so_far(request.out)))

            def told(step: Step) -> None:
                if getattr(step, "figures", None):  # of steps themselves only the latest arrives
                    job.post([step])
                progress(step)

            return worker.train(request, told, cancel), _record_of(request.out)

        job = self._job = Job(work, "Training")
        self.request, self.state, self.curves, self.metrics, self.error = request, "running", Curves(), {}, None
        self.record = {}
        self.step, self.seconds_left, self._left = Step(0, 0, "Getting ready"), None, TimeLeft()
        job.progress.connect(self._progressed)
        job.posted.connect(self._measured)
        job.finished.connect(lambda learnt: self._over("done", *learnt))
        job.failed.connect(lambda error: self._over("failed", error=error))
        job.cancelled.connect(lambda: self._over("stopped"))
        self._lane.submit(job)
        self.changed.emit()

    def pause(self) -> None:
        if self._job is not None:
            self._job.cancel_token.pause()
            self.changed.emit()

    def go_on(self) -> None:
        """Ends a pause."""
        if self._job is not None:
            self._left, self.seconds_left = TimeLeft(), None  # the pause is no part of the pace
            self._job.cancel_token.go_on()
            self.changed.emit()

    def cancel(self) -> None:
        """Stops it; what was learnt so far is kept."""
        if self._job is not None:
            self._job.cancel()
            self.changed.emit()

    def forget(self) -> None:
        """Of one that is over nothing is shown any more."""
        if not self.running:
            self.request, self.state, self.error = None, "none", None
            self.changed.emit()

    def shut(self) -> None:
        """For the end of the program, before its lanes end: the process is ended at once, whatever it does."""
        for job in (self._job, self._cost_job):
            if job is not None:
                job.cancel_token.cancel(at_once=True)
        if self._worker is not None:
            self._worker.close()

    # -- what one would cost -----------------------------------------------------------------------

    def cost(self, request: TrainRequest) -> None:
        """Measures how long it would take; `costed` tells. A measurement that is going on is broken off."""
        self.break_off_cost()
        worker = self._the_worker()
        job = self._cost_job = Job(lambda progress, cancel: worker.cost(request, progress, cancel), "Measuring")
        job.progress.connect(self.costing)
        job.finished.connect(lambda cost: self._costed(job, cost))
        job.failed.connect(lambda error: self._costed(job, error))
        self._lane.submit(job)
        self.changed.emit()

    def break_off_cost(self) -> None:
        job, self._cost_job = self._cost_job, None
        if job is not None:
            job.cancel_token.cancel(at_once=True)
            self.costed.emit(None)

    # -- following ---------------------------------------------------------------------------------

    def _progressed(self, step: Step) -> None:
        self.step = step
        if step.total:
            self.seconds_left = self._left.update(step)
        self.progressed.emit(step)

    def _measured(self, steps: list[Any]) -> None:
        if self.curves is not None:
            for step in steps:
                self.curves.add(step)
            self.measured.emit()

    def _over(
        self, state: State, metrics: Mapping[str, Any] | None = None, record: Mapping[str, Any] | None = None,
        error: Exception | None = None,
    ) -> None:  # fmt: skip
        self._job = None
        self.state, self.metrics, self.record, self.error = state, metrics or {}, record or {}, error
        self.changed.emit()
        self.ended.emit()
        if state == "done":
            self.learnt.emit()

    def _costed(self, job: Job, outcome: Cost | Exception) -> None:
        if job is self._cost_job:
            self._cost_job = None
            self.changed.emit()
            self.costed.emit(outcome)

    def _the_worker(self) -> TrainingWorker:
        if self._worker is None:
            from core.worker.training import TrainingWorker

            self._worker = TrainingWorker()
        return self._worker


def _record_of(folder: Path) -> Mapping[str, Any]:
    """Nothing where it has no card that can be read: that is told when somebody scans with it."""
    from core.models.card import read_card

    try:
        record = read_card(folder).get("training")
    except InputError:
        return {}
    return record if isinstance(record, Mapping) else {}
