"""Decides how drawings are kept in a project: what is drawn now, and every change with its author, to be undone.

Closed ones with a class are defects, too (`core.project.drawn_defects`).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from core.drawing import Drawing
from core.people import user_name
from core.project import drawn_defects, gestures
from core.project.gestures import Side
from core.project.project import Project
from core.project.stored import as_stored
from core.timing import timestamp

_COLUMNS = ("section_id", "kind", "points", "name", "note", "label", "width_px", "author", "created")
_SELECT = (
    "SELECT * FROM drawings WHERE section_id = :section"
    " AND (:ids IS NULL OR id IN (SELECT value FROM json_each(:ids))) ORDER BY id"
)
_INSERT = f"INSERT INTO drawings (id, {', '.join(_COLUMNS)}) VALUES (:id, {', '.join(f':{c}' for c in _COLUMNS)})"
_UPDATE = f"UPDATE drawings SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)} WHERE id = :id"


class DrawingStore:
    """The drawings of one project. Each call that changes something is one gesture, stored whole or not at all.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._database = project.database
        self._author = author or user_name()

    def drawings(self, section_id: int, ids: Collection[int] | None = None) -> list[Drawing]:
        """Those of a section in the order they were made; `ids`: only of these."""
        wanted = None if ids is None else json.dumps(list(ids))
        with self._database.reading() as db:
            rows = db.execute(_SELECT, {"section": section_id, "ids": wanted}).fetchall()
        return [drawing for drawing in map(_drawing, rows) if drawing is not None]

    def add(self, section_id: int, drawings: Sequence[Drawing]) -> list[Drawing]:
        """Stores new drawings; returns them with id, author and time."""
        stamped = [replace(d, author=d.author or self._author, created=d.created or timestamp()) for d in drawings]
        stored: list[Drawing] = []
        with self._database.writing() as db:
            gesture = gestures.begin(db, "drawing", self._author)
            for drawing in stamped:
                values = _values(drawing, section_id) | {"id": None}
                stored.append(replace(drawing, id=int(db.execute(_INSERT, values).lastrowid or 0)))
                _log(db, gesture, stored[-1].id, None, _values(stored[-1], section_id))
            drawn_defects.mirror(db, [drawing.id for drawing in stored])
        return stored

    def change(self, drawings: Sequence[Drawing]) -> list[int]:
        """Stores drawings (known by their ids) as they are now. Returns the ids of those that differ."""
        changed: list[int] = []
        gesture = 0
        with self._database.writing() as db:
            for drawing in drawings:
                before = _stored(db, drawing.id)
                if before is None or (after := _values(drawing, before["section_id"])) == before:
                    continue
                gesture = gesture or gestures.begin(db, "drawing", self._author)
                db.execute(_UPDATE, after)
                _log(db, gesture, drawing.id, before, after)
                changed.append(drawing.id)
            drawn_defects.mirror(db, changed)
        return changed

    def remove(self, ids: Sequence[int]) -> list[int]:
        """Deletes drawings; undo brings them back with their ids. Returns the ids of those that were there."""
        removed: list[int] = []
        gesture = 0
        with self._database.writing() as db:
            for drawing_id in ids:
                before = _stored(db, drawing_id)
                if before is None:
                    continue
                gesture = gesture or gestures.begin(db, "drawing", self._author)
                db.execute("DELETE FROM drawings WHERE id = ?", (drawing_id,))
                _log(db, gesture, drawing_id, before, None)
                removed.append(drawing_id)
            drawn_defects.mirror(db, removed)
        return removed


def relabel(db: sqlite3.Connection, gesture: int, drawing_id: int, label: str) -> None:
    """Gives a drawing another class, as a part of a gesture."""
    before = _stored(db, drawing_id)
    if before is not None and before["label"] != label:
        after = before | {"label": label}
        db.execute(_UPDATE, after)
        _log(db, gesture, drawing_id, before, after)
        drawn_defects.mirror(db, [drawing_id])


@as_stored()
def replay(db: sqlite3.Connection, gesture: int, side: Side) -> list[int]:
    """Puts every drawing of a gesture as it was before or after it; returns their ids."""
    rows = db.execute("SELECT * FROM drawing_changes WHERE gesture = ? ORDER BY id", (gesture,)).fetchall()
    for row in rows:
        db.execute("DELETE FROM drawings WHERE id = ?", (row["drawing_id"],))
        if row[side] is not None:
            db.execute(_INSERT, json.loads(row[side]))
    ids = [row["drawing_id"] for row in rows]
    drawn_defects.mirror(db, ids)
    return ids


def _log(db: sqlite3.Connection, gesture: int, drawing_id: int, before: dict | None, after: dict | None) -> None:
    db.execute(
        "INSERT INTO drawing_changes (gesture, drawing_id, before, after) VALUES (?, ?, ?, ?)",
        (gesture, drawing_id, *(None if values is None else json.dumps(values) for values in (before, after))),
    )


def _stored(db: sqlite3.Connection, drawing_id: int) -> dict | None:
    row = db.execute("SELECT * FROM drawings WHERE id = ?", (drawing_id,)).fetchone()
    return None if row is None else dict(row)


def _values(drawing: Drawing, section_id: int) -> dict:
    """The columns of a drawing; points as JSON, which keeps every bit of a float64."""
    own = {name: getattr(drawing, name) for name in ("id", *_COLUMNS) if name not in ("section_id", "points")}
    return own | {"section_id": section_id, "points": json.dumps(drawing.points)}


def _drawing(row: sqlite3.Row) -> Drawing | None:
    """None for one that can't be understood: it stays stored, and must not keep its section from being opened."""
    with suppress(ValueError, TypeError, OverflowError, RecursionError):
        own = {name: row[name] for name in ("id", *_COLUMNS) if name not in ("section_id", "points")}
        return Drawing(points=tuple((float(x), float(y)) for x, y in json.loads(row["points"])), **own)
    return None
