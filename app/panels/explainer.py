"""Decides when an explanation is computed: a moment after the selection rests, in its own process, only the last one.

A scan may hold the GPU lane for an hour, so explanations have a process of their own, with a thread here that waits for
it, and compute on the processor. The window's process never loads torch for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, QThreadPool, QTimer, Signal

from app.jobs import Job
from core.detection import Detection
from core.errors import SchliffError
from core.jobs import CancelToken, Progress
from core.project.records import ScanRecord
from core.section import Section

if TYPE_CHECKING:
    from core.explain import Explanation
    from core.project import Project
    from core.worker.explaining import ExplainingWorker

DEBOUNCE_MS = 180


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained, and all that is needed for it. `label`: whose reasons are asked for."""

    section: Section
    project: Project | None
    scan: ScanRecord
    detection: Detection
    label: str


# What answers a question; it runs in the explainer's thread.
Answer = Callable[[Question, Progress, CancelToken], "Explanation"]


class Explainer(QObject):
    """`answered(Question, Explanation)` or `failed(Question, str)` for the last question; earlier ones are dropped.

    `said(Question, str)` tells meanwhile what is being done.

    Args:
        answer: another way to an explanation than a worker process.
    """

    said = Signal(object, str)
    answered = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject | None = None, answer: Answer | None = None) -> None:
        super().__init__(parent)
        self._answer = answer or self._ask_worker
        self._worker: ExplainingWorker | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._open: set[Job] = set()
        self._closed = False
        self._question: Question | None = None
        self._job: Job | None = None
        self._rest = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._rest.timeout.connect(self._begin)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    def ask(self, question: Question | None) -> None:
        """Drops what was asked before; None asks nothing."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._question = question
        if question is None:
            self._rest.stop()
        else:
            self._rest.start()

    def close(self) -> None:
        """Cancels and joins the thread, ends the process; nothing is explained afterwards."""
        self._closed = True
        self.ask(None)
        if self._worker is not None:
            self._worker.close()
        self._pool.waitForDone()

    def _begin(self) -> None:
        question = self._question
        if question is None or self._closed:
            return
        job = self._job = Job(lambda progress, cancel: self._answer(question, progress, cancel), "Explaining")
        job.finished.connect(lambda found: self._over(job, question, found))
        job.failed.connect(lambda error: self._went_wrong(job, question, error))
        job.progress.connect(lambda step: self._says(job, question, step.message))
        self._open.add(job)
        job.ended.connect(lambda: self._open.discard(job))
        self._pool.start(job.run)

    def _says(self, job: Job, question: Question, text: str) -> None:
        if job is self._job:
            self.said.emit(question, text)

    def _over(self, job: Job, question: Question, found: Explanation) -> None:
        if job is self._job:
            self._job = None
            self.answered.emit(question, found)

    def _went_wrong(self, job: Job, question: Question, error: Exception) -> None:
        if job is not self._job:
            return
        self._job = None
        known = isinstance(error, SchliffError)
        self.failed.emit(question, str(error) if known else f"The model could not explain it: {error}")

    # -- in the thread ----------------------------------------------------------------------------

    def _ask_worker(self, question: Question, progress: Progress, cancel: CancelToken) -> Explanation:
        from core.explain_request import ExplainRequest
        from core.worker.explaining import ExplainingWorker

        if self._worker is None:
            self._worker = ExplainingWorker()  # it starts nothing once the job is cancelled
        section, project = question.section.info.path, question.project
        project_path = project.path if project else None
        request = ExplainRequest.of(section, project_path, question.scan, question.detection, question.label)
        return self._worker.explain(request, progress, cancel)
