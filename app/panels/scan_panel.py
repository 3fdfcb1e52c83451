"""Decides how a scan is asked for: model, region, device, threshold, parameters; and shows how it goes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from app.drift_notice import DriftNotice
from app.drift_watch import MATCHING, BeforeScan
from app.forms import ParameterForm
from app.layout import FootedPanel, Group, muted
from app.panels.foreground_group import ForegroundGroup
from app.panels.model_group import ListModels, ModelGroup, list_models
from app.panels.region_group import RegionGroup, VisibleRegion
from app.panels.scan_progress import ScanProgress
from app.session import Session
from app.theme import SPACE, tokens
from core.devices import DEVICES
from core.errors import SchliffError
from core.geometry import Box
from core.jobs import Step
from core.models.base import ModelSpec, with_values
from core.project.records import ScanRecord
from core.scan.plan import model_scale, regions_of, scale_doubt, stored_regions

if TYPE_CHECKING:
    from core.scan.options import ScanOptions
    from core.scan.queue import Entry

DEVICE_NAMES = {"auto": "Automatic", "cpu": "Processor", "cuda": "NVIDIA graphics card", "mps": "Apple graphics"}


class ScanPanel(FootedPanel):
    """Starts, follows and stops scans through the session. `visible_region` tells what the viewer shows.

    `several_requested()` when several scans are to be chosen at once, `queue_requested()` when all are to be seen,
    `further_requested(ModelSpec)` when the chosen model is to learn more.
    """

    several_requested = Signal()
    further_requested = Signal(object)
    queue_requested = Signal()

    def __init__(
        self,
        session: Session,
        visible_region: VisibleRegion = lambda: None,
        list_them: ListModels = list_models,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._visible_region = visible_region
        self._finished_id = ""  # a scan that is done, though the list of scans doesn't say so yet
        self.model = ModelGroup(list_them)
        self.drift = DriftNotice()
        self.drift_watch = BeforeScan(session, self.drift)
        self.region = RegionGroup(session, visible_region)
        self.foreground = ForegroundGroup(session)
        self.device = QComboBox()
        self.threshold = QDoubleSpinBox()
        self._unit = muted()
        self.form = ParameterForm()
        self.restart = QCheckBox("Start over")
        self.start_button = QPushButton()
        self.pause_button = QPushButton("Pause")
        self.cancel_button = QPushButton("Stop")
        self.waiting = QLabel()
        self.several = QLabel('<a href="several">Scan several sections or models…</a>')
        self.note = muted()
        self.progress = ScanProgress()
        self._settings = Group("Settings")
        self._lay_out()
        self._connect()
        self.model.refresh()
        self._session_changed()

    # -- for the window ---------------------------------------------------------------------------

    def start(self) -> None:
        """Scans as chosen; does nothing while that is not possible."""
        spec = self.model.spec
        if spec is None or not self.start_button.isEnabled():
            return
        try:
            chosen = with_values(spec, self.form.values())
            options = self._options(spec)
        except SchliffError as error:
            self.progress.show_error(str(error))
            return
        self.restart.setChecked(False)  # it holds for one scan
        self._session.start_scan(chosen, options)

    def start_in_view(self) -> None:
        """Scans what the viewer shows."""
        self.region.in_view.setChecked(True)
        self.start()

    def resume(self, scan: ScanRecord) -> None:
        """Goes on with a stopped scan: the same model over the same region, whatever is chosen now."""
        self._choose_as(scan)
        self._session.scan_control.resume(scan, self.device.currentData())

    def set_drawn_region(self, box: Box | None) -> None:
        """A rectangle was drawn in the viewer, or taken away."""
        self.region.set_drawn(box)

    # -- what is asked for ------------------------------------------------------------------------

    def _options(self, spec: ModelSpec) -> ScanOptions:
        from core.scan.options import ScanOptions

        view = self._visible_region()
        threshold = self.threshold.value()
        return ScanOptions(
            regions=self._regions(),
            threshold=None if abs(threshold - spec.threshold) < 10 ** -self.threshold.decimals() / 2 else threshold,
            device=self.device.currentData(),
            start_at=None if view is None else view.center,
            plane=self._session.plane,
            restart=self.restart.isChecked() and not self.restart.isHidden(),
            foreground=self.foreground.options(),
        )

    def _regions(self) -> tuple[Box, ...]:
        region = self.region.region()
        return () if region is None else (region,)

    def _earlier(self) -> ScanRecord | None:
        """The last scan of this section by the same model over the same region, skipping the same."""
        spec, stored = self.model.spec, stored_regions(self._regions())
        alike = (
            record
            for record in reversed(self._session.scans)
            if spec is not None
            and record.model_id == spec.id
            and record.parameters.get("region") == stored
            and self._session.foreground.is_of(record.parameters)
        )
        return next(alike, None)

    # -- following --------------------------------------------------------------------------------

    def _model_changed(self) -> None:
        spec = self.model.spec
        if spec is not None:
            is_probability = spec.score_unit == "probability"
            self.threshold.setDecimals(2)
            self.threshold.setRange(spec.score_floor, 1.0 if is_probability else 10 * spec.threshold)
            self.threshold.setSingleStep(0.05 if is_probability else 0.5)
            self.threshold.setValue(spec.threshold)
            self.threshold.setToolTip(
                f"Detections scoring less are not shown at first; usual: {spec.threshold:g} ({spec.score_unit}). "
                "It can be moved afterwards without another scan."
            )
            self._unit.setText(spec.score_unit)
            self.form.set_parameters(spec.parameters)
            self._line_up()
        self.form.setVisible(spec is not None and bool(spec.parameters))
        self.restart.setChecked(False)
        self._look()
        self._state_changed()

    def _line_up(self) -> None:
        """The model's own settings stand below those of every scan."""
        width = max(self.form.names_width, *(name.sizeHint().width() for name in self._names))
        self._settings.grid.setColumnMinimumWidth(0, width)
        self.form.widen_names(width)

    def _look(self) -> None:
        """Does the section look like what the model learnt from?"""
        if self.isVisible():
            self.drift_watch.look(self.model.spec)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def match(self, how: str) -> None:
        """Has the section brought to what the chosen model learnt from, if the model can do that."""
        self.form.set_values({MATCHING: how})

    def _values_changed(self) -> None:
        with suppress(SchliffError):
            self.drift_watch.matched(self.form.values().get(MATCHING))

    def _session_changed(self) -> None:
        self._finished_id = ""
        self.progress.clear()
        if self._session.scanning:
            self._begin_progress()
        self._choose_as(self._session.scan)
        self._look()
        self._state_changed()

    def _choose_as(self, scan: ScanRecord | None) -> None:
        """The model of a scan, and its region while there is something left to scan of it."""
        self.model.choose_for(scan.model_id if scan is not None else None)
        if scan is not None and scan.status != "done":
            self.region.choose(regions_of(scan.parameters.get("region")))

    def _state_changed(self) -> None:
        session, earlier = self._session, self._earlier()
        problem = self._problem()
        doubt = "" if problem else self._doubt()
        running = session.scanning
        self.start_button.setEnabled(not problem)
        done = earlier is None or earlier.status == "done" or earlier.id == self._finished_id
        resumes = not done and not self.restart.isChecked()
        self.start_button.setText("Add to queue" if running else "Resume" if resumes else "Scan")
        self.start_button.setToolTip("Scans when those before it are over" if running else "")
        self.restart.setVisible(earlier is not None and not session.scanning_here)
        self._show_queue()
        told = "" if session.scanning_here else _said_of(earlier, done)
        said = [problem] if problem else [text for text in (doubt, told) if text]
        self.note.setText("\n".join(said))
        warns = bool(doubt or problem) and session.section is not None
        # A style sheet's colour would be half transparent in the role for quiet texts.
        self.note.setForegroundRole(QPalette.ColorRole.WindowText if warns else QPalette.ColorRole.PlaceholderText)
        self.note.setStyleSheet(f"color: {tokens().warning}" if warns else "")
        self.note.setVisible(bool(self.note.text()))

    def _problem(self) -> str:
        """Why no scan can start, as one line; "" when it can."""
        section, spec = self._session.section, self.model.spec
        if section is None:
            return "Open a section first."
        if spec is None:
            return "There is no model to scan with."
        try:
            model_scale(section.info, spec)
        except SchliffError as error:
            return str(error)
        return ""

    def _doubt(self) -> str:
        """Why the scan can start and yet is likely to find little of what is there; "" when nothing speaks against it."""
        section, spec = self._session.section, self.model.spec
        return "" if section is None or spec is None else scale_doubt(section.info, spec)

    def _show_queue(self) -> None:
        """How the queue stands: what can be done with it, and how many scans are in it."""
        queue = self._session.queue
        running = queue.running is not None
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(not queue.stopping)
        self.pause_button.setVisible(running)
        self.pause_button.setEnabled(not queue.stopping)
        self.pause_button.setText("Go on" if queue.paused else "Pause")
        waiting = len(queue.queue.waiting)
        scans = "1 scan waits" if waiting == 1 else f"{waiting:,} scans wait"
        self.waiting.setText(f'{scans} in the <a href="queue">queue</a>')
        self.waiting.setVisible(bool(waiting))
        if queue.paused:
            self.progress.show_paused()

    def _started(self) -> None:
        self._begin_progress()
        self._state_changed()

    def _begin_progress(self) -> None:
        """Shows how the running scan stands; of another section than the open one it says which."""
        queue, here = self._session.queue, self._session.scanning_here
        entry = queue.running
        assert entry is not None
        self.progress.begin("" if here else f"Scanning {entry.title}")
        self.progress.step(queue.step, queue.seconds_left)

    def _progressed(self, step: Step) -> None:
        if not self._session.queue.stopping:
            self.progress.step(step, self._session.queue.seconds_left)

    def _ended(self, entry: Entry, error: Exception | None) -> None:
        if entry.summary is not None:
            if self._session.scan_control.is_of_open_section(entry):
                self._finished_id = entry.summary.scan_id
            self.progress.show_summary(entry.summary, entry.summary.detections)
        elif error is not None:
            self.progress.show_error(entry.error)
        else:
            self.progress.show_stopped()
        self._state_changed()

    def _show_history(self) -> None:
        from app.training.history_dialog import HistoryDialog

        if self.model.spec is not None:
            HistoryDialog(self, self.model.spec, self._session.lanes.data).open()

    def _cancel(self) -> None:
        self.progress.stopping()
        self._session.cancel_scan()

    def _pause(self) -> None:
        queue = self._session.queue
        queue.go_on() if queue.paused else queue.hold()

    # -- making -----------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        for device in DEVICES:
            self.device.addItem(DEVICE_NAMES.get(device, device), device)
        self.device.setToolTip("Where the model computes; Automatic takes the fastest there is")
        self.threshold.setAccessibleName("Threshold")
        self.threshold.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._names = [self._settings.add_row("Device", self.device)]
        limit = QWidget()
        line = QHBoxLayout(limit)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE)
        line.addWidget(self.threshold)
        line.addWidget(self._unit, 1)
        self._names.append(self._settings.add_row("Threshold", limit))
        self._settings.add_wide(self.form)
        self.restart.setToolTip("Scan all tiles again; decisions on the earlier scan are kept with it")
        self.start_button.setDefault(True)
        self.start_button.setAccessibleName("Start the scan")
        self.cancel_button.setToolTip("Stops within a tile; what was scanned is kept")
        self.pause_button.setToolTip("Stands still until Go on, and no other scan starts")
        self.several.setToolTip("Scan many sections one after the other, each with one model or several")
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE)
        buttons.addWidget(self.restart)
        buttons.addStretch(1)
        buttons.addWidget(self.pause_button)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.start_button)
        for group in (self.model, self.drift, self.region, self.foreground, self._settings):
            self.column.addWidget(group)
        self.column.addWidget(self.several)
        self.column.addStretch(1)
        self.foot.addWidget(self.note)
        self.foot.addLayout(buttons)
        self.foot.addWidget(self.progress)
        self.foot.addWidget(self.waiting)

    def _connect(self) -> None:
        session = self._session
        self.model.model_changed.connect(self._model_changed)
        self.model.history_requested.connect(self._show_history)
        self.drift.match_requested.connect(self.match)
        self.drift.train_requested.connect(lambda: self.further_requested.emit(self.model.spec))
        self.form.changed.connect(self._values_changed)
        self.region.region_changed.connect(self._state_changed)
        session.foreground.changed.connect(self._state_changed)
        self.restart.toggled.connect(lambda _: self._state_changed())
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self._cancel)
        self.pause_button.clicked.connect(self._pause)
        self.several.linkActivated.connect(lambda _: self.several_requested.emit())
        self.waiting.linkActivated.connect(lambda _: self.queue_requested.emit())
        session.section_changed.connect(self._session_changed)
        session.calibration.changed.connect(self._state_changed)
        session.models_changed.connect(self.model.refresh)
        session.scans_changed.connect(self._state_changed)
        session.scan_started.connect(self._started)
        session.scan_progress.connect(self._progressed)
        session.queue.ended.connect(self._ended)
        session.queue.changed.connect(self._state_changed)


def _said_of(earlier: ScanRecord | None, done: bool) -> str:
    if earlier is None:
        return ""
    if done:
        return "This scan is done already and would only be shown again."
    return f"Interrupted at {earlier.tiles_done:,} of {earlier.tiles_total:,} tiles."
