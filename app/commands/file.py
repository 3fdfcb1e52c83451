"""Decides what the File menu offers: opening, closing, exports and pictures of the view."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImageWriter
from PySide6.QtWidgets import QApplication, QFileDialog

from app.commands.base import ActionSpec, Commands, gap
from app.jobs import Job
from core.counting import counted
from core.disk import keep_off, written_whole
from core.errors import ResourceError

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from app.export_dialog import Choice, ExportDialog
    from core.export.base import ExporterSpec
    from core.jobs import CancelToken, Progress

EDX_SUFFIXES = (".csv", ".h5oina")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "Open section…", "open_section", ("Ctrl+O",), "open", "Open a section file", in_toolbar=True),
    ActionSpec(
        "open_folder",
        "Open project or folder…",
        "open_folder",
        ("Ctrl+Shift+O",),
        "project",
        "Open a .schliff project, an OME-Zarr or a folder of camera tiles",
    ),
    ActionSpec("", "@Recent"),
    ActionSpec("sample", "Try the sample", "try_sample", icon="sample", tip="Make a sample section and open it"),
    ActionSpec(
        "copy_locally",
        "Copy to this computer…",
        "copy_locally",
        icon="project",
        tip="Copy the section from a slow drive, verify the copy, and open it",
        needs="section",
    ),
    ActionSpec("close", "Close section", "close_section", ("Ctrl+W",), "close", needs="section"),
    gap(),
    ActionSpec("", "@Export"),
    ActionSpec(
        "screenshot",
        "Save picture of the view…",
        "save_picture",
        ("Ctrl+Shift+S",),
        "camera",
        "Save what the view shows, with boxes and scale bar",
        needs="section",
    ),
    ActionSpec(
        "export_picture",
        "Export picture…",
        "export_picture",
        ("Ctrl+Shift+E",),
        "export",
        "The view, a region or the whole section at any resolution, as PNG or OME-TIFF",
        "section",
    ),
    ActionSpec("copy_picture", "Copy picture of the view", "copy_picture", ("Ctrl+Shift+C",), needs="section"),
    gap(),
    ActionSpec("quit", "Quit", "quit", ("Ctrl+Q",), "quit"),
)


class FileCommands(Commands):
    """The handlers of `ACTIONS`."""

    def open_section(self) -> None:
        from core.readers.base import known_suffixes

        patterns = " ".join(f"*{suffix}" for suffix in known_suffixes())
        name, _ = QFileDialog.getOpenFileName(
            self.window, "Open a section", self.settings.get("last_folder"), f"Sections ({patterns});;All files (*)"
        )
        if name:
            self.open_path(Path(name))

    def open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self.window, "Open a project, an OME-Zarr or a folder of camera tiles", self.settings.get("last_folder")
        )
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        self.settings.set("last_folder", os.path.abspath(path.parent))  # noqa: PTH100 - links stay
        self.session.open_path(path)

    def take_dropped(self, path: Path) -> None:
        """Results of an EDX go onto the section that is open; all else is opened."""
        if self.session.project is not None and path.suffix.lower() in EDX_SUFFIXES:
            from core.chemistry.importing import holds_results

            if holds_results(path):
                from app.chemistry.importer import import_file

                import_file(self.window, self.session, path)
                return
        self.open_path(path)

    def try_sample(self) -> None:
        from app.sample import sample_section

        session = self.session
        job = Job(sample_section, "Making the sample")
        job.progress.connect(lambda step: session.activity_changed.emit("Making the sample", step.done, step.total))
        job.finished.connect(session.open_path)
        job.failed.connect(session.report)
        session.activity_changed.emit("Making the sample", 0, 0)
        job.ended.connect(lambda: session.activity_changed.emit("", 0, 0))
        session.lanes.copies.submit(job)  # building overviews may take minutes

    def close_section(self) -> None:
        self.session.close_section()

    def export(self, spec: ExporterSpec) -> None:
        """Asks what and where to, then writes it of the open section, in the background: of the scan that is shown, if
        there is one, and of what people drew."""
        from app.export_dialog import ExportDialog as Dialog
        from core.export.document import known_frames

        session = self.session
        if session.project is None or session.section_record is None:
            return
        dialog = Dialog(
            self.window,
            spec,
            known_frames(session.project, session.section_record),
            self._choices(),
            self.settings.get("exports").get(spec.id, {}),
        )
        dialog.accepted.connect(lambda: self._export(spec, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choices(self) -> list[Choice]:
        """What of the shown scan, and of what people drew, can be exported; at its threshold, hidden classes too."""
        from app.export_dialog import choices_of

        session, gallery = self.session, self.window.docks.gallery
        counts = Counter(d.status for d in session.detections if d.is_drawn or d.score >= session.threshold)
        shown = [one.id for one in gallery.model.shown] if gallery is not None else []
        return choices_of(counts, shown if 0 < len(shown) < counts.total() else None)

    def _export(self, spec: ExporterSpec, dialog: ExportDialog) -> None:
        session = self.session
        project, record = session.project, session.section_record
        if project is None or record is None:
            return
        offered = Path(self.settings.get("last_folder")) / f"{record.path.stem}{spec.suffix}"
        name, _ = QFileDialog.getSaveFileName(self.window, f"Export {spec.name}", str(offered))
        if not name:
            return
        name += "" if Path(name).suffix else spec.suffix
        session.saving.now()  # the threshold as it is on the screen
        self.settings.set("exports", self.settings.get("exports") | {spec.id: dialog.settings})
        from app.progress_dialog import ProgressDialog
        from core.export.base import export_detections
        from core.project import Project

        place = project.path
        write = partial(
            export_detections, format_id=spec.id, out=name, scans=[session.scan.id] if session.scan else [],
            on=[record.id], statuses=dialog.choice.statuses, only=dialog.choice.only, frame=dialog.frame, settings=dialog.settings,
        )  # fmt: skip

        def run(progress: Progress, cancel: CancelToken) -> int:
            with Project.open(place) as own:  # another section may be opened meanwhile
                return write(own, progress=progress, cancel=cancel)

        job = Job(run, "Export")
        job.finished.connect(
            lambda count: session.message.emit("info", f"{counted(count, 'detection')} written to {name}")
        )
        job.failed.connect(session.report)
        job.cancelled.connect(lambda: session.message.emit("info", "Nothing was exported."))
        ProgressDialog(self.window, job, f"Writing {Path(name).name}").show()
        session.lanes.copies.submit(job)  # cutting out thousands of crops takes minutes

    def save_picture(self) -> None:
        session = self.session
        if session.section is None:
            return
        source = session.section.info.path
        offered = Path(self.settings.get("last_folder")) / f"{source.stem}.png"
        name, _ = QFileDialog.getSaveFileName(self.window, "Save picture of the view", str(offered), "PNG (*.png)")
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(".png")
        image = self._picture()
        job = Job(lambda progress, cancel: _write(image, path, source), "Save picture")
        job.finished.connect(lambda _: session.message.emit("info", f"Picture saved: {path}"))
        session.run_io(job)  # compressing a large view takes a second

    def export_picture(self) -> None:
        from app.picture_export import ask_and_export

        ask_and_export(self.window, self.session, self.viewer, self.settings)

    def copy_locally(self) -> None:
        from app.copying import ask_and_copy

        ask_and_copy(self.window, self.session, self.settings)

    def copy_picture(self) -> None:
        QApplication.clipboard().setImage(self._picture())
        self.session.message.emit("info", "The picture is in the clipboard.")

    def _picture(self) -> QImage:
        """What is to be seen, be it one view or two."""
        comparison = self.window.comparison
        return comparison.picture() if comparison.active else self.viewer.picture()

    def quit(self) -> None:
        self.window.close()


def _write(image: QImage, path: Path, section: Path) -> None:
    """In the format its name says. Raises InputError (over the section itself), ResourceError (it can't be written)."""
    keep_off(section, path)
    with written_whole(path) as temporary:
        if not QImageWriter(str(temporary), path.suffix[1:].encode()).write(image):
            raise ResourceError(
                "the picture can't be written there", path=path, remedy="Choose a folder you may write to."
            )
