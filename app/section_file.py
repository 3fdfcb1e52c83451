"""Decides what is asked and told when the file of a section isn't what it was: not there any more, or changed while open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.jobs import Job
from core.errors import InputError

if TYPE_CHECKING:
    from app.session import Session
    from core.project.section_place import SectionMissingError

LOOK_MS = 5000


class SectionFile(QObject):
    """Asks where the section of a project went, and looks now and then whether the open one is still the same file."""

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._known: _Known | None = None
        self._looking: Job | None = None
        self.question: QMessageBox | None = None
        self.timer = QTimer(self, interval=LOOK_MS)
        self.timer.timeout.connect(self._look)
        session.section_changed.connect(self._begin)
        self._begin()

    # -- not where it was ---------------------------------------------------------------------------------------

    def failed_to_open(self, error: Exception) -> None:
        """Asks where the section is, if that is what failed."""
        from core.project.section_place import SectionMissingError

        if not isinstance(error, SectionMissingError):
            return
        box = self.question = QMessageBox(self._window)
        box.setWindowTitle("Where is the section?")
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{error.record.path.name} is not where it was.")
        box.setInformativeText(
            f"It was {error.record.path}.\n\nConnect its drive and try again, or show where the file is now. All that was"
            f" found and decided is in {error.project.name}."
        )
        find = box.addButton("Show the file…", QMessageBox.ButtonRole.AcceptRole)
        again = box.addButton("Try again", QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        find.clicked.connect(lambda: self._find(error))
        again.clicked.connect(lambda: self._session.open_path(error.project))
        box.finished.connect(self._answered)
        box.open()

    def _answered(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _find(self, error: SectionMissingError) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Show the section", str(error.project.parent))
        if not name:
            return
        job = Job(lambda progress, cancel: _take_place(error, Path(name)), "Looking at the file")
        job.finished.connect(lambda _: self._session.open_path(error.project))
        self._session.run_io(job)

    # -- changed while it is open -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Another section: what it is now is what it must stay."""
        self._known, self._looking = None, None
        section = self._session.section
        self.timer.stop()
        if section is not None:
            path = section.info.path
            self._ask_in_background(Job(lambda progress, cancel: _Known.of(path), "Looking at the file"))

    def _look(self) -> None:
        known = self._known
        if known is not None and self._looking is None:
            self._ask_in_background(Job(lambda progress, cancel: known.now(), "Looking at the file"))

    def _ask_in_background(self, job: Job) -> None:
        self._looking = job
        job.finished.connect(lambda now: self._looked(job, now))
        self._session.lanes.eye.submit(job)

    def _looked(self, job: Job, now: _Known | None) -> None:
        if job is not self._looking:
            return
        before, self._looking, self._known = self._known, None, now
        if now is None:  # a folder, or it isn't there: whoever reads says so
            self._known = before
        elif before is not None and now.identity != before.identity:
            self.timer.stop()
            self._session.message.emit(
                "error",
                f"{now.path.name}: the file was changed or replaced while it was open; what is shown and found may be of"
                " either. Put the original back, or open the section again.",
            )
            return
        self.timer.start()


class _Known:
    """What a file was at one moment: its identity is asked for anew only where its time or size changed."""

    def __init__(self, path: Path, version: tuple[int, int], identity: str) -> None:
        self.path, self.version, self.identity = path, version, identity

    @classmethod
    def of(cls, path: Path) -> _Known | None:
        from core.readers.fingerprint import fingerprint, version_of

        version = version_of(path)
        try:
            return None if version is None else cls(path, version, fingerprint(path))
        except InputError:
            return None

    def now(self) -> _Known | None:
        from core.readers.fingerprint import version_of

        version = version_of(self.path)
        return self if version == self.version else _Known.of(self.path)


def _take_place(error: SectionMissingError, path: Path) -> None:
    """Notes in the project where the section is now. Raises InputError where that is another file."""
    from core.project import Project
    from core.project.section_place import is_section
    from core.readers.base import open_section

    if not is_section(path, error.record):
        raise InputError(
            "this is another image than the one that was scanned", path=path,
            remedy=f"Look for the one that was called {error.record.path.name}.",
        )  # fmt: skip
    section = open_section(path)
    try:
        with Project.open(error.project) as project:
            if project.look_only is not None:
                raise project.look_only.refusal(project.path)
            project.add_section(section)
    finally:
        section.close()
