"""Decides what is open, chosen, hidden and selected: the one holder of mutable state, which says so by signals.

Panels, gallery and viewer read its attributes, call its methods and follow its signals; they never talk to each
other. Opening files is for `app.session_opening`, running scans for `app.session_scanning`, drawings for
`app.session_drawings`, fiducials for `app.session_registration`, decisions and undo for `app.session_review`, how it is all
left for `app.session_saving`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Lanes
from app.layer_styles import LayerStyles
from app.session_calibration import CalibrationControl
from app.session_chemistry import ChemistryControl
from app.session_classes import ClassControl
from app.session_drawings import Drawings
from app.session_foreground import ForegroundControl
from app.session_inspection import InspectionControl
from app.session_look import LookControl
from app.session_opening import Opened, Opener
from app.session_others import Others
from app.session_overviews import OverviewBuilder
from app.session_picked import Picking
from app.session_pictures import Pictures
from app.session_places import Places
from app.session_project import ProjectMaker
from app.session_registration import RegistrationControl
from app.session_review import ReviewControl
from app.session_saving import Saving
from app.session_scanning import ScanControl
from app.session_state import ViewState
from app.session_visible import Visible
from app.training.runner import TrainingRunner
from core.detection import Detection, Status
from core.detection_table import DetectionTable
from core.errors import SchliffError
from core.look import Look
from core.section_info import Plane

if TYPE_CHECKING:
    from app.scan_queue.runner import ScanRunner
    from core.models.base import ModelSpec
    from core.project import Project, ScanRecord, ScoreMap, SectionRecord
    from core.review import Review
    from core.scan.options import ScanOptions
    from core.section import Array, Section

DEFAULT_THRESHOLD = 0.5  # while there is no scan


class Session(QObject):
    """Everything the window shows, in one place. Use it from the window's thread only."""

    leaving = Signal()  # the section is about to go: what isn't stored yet must be, or it goes into the next project
    section_changed = Signal()  # another section, or none
    project_changed = Signal()  # another project, or none
    scans_changed = Signal()  # the list of scans, one of their records, or which one is active
    detections_changed = Signal()  # the set of detections of the active scan
    visible_changed = Signal()  # threshold or hidden labels: which of them are shown
    selection_changed = Signal(str)  # who selected: "viewer", "gallery", "keys", "session"
    decisions_changed = Signal(list)  # ids of detections whose status or note changed
    display_changed = Signal()  # plane or look: the pixels are shown differently
    layers_changed = Signal()  # which layers are shown, in which order, and how
    score_map_changed = Signal()  # the anomaly map of the active scan
    overviews_changed = Signal(object)  # Box in level-0 px whose coarse tiles are better now; None: all of them
    scan_started = Signal()
    scan_progress = Signal(object)  # core.jobs.Step
    scan_finished = Signal(object)  # ScanSummary, or None when it was cancelled or failed
    models_changed = Signal()  # there is another model to scan with
    activity_changed = Signal(str, int, int)  # what the IO lane does for the user, done, total; "" = nothing
    path_opened = Signal(str)  # for the list of recent files
    failed_to_open = Signal(object)  # the Exception; a `message` tells it too
    message = Signal(str, str)  # level ("note", "info", "warning", "error"), one line of text

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lanes = Lanes(self)
        self.section: Section | None = None
        self.section_record: SectionRecord | None = None
        self.project: Project | None = None
        self.plane = Plane()
        self.look = Look()
        self.scans: list[ScanRecord] = []
        self.scan: ScanRecord | None = None
        self.table = DetectionTable()
        self.score_map: ScoreMap | None = None
        self.threshold = DEFAULT_THRESHOLD
        self.hidden_labels: frozenset[str] = frozenset()
        self.selected_id: int | None = None
        self.layers = LayerStyles()
        self.view: ViewState | None = None
        self._visible = Visible(self)
        self.saving = Saving(self)

        self.opener = Opener(self)
        self.scan_control = ScanControl(self)
        self.training = TrainingRunner(self.lanes.training, self)
        self.training.learnt.connect(self.models_changed)
        self.overviews = OverviewBuilder(self)
        self.places = Places(self)
        self.picking = Picking(self)
        self.project_maker = ProjectMaker(self)
        self.calibration = CalibrationControl(self)
        self.drawings = Drawings(self)
        self.registration = RegistrationControl(self)
        self.pictures = Pictures(self)
        self.chemistry = ChemistryControl(self)
        self.looks = LookControl(self)
        self.foreground = ForegroundControl(self)
        self.foreground.changed.connect(self.saving.soon)
        self.reviewing = ReviewControl(self)
        self.classes = ClassControl(self)
        self.inspection = InspectionControl(self)
        self.others = Others(self)

    # -- opening and scanning ---------------------------------------------------------------------

    def open_path(self, path: str | Path) -> None:
        """Opens a section or a project folder in the background; `section_changed` or an error `message` follows."""
        self.opener.open(Path(path))

    def close_section(self) -> None:
        """Back to the empty window."""
        self.opener.close_current()

    @property
    def scanning(self) -> bool:
        """Whether any scan runs."""
        return self.scan_control.running

    @property
    def scanning_here(self) -> bool:
        """Whether the open section is being scanned."""
        return self.scan_control.running_here

    @property
    def queue(self) -> ScanRunner:
        """All scans that run, wait, or are over."""
        return self.scan_control.runner

    def start_scan(self, spec: ModelSpec, options: ScanOptions) -> None:
        """Scans the open section in the background, at once or when the scans before it are over; makes a project where
        there is none yet."""
        self.scan_control.start(spec, options)

    def cancel_scan(self) -> None:
        """Stops the running scan within a tile; starting it again resumes. The next one in the queue gets its turn."""
        self.scan_control.cancel()

    def set_scan(self, scan_id: str | None) -> None:
        """Shows another scan of this section; its detections follow with `detections_changed`."""
        self.scan_control.show(scan_id)

    # -- what is shown ----------------------------------------------------------------------------

    @property
    def detections(self) -> list[Detection]:
        """All of the active scan, worst first, those below the threshold too. Don't change the list."""
        return self.table.detections

    def visible_detections(self) -> list[Detection]:
        """Detections at or above the threshold whose label is not hidden, worst first. Don't change the list."""
        return self._visible.detections()

    def visible_rows(self) -> Array:
        """The rows of `table` that are visible, ascending. Don't change it."""
        return self._visible.rows()

    def detection(self, detection_id: int | None) -> Detection | None:
        """The detection of the active scan with this id, if there is one."""
        row = self.table.row(detection_id)
        return self.table[row] if row is not None else None

    def visible_row(self, detection_id: int | None) -> int | None:
        """Where a detection stands among the visible ones; None where it isn't shown."""
        return self._visible.place(detection_id)

    @property
    def selected(self) -> Detection | None:
        return self.detection(self.selected_id)

    def set_threshold(self, value: float) -> None:
        if value == self.threshold:
            return
        self.threshold = float(value)
        self._filter_changed()

    def set_hidden_labels(self, labels: Iterable[str]) -> None:
        hidden = frozenset(labels)
        if hidden == self.hidden_labels:
            return
        self.hidden_labels = hidden
        self._filter_changed()

    def set_layers(self, layers: LayerStyles) -> None:
        """As in `session.set_layers(session.layers.styled("heat", visible=False))`."""
        if layers != self.layers:
            self.layers = layers
            self.layers_changed.emit()
            self.saving.soon()

    def set_plane(self, plane: Plane) -> None:
        if plane != self.plane:
            self.plane = plane
            self.display_changed.emit()
            self.saving.soon()

    def set_look(self, look: Look) -> None:
        """How the section is shown, to the eye only: models don't see it."""
        if look != self.look:
            self.look = look
            self.display_changed.emit()
            self.saving.soon()

    def set_view(self, view: ViewState) -> None:
        """The viewer tells where it is, so that it can be left and found again."""
        self.view = view
        self.saving.soon()

    # -- choosing and judging ---------------------------------------------------------------------

    def select(self, detection_id: int | None, source: str) -> None:
        """Selects one detection (None: none). `source` lets a listener ignore its own selection."""
        if detection_id != self.selected_id:
            self.selected_id = detection_id
            self.selection_changed.emit(source)
            self.saving.soon()

    def select_next(self, step: int = 1, source: str = "keys") -> None:
        """The next (or with -1 the previous) visible detection, worst first; stops at the ends."""
        visible = self.visible_detections()
        if not visible:
            return
        place = self.visible_row(self.selected_id)
        if place is None:
            place = -1 if step > 0 else len(visible)
        self.select(visible[min(max(place + step, 0), len(visible) - 1)].id, source)

    @property
    def can_undo(self) -> bool:
        return self.reviewing.can_undo

    @property
    def can_redo(self) -> bool:
        return self.reviewing.can_redo

    def decide(
        self, status: Status | None, ids: Iterable[int] | None = None, note: str | None = None, label: str | None = None
    ) -> None:
        """Records a person's decision (`core.review`) about the selected detection, or about all of `ids`; one step of undo."""
        self.reviewing.decide(status, ids, note, label)

    def undo(self) -> None:
        """Takes back what was done last (a decision, a drawing) and selects what it was about."""
        self.reviewing.undo()

    def redo(self) -> None:
        """Does again what was taken back last, and selects what it is about."""
        self.reviewing.redo()

    def adopt_decisions(self, changed: Iterable[Detection]) -> None:
        """Detections as they are now, in the place of those with their ids; `decisions_changed` is for the caller."""
        self._take(self.table.replaced(changed))

    # -- telling the user -------------------------------------------------------------------------

    def report(self, error: Exception) -> None:
        """Shows an error: file, what, remedy in one line. Errors nobody foresaw go to the log with their trace."""
        if isinstance(error, SchliffError):
            self.message.emit("error", str(error))
            return
        import logging

        logging.getLogger("schliff").error("unforeseen error", exc_info=error)
        self.message.emit("error", f"Something went wrong: {error or type(error).__name__}. Help ▸ Log tells more.")

    def run_io(self, job: Job) -> Job:
        """Runs a job in the IO lane; its failure is reported."""
        job.failed.connect(self.report)
        return self.lanes.io.submit(job)

    # -- for the opener and the scan control ------------------------------------------------------

    def adopt(self, opened: Opened | None) -> None:
        """Takes another section with all that belongs to it, then tells everyone; the caller closes the one before."""
        self.saving.forget()
        opened = opened or Opened(None)
        saved = opened.saved
        self.section, self.look, self.plane, self.view = (
            opened.section,
            opened.look,
            saved.plane,
            saved.view,
        )
        self.project, self.section_record, self.reviewing.review = opened.project, opened.record, opened.review
        self.scans, self.scan, self.score_map = opened.scans, opened.scan, opened.score_map
        self._take(opened.detections)
        self.threshold = opened.scan.threshold if opened.scan else DEFAULT_THRESHOLD
        self.layers, self.hidden_labels = saved.layers, saved.hidden_labels
        self.selected_id = saved.selected_id if self.table.row(saved.selected_id) is not None else None
        self.drawings.adopt(opened.drawings)
        self.registration.adopt(opened.fiducials, opened.registration_kind)
        self.pictures.adopt(opened.pictures)
        self.foreground.adopt(saved.foreground)
        for signal in (self.section_changed, self.project_changed, self.scans_changed, self.layers_changed):
            signal.emit()
        self.detections_changed.emit()
        self.score_map_changed.emit()
        self.selection_changed.emit("session")

    def adopt_project(self, project: Project, record: SectionRecord, review: Review) -> None:
        """Takes the project that was made for the open section."""
        self.project, self.section_record, self.reviewing.review = project, record, review
        self.project_changed.emit()
        self.saving.soon()

    def adopt_scans(self, scans: list[ScanRecord], active: ScanRecord | None) -> None:
        """Another list of scans; the threshold follows when another one becomes active."""
        other = (active and active.id) != (self.scan and self.scan.id)
        self.scans, self.scan = scans, active
        self.scans_changed.emit()
        if other:
            if active is not None:
                self.threshold = active.threshold
            self._filter_changed()

    def adopt_detections(self, detections: Iterable[Detection]) -> None:
        """Another set, worst first. A selection that is not in it any more is dropped."""
        self._take(detections)
        self.detections_changed.emit()
        if self.selected_id is not None and self.selected is None:
            self.select(None, "session")

    def adopt_score_map(self, score_map: ScoreMap | None) -> None:
        self.score_map = score_map
        self.score_map_changed.emit()

    # -- leaving ----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Stores all that somebody still holds of the open section; to be called before another one is adopted."""
        self.leaving.emit()
        self.project_maker.forget()
        self.calibration.settle()
        self.drawings.settle()
        self.registration.settle()
        self.pictures.settle()
        self.saving.behind()

    def close(self) -> None:
        """Saves, stops all work, joins the threads, closes the files."""
        self.settle()
        self.saving.now()
        self.others.watch.stop()
        self.overviews.stop()
        self.scan_control.stop()
        self.training.shut()
        self.lanes.close()
        self.opener.shut()

    def _take(self, detections: Iterable[Detection]) -> None:
        self.table = DetectionTable.of(detections)
        self._visible.forget()

    def _filter_changed(self) -> None:
        self._visible.forget()
        self.visible_changed.emit()
        self.saving.soon()
