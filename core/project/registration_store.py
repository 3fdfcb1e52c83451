"""Decides how registrations to the SEM are kept in a project: the fiducials of each section now, every change undoable.

Only what a person gave is stored (fiducials, and which kind of fit); the fit itself is made anew whenever it is needed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict

from core.errors import InputError, SchliffError
from core.project import gestures
from core.project.gestures import Side
from core.project.project import Project
from core.project.records import SectionRecord
from core.registration.fiducials import Fiducial
from core.registration.registration import Registration, RegistrationKind, register
from core.timing import timestamp

_REPLACE = (
    "REPLACE INTO registrations (section_id, kind, fiducials, author, at)"
    " VALUES (:section_id, :kind, :fiducials, :author, :at)"
)


class RegistrationStore:
    """The registrations of one project, at most one for each section. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._project, self._database = project, project.database
        self._author = author or gestures.user_name()

    def fiducials(self, section_id: int) -> tuple[list[Fiducial], RegistrationKind]:
        """What was given so far, also while it doesn't suffice for a registration."""
        with self._database.reading() as db:
            row = _stored(db, section_id)
        if row is None:
            return [], "auto"
        try:
            return [Fiducial(**one) for one in json.loads(row["fiducials"])], row["kind"]
        except (ValueError, TypeError):
            raise InputError(
                "its fiducials can't be read", path=self._project.path, remedy="Register the section again."
            ) from None

    def registration(self, section: SectionRecord) -> Registration | None:
        """The fit to a section's fiducials; None where there are none, or where they don't suffice."""
        fiducials, kind = self.fiducials(section.id)
        try:
            return register(fiducials, section.pixel_size_um, kind)
        except SchliffError:
            return None

    def keep(self, section_id: int, fiducials: Sequence[Fiducial], kind: RegistrationKind = "auto") -> bool:
        """Replaces a section's fiducials; none: it isn't registered any more. Returns whether that changed anything."""
        values = json.dumps([asdict(one) for one in fiducials])
        row = {"section_id": section_id, "kind": kind, "fiducials": values, "author": self._author, "at": timestamp()}
        with self._database.writing() as db:
            before = _stored(db, section_id)
            if (before["kind"], before["fiducials"]) == (kind, values) if before else not fiducials:
                return False
            gesture = gestures.begin(db, "registration", self._author)
            after = row if fiducials else None
            _put(db, section_id, after)
            db.execute(
                "INSERT INTO registration_changes (gesture, section_id, before, after) VALUES (?, ?, ?, ?)",
                (gesture, section_id, *(None if one is None else json.dumps(one) for one in (before, after))),
            )
        return True


def replay(db: sqlite3.Connection, gesture: int, side: Side) -> list[int]:
    """Puts the registration of a gesture as it was before or after it; returns the section's id."""
    rows = db.execute("SELECT * FROM registration_changes WHERE gesture = ?", (gesture,)).fetchall()
    for row in rows:
        _put(db, row["section_id"], None if row[side] is None else json.loads(row[side]))
    return [row["section_id"] for row in rows]


def _put(db: sqlite3.Connection, section_id: int, values: dict | None) -> None:
    if values is None:
        db.execute("DELETE FROM registrations WHERE section_id = ?", (section_id,))
    else:
        db.execute(_REPLACE, values)


def _stored(db: sqlite3.Connection, section_id: int) -> dict | None:
    row = db.execute("SELECT * FROM registrations WHERE section_id = ?", (section_id,)).fetchone()
    return None if row is None else dict(row)
