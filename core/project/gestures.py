"""Decides the order in which what a person did is taken back and done again: one list of gestures for a project.

A gesture is what was done at once (one key on several detections, one drawing drawn). Decisions and changes of drawings
refer to it. States: "done", "undone" (can be done again), "discarded" (something else was done instead), "archived"
(undo no longer reaches it). Nothing is deleted, so the list is a log too.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

from core.timing import timestamp

GestureKind = Literal[
    "decision", "drawing", "registration", "composition", "classes", "inspection", "calibration", "pictures"
]
Side = Literal["before", "after"]


def begin(db: sqlite3.Connection, kind: GestureKind, author: str) -> int:
    """Records a new gesture and returns its number; what was undone can't be done again any more.

    Call within the transaction that stores what the gesture changes.
    """
    db.execute("UPDATE gestures SET state = 'discarded' WHERE state = 'undone'")
    values = (kind, author, timestamp())
    return int(db.execute("INSERT INTO gestures (kind, author, at) VALUES (?, ?, ?)", values).lastrowid or 0)


def to_undo(db: sqlite3.Connection) -> sqlite3.Row | None:
    """The gesture (`id`, `kind`) that undo takes back next."""
    return db.execute("SELECT id, kind FROM gestures WHERE state = 'done' ORDER BY id DESC LIMIT 1").fetchone()


def to_redo(db: sqlite3.Connection) -> sqlite3.Row | None:
    """The gesture (`id`, `kind`) that redo does again next."""
    return db.execute("SELECT id, kind FROM gestures WHERE state = 'undone' ORDER BY id LIMIT 1").fetchone()


def set_state(db: sqlite3.Connection, gesture: int, state: Literal["done", "undone"]) -> None:
    db.execute("UPDATE gestures SET state = ? WHERE id = ?", (state, gesture))


def withdraw(db: sqlite3.Connection, gesture: int) -> None:
    """Forgets a gesture that has turned out to change nothing, within the transaction that began it."""
    db.execute("DELETE FROM gestures WHERE id = ?", (gesture,))


def archive_empty(db: sqlite3.Connection) -> None:
    """Puts gestures beyond undo that have no decision left which undo may change."""
    db.execute(
        "UPDATE gestures SET state = 'archived' WHERE kind = 'decision' AND state IN ('done', 'undone')"
        " AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.gesture = gestures.id AND d.state = 'live')"
    )
