"""Decides how one decision is recorded in a transaction, and how a gesture's decisions are taken back or made again."""

from __future__ import annotations

import sqlite3

from core.project.gestures import Side
from core.timing import timestamp


def record(db: sqlite3.Connection, gesture: int, row: sqlite3.Row, after: tuple[str, str], author: str) -> None:
    """Gives the detection of `row` (id, status, note) another status and note, and logs it."""
    db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", (*after, row["id"]))
    db.execute(
        "INSERT INTO decisions (gesture, detection_id, status_before, status_after, note_before, note_after,"
        " author, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (gesture, row["id"], row["status"], after[0], row["note"], after[1], author, timestamp()),
    )


def replay(db: sqlite3.Connection, gesture: int, side: Side) -> list[int]:
    """Puts every detection of a gesture as it was before or after it; returns their ids."""
    rows = db.execute("SELECT * FROM decisions WHERE gesture = ? AND state = 'live' ORDER BY id", (gesture,)).fetchall()
    for row in rows:
        values = (row[f"status_{side}"], row[f"note_{side}"], row["detection_id"])
        db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", values)
    return [row["detection_id"] for row in rows]
