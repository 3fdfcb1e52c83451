"""Decides how a scan runs behind the window: where its project comes from, and what is shown while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QElapsedTimer, QTimer

from app.jobs import Job
from app.session_opening import Opened
from app.session_project import NewProject, make_project
from app.session_reading import Shown, read_scan
from core.detection import Detection
from core.jobs import CancelToken, Progress, Step

if TYPE_CHECKING:
    from app.session import Session
    from core.models.base import ModelSpec
    from core.project import Project
    from core.scan.options import ScanOptions
    from core.section import Section

SHOW_FOUND_MS = 200  # how long new detections are gathered: a fast scan must not keep the window busy
SHOW_MAP_MS = 500  # how long new parts of the map are gathered
_TILE_STORED = object()  # posted when the scores of one more tile are on the disk
REFRESH_MS = 3000  # how often the growing map and the records are read again during a scan


class ScanControl:
    """Starts, follows and stops the one scan that may run."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job | None = None
        self._section: Section | None = None
        self._followed = False
        self._reading: Job | None = None
        self._since_reading = QElapsedTimer()
        self._found: dict[int, Detection] = {}  # not shown yet
        self._found_timer = QTimer(session, singleShot=True, interval=SHOW_FOUND_MS)
        self._found_timer.timeout.connect(self._show_found)
        self._map_timer = QTimer(session, singleShot=True, interval=SHOW_MAP_MS)
        self._map_timer.timeout.connect(session.score_map_changed)

    @property
    def running(self) -> bool:
        return self._job is not None

    @property
    def cancelling(self) -> bool:
        return self._job is not None and self._job.cancel_token.cancelled

    def start(self, spec: ModelSpec, options: ScanOptions) -> None:
        session = self._session
        if session.section is None or self.running:
            return
        section, project = session.section, session.project
        job = Job(lambda progress, cancel: _scan(job, section, project, spec, options, progress, cancel), spec.name)
        self._job, self._section, self._followed = job, section, False
        job.posted.connect(self._posted)
        job.progress.connect(self._progressed)
        job.failed.connect(session.report)
        job.finished.connect(self._over)
        job.failed.connect(lambda error: self._over(None))
        job.cancelled.connect(lambda: self._over(None))
        self._since_reading.start()
        session.lanes.gpu.submit(job)
        session.scan_started.emit()
        session.scan_progress.emit(Step(0, 0, "Getting ready"))

    def stop(self) -> None:
        """Shows nothing any more; what runs is ended with its lane."""
        self._found_timer.stop()
        self._map_timer.stop()

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def show(self, scan_id: str | None) -> None:
        """Another scan of the section: its records, detections and map are read in the background.

        None: the one that was started last.
        """
        session = self._session
        if session.project is None or session.section_record is None:
            return
        project, section_id = session.project, session.section_record.id
        running = self.running
        job = self._reading = Job(
            lambda progress, cancel: read_scan(project, section_id, scan_id, prefer_running=running), "Reading a scan"
        )
        job.finished.connect(lambda shown: self._read(job, project, shown))
        job.ended.connect(lambda: self._reading_ended(job))
        self._since_reading.restart()
        session.run_io(job)

    def _read(self, job: Job, project: Project, shown: Shown) -> None:
        session = self._session
        if job is not self._reading or project is not session.project:
            return
        self._followed |= shown.scan is not None and shown.scan.status == "running"
        session.adopt_scans(shown.scans, shown.scan)
        session.adopt_detections(shown.detections)
        session.adopt_score_map(shown.score_map)

    def _reading_ended(self, job: Job) -> None:
        if job is self._reading:
            self._reading = None

    def _is_of_open_section(self) -> bool:
        return self._section is self._session.section

    def _posted(self, item: object) -> None:
        """The project that was made for the scan, or what was found in one tile."""
        session = self._session
        if isinstance(item, NewProject):
            if self._is_of_open_section() and session.project is None:
                session.adopt_project(item.project, item.record, item.review)
                session.message.emit("info", f"Project: {item.project.path}")
            else:
                session.opener.retire(Opened(None, item.project))
        elif item is _TILE_STORED and not self._map_timer.isActive():
            self._map_timer.start()
        elif isinstance(item, list) and item and self._is_of_open_section():
            self._found |= {d.id: d for d in item}
            if not self._found_timer.isActive():
                self._found_timer.start()

    def _show_found(self) -> None:
        from core.ranking import worst_first

        session, found = self._session, self._found
        self._found = {}
        if not found or not self._is_of_open_section():
            return
        if session.scan is None or session.scan.id != next(iter(found.values())).scan_id:
            self._read_soon()
            return
        session.adopt_detections(worst_first(({d.id: d for d in session.detections} | found).values()))

    def _progressed(self, step: Step) -> None:
        self._session.scan_progress.emit(step)
        if self._since_reading.elapsed() > REFRESH_MS and self._is_of_open_section() and not self.cancelling:
            self._read_soon()

    def _read_soon(self) -> None:
        """Reads the running scan until it is shown once; then whichever the user looks at."""
        if self._reading is None:
            scan = self._session.scan
            self.show(scan.id if scan is not None and self._followed else None)

    def _over(self, summary: Any) -> None:
        session, ours = self._session, self._is_of_open_section()
        self._show_found()
        self._job = self._section = None
        session.opener.close_retired()
        session.scan_finished.emit(summary)
        if ours:
            self.show(summary.scan_id if summary is not None else None)


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
        made = make_project(section)
        job.post(made)
        project = made.project
    progress(Step(0, 0, f"Loading {spec.name}"))
    from core.models.catalog import load_model
    from core.scan.options import Watchers
    from core.scan.runner import run_scan

    model = load_model(spec, options.device)
    cancel.check()
    watchers = Watchers(on_detections=job.post, on_tile=lambda tile: job.post(_TILE_STORED))
    return run_scan(project, section, model, options, progress, cancel, watchers)
