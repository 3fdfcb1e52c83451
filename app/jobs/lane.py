"""Decides in which thread a job runs: one after the other in a lane, the lanes side by side, all joined at exit."""

from __future__ import annotations

import queue

from PySide6.QtCore import QObject, QThread

from app.jobs.job import Job
from core.priority import lower_this_thread


class _LaneThread(QThread):
    def __init__(self, jobs: queue.SimpleQueue[Job | None], name: str, *, gives_way: bool) -> None:
        super().__init__()
        self._gives_way = gives_way
        self.setObjectName(name)
        self._jobs = jobs

    def run(self) -> None:
        if self._gives_way:
            lower_this_thread()
        while (job := self._jobs.get()) is not None:
            job.run()
            del job  # it may go while the lane waits for the next


class Lane(QObject):
    """A thread that runs its jobs in the order they came. It starts with the first job.

    `gives_way`: where the processor is busy, after what serves the eye.
    """

    def __init__(self, name: str, parent: QObject | None = None, *, gives_way: bool = False) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = _LaneThread(self._jobs, name, gives_way=gives_way)
        self._open_jobs: set[Job] = set()
        self._closed = False

    def submit(self, job: Job) -> Job:
        """Runs `job` when those before it are done; keeps it alive until then. A closed lane runs nothing any more:
        a timer of the window may still ask at the very end."""
        if self._closed:
            return job
        self._open_jobs.add(job)
        job.ended.connect(lambda: self._open_jobs.discard(job))
        self._jobs.put(job)
        if not self._thread.isRunning():
            self._thread.start()
        return job

    @property
    def busy(self) -> bool:
        """Whether any job has not told its ending yet."""
        return bool(self._open_jobs)

    @property
    def running(self) -> bool:
        """Whether the thread exists."""
        return self._thread.isRunning()

    def cancel_all(self) -> None:
        for job in self._open_jobs:
            job.cancel()

    def close(self) -> None:
        """Cancels what is left and waits for the thread. Endings not yet told are dropped with their jobs."""
        if self._closed:
            return
        self._closed = True
        self.cancel_all()
        self._jobs.put(None)
        self._thread.wait()
        for job in self._open_jobs:
            job.silence()
        self._open_jobs.clear()


class Lanes(QObject):
    """The program's lanes: `gpu` for scans and explanations (one at a time), `io` for files and the project, `build`
    for overviews that take minutes and must keep nobody waiting, `copies` for files that a person asked for,
    `eye` for what is measured for the display, which nobody else should wait for, `training` for trainings, which take
    hours, `judging` for evaluations, and `data` for reading what is to be learnt from."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.gpu = Lane("gpu", self, gives_way=True)
        self.io = Lane("io", self)
        self.build = Lane("build", self)
        self.copies = Lane("copies", self)
        self.eye = Lane("eye", self, gives_way=True)
        self.training = Lane("training", self, gives_way=True)
        self.judging = Lane("judging", self, gives_way=True)
        self.data = Lane("data", self, gives_way=True)

    def close(self) -> None:
        """Cancels everything first, then joins: a running scan ends within one tile."""
        lanes = (self.gpu, self.io, self.build, self.copies, self.eye, self.training, self.judging, self.data)
        for lane in lanes:
            lane.cancel_all()
        for lane in lanes:
            lane.close()
