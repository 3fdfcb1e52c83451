"""Decides what is asked and told when the file of a section isn't what it was: not there any more, or changed while open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from app.jobs import Job
from app.watch import Question, Watch
from core.errors import InputError

if TYPE_CHECKING:
    from app.session import Session
    from core.project.section_place import SectionMissingError


class SectionFile(QObject):
    """Asks where the section of a project went, and looks now and then whether the open one is still the same file."""

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._known: _Known | None = None
        self.question: QMessageBox | None = None
        self.watch = Watch(self, session.lanes.eye, "Looking at the file", self._question, self._looked)
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
        self._known = None
        if self._session.section is None:
            self.watch.stop()
        else:
            self.watch.begin()
            self.watch.look()

    def _question(self) -> Question | None:
        section, known = self._session.section, self._known
        if section is None:
            return None
        path = section.info.path
        return known.now if known is not None else lambda: _Known.of(path)

    def _looked(self, now: _Known | None) -> None:
        before = self._known
        if now is None:  # a folder, or it isn't there: whoever reads says so
            return
        self._known = now
        if before is not None and now.identity != before.identity:
            self.watch.stop()
            self._session.message.emit(
                "error",
                f"{now.path.name}: the file was changed or replaced while it was open; what is shown and found may be of"
                " either. Put the original back, or open the section again.",
            )


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
