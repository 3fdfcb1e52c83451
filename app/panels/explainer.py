"""Decides when an explanation is computed: a moment after the selection rests, in its own thread, only the last one.

A scan may hold the GPU lane for an hour, so explanations have a thread of their own and compute on the processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, QThreadPool, QTimer, Signal

from app.jobs import Job
from core.detection import Detection
from core.errors import SchliffError
from core.jobs import CancelToken, Progress, Step
from core.project.records import ScanRecord
from core.section import Plane, Section

if TYPE_CHECKING:
    from core.explain import Explanation
    from core.models.base import Model
    from core.project import Project

DEBOUNCE_MS = 180


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be explained, and all that is needed for it."""

    section: Section
    project: Project | None
    scan: ScanRecord
    detection: Detection


class Explainer(QObject):
    """`answered(Question, Explanation)` or `failed(Question, str)` for the last question; earlier ones are dropped.

    `said(Question, str)` tells meanwhile what is being done.
    """

    said = Signal(object, str)
    answered = Signal(object, object)
    failed = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._open: set[Job] = set()
        self._closed = False
        self._loaded: tuple[str, Any] | None = None
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
        """Cancels and joins the thread; nothing is explained afterwards."""
        self._closed = True
        self.ask(None)
        self._pool.waitForDone()

    def _begin(self) -> None:
        question = self._question
        if question is None or self._closed:
            return
        job = self._job = Job(lambda progress, cancel: self._explain(question, progress, cancel), "Explaining")
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

    def _explain(self, question: Question, progress: Progress, cancel: CancelToken) -> Explanation:
        from core.explain import explain_detection

        progress(Step(0, 0, "Loading the model …"))
        model = self._model(question)
        cancel.check()
        progress(Step(0, 0, "Asking the model …"))
        plane = Plane(*question.scan.parameters.get("plane", ()))
        return explain_detection(question.section, question.detection, model, plane)

    def _model(self, question: Question) -> Model:
        """The scan's model, with what it learned from this section; kept until another scan is asked about."""
        from core.models.catalog import load_model, model_of_scan

        key = f"{question.project.path if question.project else ''}|{question.scan.id}"
        if self._loaded is None or self._loaded[0] != key:
            scan = question.scan
            model = load_model(model_of_scan(scan.model_id, scan.model_version, scan.model_path), "cpu")
            learned = question.project.maps(question.scan.id).load_learned() if question.project else None
            if learned is not None:
                model.restore(learned)
            self._loaded = key, model
        return self._loaded[1]
