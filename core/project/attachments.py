"""Decides how values that a person or an instrument adds are kept in a project: one of a kind for each owner, undoable.

A kind says what the value is and whom it belongs to: "registration" (the fiducials of a section), "composition" (the
chemistry of a detection), "classes" (the table of classes, of owner 0: the project), "inspection" (places that were found
by eye on a section), "calibration" (the pixel size that somebody entered for a section), "pictures" (what is laid over a
section). Values are JSON; every change is kept with its author.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

from core.people import user_name
from core.project import gestures
from core.project.gestures import Side
from core.project.project import Project
from core.project.stored import as_stored
from core.timing import timestamp

Kind = Literal["registration", "composition", "classes", "inspection", "calibration", "pictures"]

_PUT = "REPLACE INTO attachments (kind, owner, value, author, at) VALUES (:kind, :owner, :value, :author, :at)"
_LOG = "INSERT INTO attachment_changes (gesture, kind, owner, before, after) VALUES (?, ?, ?, ?, ?)"


class Attachments:
    """The values of one kind in a project. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, kind: Kind, author: str | None = None) -> None:
        self._database, self._kind = project.database, kind
        self._given = author

    def get(self, owner: int) -> Any | None:
        with self._database.reading() as db, as_stored():
            row = _stored(db, self._kind, owner)
            return None if row is None else json.loads(row["value"])

    def all(self) -> dict[int, Any]:
        """Every value by its owner."""
        with self._database.reading() as db, as_stored():
            rows = db.execute("SELECT owner, value FROM attachments WHERE kind = ?", (self._kind,)).fetchall()
            return {row["owner"]: json.loads(row["value"]) for row in rows}

    def keep(self, values: Mapping[int, Any | None]) -> list[int]:
        """Replaces the values of some owners (None: there is none any more), as one gesture; returns whose changed."""
        changed: list[int] = []
        gesture, author = 0, self._given or user_name()
        with self._database.writing() as db:
            for owner, value in values.items():
                before, text = _stored(db, self._kind, owner), None if value is None else json.dumps(value)
                if text == (before["value"] if before else None):
                    continue
                after = None if text is None else {"kind": self._kind, "owner": owner, "value": text}
                after = after and after | {"author": author, "at": timestamp()}
                gesture = gesture or gestures.begin(db, self._kind, author)
                _put(db, self._kind, owner, after)
                both = (None if one is None else json.dumps(one) for one in (before, after))
                db.execute(_LOG, (gesture, self._kind, owner, *both))
                changed.append(owner)
        return changed


def copy(db: sqlite3.Connection, gesture: int | None, kind: Kind, owner: int, to: int) -> bool:
    """Gives another owner that has none the same value, with its author and time, as a part of a gesture (None: beyond
    undo); whether there was something to give."""
    before = _stored(db, kind, owner)
    if before is None or _stored(db, kind, to) is not None:
        return False
    after = before | {"owner": to}
    _put(db, kind, to, after)
    if gesture is not None:
        db.execute(_LOG, (gesture, kind, to, None, json.dumps(after)))
    return True


@as_stored()
def replay(db: sqlite3.Connection, gesture: int, side: Side) -> list[int]:
    """Puts every value of a gesture as it was before or after it; returns their owners."""
    rows = db.execute("SELECT * FROM attachment_changes WHERE gesture = ? ORDER BY id", (gesture,)).fetchall()
    for row in rows:
        _put(db, row["kind"], row["owner"], None if row[side] is None else json.loads(row[side]))
    return [row["owner"] for row in rows]


def _put(db: sqlite3.Connection, kind: str, owner: int, values: dict[str, Any] | None) -> None:
    if values is None:
        db.execute("DELETE FROM attachments WHERE kind = ? AND owner = ?", (kind, owner))
    else:
        db.execute(_PUT, values)


def _stored(db: sqlite3.Connection, kind: str, owner: int) -> dict[str, Any] | None:
    row = db.execute("SELECT * FROM attachments WHERE kind = ? AND owner = ?", (kind, owner)).fetchone()
    return None if row is None else dict(row)
