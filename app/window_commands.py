"""Decides what each action does: it asks for a file where one is needed and hands the rest to session, view or panels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow

from app.jobs import Job
from app.notifications import LogKeeper
from app.session import Session
from app.settings import Settings
from app.theme import Theme, ThemeMode
from app.viewer.viewer import Viewer
from app.window_dialogs import about_dialog, log_dialog, shortcuts_dialog
from app.window_docks import Docks

if TYPE_CHECKING:
    from core.export.base import ExporterSpec


class Commands:
    """The handlers named in `app.actions`."""

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        viewer: Viewer,
        docks: Docks,
        settings: Settings,
        theme: Theme,
        log: LogKeeper,
    ) -> None:
        self._window, self._session, self._viewer, self._docks = window, session, viewer, docks
        self._settings, self._theme, self._log = settings, theme, log

    # -- File -------------------------------------------------------------------------------------

    def open_section(self) -> None:
        from core.readers.base import known_suffixes

        patterns = " ".join(f"*{suffix}" for suffix in known_suffixes())
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a section", self._settings.get("last_folder"), f"Sections ({patterns});;All files (*)"
        )
        if name:
            self.open_path(Path(name))

    def open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self._window, "Open a project or an OME-Zarr folder", self._settings.get("last_folder")
        )
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        self._settings.set("last_folder", os.path.abspath(path.parent))  # noqa: PTH100 - links stay
        self._session.open_path(path)

    def try_sample(self) -> None:
        from app.sample import sample_section

        session = self._session
        job = Job(sample_section, "Making the sample")
        job.progress.connect(lambda step: session.activity_changed.emit("Making the sample", step.done, step.total))
        job.finished.connect(session.open_path)
        job.failed.connect(session.report)
        session.activity_changed.emit("Making the sample", 0, 0)
        job.ended.connect(lambda: session.activity_changed.emit("", 0, 0))
        session.lanes.build.submit(job)

    def close_section(self) -> None:
        self._session.close_section()

    def export(self, spec: ExporterSpec) -> None:
        """Asks where to, then writes what is above the threshold in the scan that is shown, in the background."""
        session = self._session
        project, record = session.project, session.section_record
        if project is None or record is None or session.scan is None:
            return
        shown = [session.scan.id]
        offered = Path(self._settings.get("last_folder")) / f"{record.path.stem}{spec.suffix}"
        name, _ = QFileDialog.getSaveFileName(self._window, f"Export {spec.name}", str(offered))
        if not name:
            return
        session.save_state()  # the threshold as it is on the screen
        from core.export.base import export_detections

        job = Job(lambda progress, cancel: export_detections(project, spec.id, name, scans=shown), "Export")
        job.finished.connect(lambda count: session.message.emit("info", f"{count:,} detections written to {name}"))
        session.run_io(job)

    def save_picture(self) -> None:
        section = self._session.section
        if section is None:
            return
        offered = Path(self._settings.get("last_folder")) / f"{section.info.path.stem}.png"
        name, _ = QFileDialog.getSaveFileName(self._window, "Save picture of the view", str(offered), "PNG (*.png)")
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(".png")
        if self._viewer.picture().save(str(path)):
            self._session.message.emit("info", f"Picture saved: {path}")
        else:
            self._session.message.emit(
                "error", f"{path}: the picture can't be written there. Choose a folder you may write to."
            )

    def copy_picture(self) -> None:
        QApplication.clipboard().setImage(self._viewer.picture())
        self._session.message.emit("info", "The picture is in the clipboard.")

    def quit(self) -> None:
        self._window.close()

    # -- Edit -------------------------------------------------------------------------------------

    def undo(self) -> None:
        self._session.undo()

    def redo(self) -> None:
        self._session.redo()

    def find(self) -> None:
        self._docks.bring(self._docks.gallery_dock)
        self._docks.gallery.focus_search()

    # -- View -------------------------------------------------------------------------------------

    def fit(self) -> None:
        self._viewer.canvas.fit()

    def one_to_one(self) -> None:
        self._viewer.canvas.one_to_one()

    def zoom_in(self) -> None:
        self._viewer.canvas.zoom_by(2**0.5)

    def zoom_out(self) -> None:
        self._viewer.canvas.zoom_by(0.5**0.5)

    def show_boxes(self, on: bool) -> None:
        self._session.set_boxes_visible(on)

    def show_heat(self, on: bool) -> None:
        self._session.set_heat(visible=on)

    def full_screen(self, on: bool) -> None:
        if on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    def set_theme(self, mode: ThemeMode) -> None:
        self._settings.set("theme", mode)
        self._theme.set_mode(mode)

    # -- Scan -------------------------------------------------------------------------------------

    def scan_section(self) -> None:
        self._docks.bring(self._docks.scan_dock)
        self._docks.scan.region.whole.setChecked(True)
        self._docks.scan.start()

    def scan_region(self) -> None:
        self._docks.bring(self._docks.scan_dock)
        self._docks.scan.start_in_view()

    def cancel_scan(self) -> None:
        self._session.cancel_scan()

    # -- Review -----------------------------------------------------------------------------------

    def mark_defect(self) -> None:
        self._docks.gallery.decide("defect")

    def mark_false_alarm(self) -> None:
        self._docks.gallery.decide("false_alarm")

    def mark_artefact(self) -> None:
        self._docks.gallery.decide("artefact")

    def mark_unreviewed(self) -> None:
        self._docks.gallery.decide("unreviewed")

    def go_next(self) -> None:
        self._docks.gallery.next()

    def go_previous(self) -> None:
        self._docks.gallery.previous()

    def go_next_unreviewed(self) -> None:
        self._docks.gallery.next_unreviewed()

    def go_to(self) -> None:
        self.fly_to(self._session.selected_id)

    def fly_to(self, detection_id: int | None) -> None:
        detection = self._session.detection(detection_id)
        if detection is not None:
            self._viewer.show_detection(detection)

    # -- Help -------------------------------------------------------------------------------------

    def show_shortcuts(self) -> None:
        shortcuts_dialog(self._window).show()

    def show_log(self) -> None:
        log_dialog(self._window, list(self._log.lines)).show()

    def show_about(self) -> None:
        about_dialog(self._window).show()
