"""Decides which classes there are to choose in the window, in which order (their number keys), and in which colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.class_colours import choose_colours
from core.classes import ClassTable
from core.errors import SchliffError
from core.truth import NO_CLASSES

if TYPE_CHECKING:
    from app.session import Session


class ClassControl(QObject):
    """The classes of the open project as they are called now."""

    changed = Signal()  # which there are, what they are called, or their colours

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.table = ClassTable()
        self.labels: tuple[str, ...] = ()
        for changes in (session.project_changed, session.scans_changed, session.drawings.changed):
            changes.connect(self.refresh)
        session.section_changed.connect(self.refresh)
        session.decisions_changed.connect(lambda ids: self.refresh())

    @property
    def choices(self) -> tuple[str, ...]:
        """What a person may call a detection, by number key: 1 is the first."""
        return tuple(label for label in self.labels if label not in NO_CLASSES)

    def shown(self) -> tuple[str, ...]:
        """Those that the shown scan knows or that stand in its list, in their order."""
        scan, there = self._session.scan, set(self._session.table.labels)
        there.update(map(self.table.shown, scan.labels if scan is not None else ()))
        return (*(label for label in self.labels if label in there), *sorted(there.difference(self.labels)))

    def refresh(self) -> None:
        """Reads again what the project says."""
        session = self._session
        project, scans = session.project, session.scans or ([session.scan] if session.scan is not None else [])
        table = ClassTable()
        labels = tuple(dict.fromkeys(label for scan in scans for label in scan.labels))
        if project is not None:
            try:
                table, labels = project.classes(), project.class_labels(scans)
            except SchliffError as error:
                self._session.report(error)
        if (table, labels) != (self.table, self.labels):
            self.table, self.labels = table, labels
            choose_colours(table.colours, table.called)
            self.changed.emit()

    def keep(self, table: ClassTable) -> None:
        """Stores another table; one step of undo."""
        review = self._session.reviewing.review
        if review is None:
            return
        try:
            if review.keep_classes(table):
                self.show_renamed()
        except SchliffError as error:
            self._session.report(error)

    def show_renamed(self) -> None:
        """After any change of the table: every detection may be called otherwise."""
        self.refresh()
        self._session.scan_control.show(self._session.scan.id if self._session.scan else None)
