"""Decides how a scan runs behind the window: where its project comes from, and what is shown while it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QElapsedTimer

from app.jobs import Job
from app.session_opening import project_home
from core.detection import Detection
from core.jobs import CancelToken, Progress, Step

if TYPE_CHECKING:
    from app.session import Session
    from core.models.base import ModelSpec
    from core.project import Project, ScanRecord, ScoreMap, SectionRecord
    from core.review import Review
    from core.scan.runner import ScanOptions
    from core.section import Section

MAP_REFRESH_MS = 4000  # how often the growing map and set of detections are read again during a scan

Shown = tuple["list[ScanRecord]", "ScanRecord | None", list[Detection], "ScoreMap | None"]


class ScanControl:
    """Starts, follows and stops the one scan that may run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._refreshing: Job | None = None
        self._since_refresh = QElapsedTimer()

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def title(self) -> str:
        return self._job.title if self._job is not None else ""

    def start(self, spec: ModelSpec, options: ScanOptions) -> None:
        session = self._session
        section = session.section
        if section is None or self.running:
            return
        given = session.project
        job = self._job = Job(lambda progress, cancel: work(progress, cancel), spec.name)

        def work(progress: Progress, cancel: CancelToken) -> Any:
            return _scan(job, section, given, spec, options, progress, cancel)

        job.posted.connect(lambda item: self._posted(job, item))
        job.progress.connect(self._progressed)
        job.failed.connect(session.report)
        job.finished.connect(lambda summary: self._over(job, summary))
        job.failed.connect(lambda error: self._over(job, None))
        job.cancelled.connect(lambda: self._over(job, None))
        self._since_refresh.start()
        session.lanes.gpu.submit(job)
        session.scan_started.emit()
        session.scan_progress.emit(Step(0, 0, "Getting ready"))

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def show(self, scan_id: str | None) -> None:
        """Another scan of the section: records, detections and map are read in the background."""
        session = self._session
        if session.project is None or session.section_record is None:
            return
        project, section_id = session.project, session.section_record.id
        if self._refreshing is not None:
            self._refreshing.cancel()
        job = self._refreshing = Job(lambda progress, cancel: _load(project, section_id, scan_id), "Reading the scan")
        job.finished.connect(lambda shown: self._loaded(job, shown))
        self._since_refresh.restart()
        session.run_io(job)

    def _loaded(self, job: Job, shown: Shown) -> None:
        if job is not self._refreshing:
            return
        self._refreshing = None
        scans, active, detections, score_map = shown
        self._session.adopt_scans(scans, active)
        self._session.adopt_detections(detections)
        self._session.adopt_score_map(score_map)

    def _posted(self, job: Job, item: object) -> None:
        """The project that was made for the scan, or detections of a tile."""
        session = self._session
        if job.cancel_token.cancelled and session.project is not None:
            return
        if isinstance(item, _NewProject):
            session.adopt_project(item.project, item.record, item.review)
            session.message.emit("info", f"Project: {item.project.path}")
        elif isinstance(item, list) and item:
            self._found(item)

    def _found(self, detections: list[Detection]) -> None:
        session = self._session
        scan_id = detections[0].scan_id
        if session.scan is None or session.scan.id != scan_id:
            self.show(scan_id)
            return
        from core.ranking import worst_first

        merged = {d.id: d for d in session.detections} | {d.id: d for d in detections}
        session.adopt_detections(worst_first(merged.values()))

    def _progressed(self, step: Step) -> None:
        session = self._session
        session.scan_progress.emit(step)
        due = self._since_refresh.elapsed() > MAP_REFRESH_MS
        if due and self._refreshing is None and session.project is not None and not self._is_cancelled():
            self.show(self._running_id())

    def _running_id(self) -> str | None:
        """The scan that runs, as far as the project knows it yet."""
        session = self._session
        assert session.project is not None
        assert session.section_record is not None
        running = [s for s in session.project.scans(session.section_record.id) if s.status == "running"]
        return running[-1].id if running else (session.scan.id if session.scan else None)

    def _is_cancelled(self) -> bool:
        return self._job is not None and self._job.cancel_token.cancelled

    def _over(self, job: Job, summary: Any) -> None:
        session = self._session
        self._job = None
        session.opener.close_retired()
        session.scan_finished.emit(summary)
        scan_id = getattr(summary, "scan_id", None) or (session.scan.id if session.scan else None)
        self.show(scan_id)


class _NewProject:
    def __init__(self, project: Project, record: SectionRecord, review: Review) -> None:
        self.project, self.record, self.review = project, record, review


def _scan(
    job: Job,
    section: Section,
    project: Project | None,
    spec: ModelSpec,
    options: ScanOptions,
    progress: Progress,
    cancel: CancelToken,
) -> Any:
    """In the GPU lane: a project if there is none, the model (torch is imported here), the scan."""
    if project is None:
        made = _make_project(section)
        job.post(made)
        project = made.project
    progress(Step(0, 0, f"Loading {spec.name}"))
    from core.models.catalog import load_model
    from core.scan.runner import run_scan

    model = load_model(spec, options.device)
    cancel.check()
    return run_scan(project, section, model, options, progress, cancel, on_detections=job.post)


def _make_project(section: Section) -> _NewProject:
    from core.project import Project
    from core.review import Review

    home: Path = project_home(section.info.path)
    home.parent.mkdir(parents=True, exist_ok=True)
    project = Project.open_or_create(home)
    return _NewProject(project, project.add_section(section), Review(project))


def _load(project: Project, section_id: int, scan_id: str | None) -> Shown:
    scans = project.scans(section_id)
    active = next((s for s in scans if s.id == scan_id), None)
    if active is None:
        return scans, None, [], None
    return scans, active, project.detections(active.id), project.score_map(active.id)
