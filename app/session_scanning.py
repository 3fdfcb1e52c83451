"""Decides what the session shows of scans: those of the open section live, while the queue runs whatever is in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QTimer

from app.jobs import Job
from app.scan_queue.runner import ScanRunner
from app.scan_queue.work import HomeReady, TileStored
from app.session_opening import Opened
from app.session_project import NewProject, make_project
from app.session_reading import Shown, read_scan
from core.detection import Detection
from core.errors import SchliffError
from core.jobs import Step

if TYPE_CHECKING:
    from pathlib import Path

    from app.session import Session
    from core.models.base import ModelSpec
    from core.project import Project
    from core.project.records import ScanRecord
    from core.scan.options import ScanOptions
    from core.scan.queue import Entry
    from core.scan.request import ScanRequest
    from core.section import Section

SHOW_FOUND_MS = 200  # how long new detections are gathered: a fast scan must not keep the window busy
SHOW_MAP_MS = 500  # how long new parts of the map are gathered
REFRESH_MS = 3000  # how often the growing map and the records are read again during a scan


class ScanControl:
    """Asks for scans of the open section, and follows the one that runs as far as it is of that section."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.runner = ScanRunner(session.lanes.gpu, parent=session)
        self._followed = False
        self._reading: Job | None = None
        self._attaching: Job | None = None
        self._attach_tried: Section | None = None  # it can't take its project where that is damaged
        self._since_reading = QElapsedTimer()
        self._found: dict[int, Detection] = {}  # not shown yet
        self._found_timer = QTimer(session, singleShot=True, interval=SHOW_FOUND_MS)
        self._found_timer.timeout.connect(self._show_found)
        self._map_timer = QTimer(session, singleShot=True, interval=SHOW_MAP_MS)
        self._map_timer.timeout.connect(session.score_map_changed)
        self._wanted: tuple[Path, str | None] | None = None  # shown as soon as its section is open
        self.runner.started.connect(self._started)
        self.runner.posted.connect(self._posted)
        self.runner.progressed.connect(self._progressed)
        self.runner.ended.connect(self._ended)
        self.runner.problem.connect(lambda text: session.message.emit("warning", text))
        session.section_changed.connect(self._section_changed)

    # -- asking ------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.runner.running is not None

    @property
    def running_here(self) -> bool:
        """Whether the scan that runs is of the open section."""
        entry = self.runner.running
        return entry is not None and self.is_of_open_section(entry)

    def is_of_open_section(self, entry: Entry) -> bool:
        """Whether it goes into the project that is open, or will be, for the section that is open."""
        from app.opening import possible_homes

        section, project = self._session.section, self._session.project
        if section is None or not _is_same_path(section.info.path, entry.section):
            return False
        places = (project.path,) if project is not None else possible_homes(section.info.path)
        return any(_is_same_path(place, entry.request.project) for place in places)

    def start(self, spec: ModelSpec, options: ScanOptions) -> None:
        """Scans the open section, now or when the scans before it are over."""
        from core.scan.request import ScanRequest

        self._ask(lambda section, home: ScanRequest.of(section, home, spec, options), spec.name)

    def resume(self, record: ScanRecord, device: str) -> None:
        """Goes on with a stopped scan of the open section, as it was asked for then."""
        from core.scan.request import ScanRequest

        self._ask(lambda section, home: ScanRequest.again(record, section, home, device), record.model_name)

    def _ask(self, request: Callable[[Path, Path], ScanRequest], model: str) -> None:
        from app.opening import project_home
        from core.scan.queue import Entry

        session = self._session
        if session.section is None:
            return
        if session.project is not None and session.project.look_only is not None:
            session.report(session.project.look_only.refusal(session.project.path))
            return
        path = session.section.info.path
        home = session.project.path if session.project is not None else project_home(path)
        entry = Entry(request(path, home), model)
        was_busy = self.running
        added = self.runner.add([entry], now=True)
        if was_busy:
            how = "waits for its turn (Scan ▸ Show the queue)" if added else "is in the queue already"
            session.message.emit("info", f"{entry.title} {how}.")

    def cancel(self) -> None:
        """Stops what runs; what waits gets its turn."""
        self.runner.cancel()

    def stop(self) -> None:
        """Shows nothing any more; what runs is ended with its lane and is in the queue at the next start."""
        self._found_timer.stop()
        self._map_timer.stop()
        self.runner.shut()

    # -- showing -----------------------------------------------------------------------------------

    def show(self, scan_id: str | None) -> None:
        """Another scan of the section: its records, detections and map are read in the background.

        None: the one that was started last.
        """
        session = self._session
        if session.project is None or session.section_record is None:
            return
        project, section_id = session.project, session.section_record.id
        running = self.running_here
        job = self._reading = Job(
            lambda progress, cancel: read_scan(project, section_id, scan_id, prefer_running=running), "Reading a scan"
        )
        job.finished.connect(lambda shown: self._read(job, project, shown))
        job.ended.connect(lambda: self._reading_ended(job))
        self._since_reading.restart()
        session.run_io(job)

    def show_entry(self, entry: Entry) -> None:
        """Opens the section of a queued scan, if another one is open, and shows that scan."""
        scan_id = entry.summary.scan_id if entry.summary is not None else None
        if self.is_of_open_section(entry):
            self.show(scan_id)
            return
        from app.opening import project_home

        request = entry.request
        is_home = _is_same_path(project_home(request.section), request.project)
        self._wanted = (request.section, scan_id)
        self._session.open_path(request.section if is_home else request.project)

    def _section_changed(self) -> None:
        """Another section: what was gathered is of the one before."""
        self._followed, self._found = False, {}
        wanted, self._wanted = self._wanted, None
        section = self._session.section
        if wanted is not None and section is not None and _is_same_path(section.info.path, wanted[0]) and wanted[1]:
            scan_id = wanted[1]
            QTimer.singleShot(0, self._session, lambda: self.show(scan_id))
        elif self.running_here:
            QTimer.singleShot(0, self._session, self._read_soon)

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

    # -- following the one that runs ---------------------------------------------------------------

    def _started(self, entry: Entry) -> None:
        self._followed = False
        self._since_reading.start()
        self._session.scan_started.emit()

    def _posted(self, item: object) -> None:
        if not self.running_here:
            return
        session = self._session
        if isinstance(item, HomeReady) or (session.project is None and session.section is not self._attach_tried):
            self._attach_project()
        elif isinstance(item, TileStored) and not self._map_timer.isActive():
            self._map_timer.start()
        elif isinstance(item, list) and item:
            self._found |= {d.id: d for d in item}
            if not self._found_timer.isActive():
                self._found_timer.start()

    def _attach_project(self) -> None:
        """The open section takes the project that its first scan has made, maybe while the section was being opened."""
        session, section = self._session, self._session.section
        if section is None or session.project is not None or self._attaching is not None:
            return
        self._attach_tried = section
        job = self._attaching = Job(lambda progress, cancel: make_project(section, cancel), "Opening the project")
        job.finished.connect(lambda made: self._attached(made, section))
        job.ended.connect(lambda: self._attaching_ended(job))
        session.run_io(job)

    def _attaching_ended(self, job: Job) -> None:
        if job is self._attaching:
            self._attaching = None

    def _attached(self, made: NewProject, section: object) -> None:
        session = self._session
        if session.section is section and session.project is None:
            session.adopt_project(made.project, made.record, made.review)
            session.message.emit("info", f"Project: {made.project.path}")
            self._read_soon()
        else:
            session.opener.retire(Opened(None, made.project))
            session.opener.close_retired()

    def _show_found(self) -> None:
        from core.ranking import worst_first

        session, found = self._session, self._found
        self._found = {}
        if not found:
            return
        if session.scan is None or session.scan.id != next(iter(found.values())).scan_id:
            if not self._followed:  # else the user looks at another scan
                self._read_soon()
            return
        known = {d.id: d for d in session.detections}
        session.adopt_detections(worst_first((known | {d.id: d for d in self._ranked(found.values())}).values()))

    def _ranked(self, found: Iterable[Detection]) -> list[Detection]:
        """Among what was read of the scan; the next reading ranks all of it anew."""
        project, scan = self._session.project, self._session.scan
        if project is None or scan is None:
            return list(found)
        try:
            return project.ranking(scan.id).ranked(list(found))
        except SchliffError:
            return list(found)  # whatever is read next will say why

    def _progressed(self, step: Step) -> None:
        self._session.scan_progress.emit(step)
        if self._since_reading.elapsed() > REFRESH_MS and self.running_here and not self.runner.stopping:
            self._read_soon()

    def _read_soon(self) -> None:
        """Reads the running scan until it is shown once; then whichever the user looks at."""
        if self._reading is None:
            scan = self._session.scan
            self.show(scan.id if scan is not None and self._followed else None)

    def _ended(self, entry: Entry, error: Exception | None) -> None:
        session, ours = self._session, self.is_of_open_section(entry)
        if error is not None:
            self._report(entry, error, ours)
        if ours:
            self._show_found()
        session.scan_finished.emit(entry.summary)
        if ours:
            self._show_at_last(entry.summary.scan_id if entry.summary is not None else None)

    def _report(self, entry: Entry, error: Exception, ours: bool) -> None:
        """Of a scan that nobody looks at, which one it was."""
        if ours or not isinstance(error, SchliffError):
            self._session.report(error)
        else:
            self._session.message.emit("error", f"{entry.title}: {error}")

    def _show_at_last(self, scan_id: str | None) -> None:
        """A scan may be over before its project is open here, or before anybody began to open it."""
        if scan_id is not None:
            self._attach_project()
        if self._attaching is None:
            self.show(scan_id)
        else:
            self._attaching.ended.connect(lambda: self.show(scan_id))


def _is_same_path(one: Path, other: Path) -> bool:
    return os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))  # noqa: PTH100 - links stay
