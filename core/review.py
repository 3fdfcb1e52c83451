"""Decides how a person's judgement is recorded: as decisions that can be undone and redone, after a restart too.

A gesture is what the person did at once (one key on several selected detections); undo takes back whole gestures.
Nothing is overwritten: every decision stays in the project's log with its author and time.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence

from core.detection import Status
from core.project import Project
from core.timing import timestamp


class Review:
    """The decisions of one project."""

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._database = project.database
        self._author = author or _user_name()

    def decide(self, ids: Sequence[int], status: Status | None = None, note: str | None = None) -> list[int]:
        """Gives detections a status, a note or both, as one gesture; what was undone before can't be redone any more.

        Returns the ids that changed.
        """
        changed: list[int] = []
        with self._database.writing() as db:
            gesture = db.execute("SELECT coalesce(max(gesture), 0) + 1 FROM decisions").fetchone()[0]
            for detection_id in ids:
                row = db.execute("SELECT status, note FROM detections WHERE id = ?", (detection_id,)).fetchone()
                after = (status or row["status"], row["note"] if note is None else note)
                if after == (row["status"], row["note"]):
                    continue
                if not changed:
                    db.execute("UPDATE decisions SET state = 'discarded' WHERE state = 'undone'")
                db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", (*after, detection_id))
                db.execute(
                    "INSERT INTO decisions (gesture, detection_id, status_before, status_after, note_before, note_after,"
                    " author, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (gesture, detection_id, row["status"], after[0], row["note"], after[1], self._author, timestamp()),
                )
                changed.append(detection_id)
        return changed

    @property
    def can_undo(self) -> bool:
        return self._edge("max", "done") is not None

    @property
    def can_redo(self) -> bool:
        return self._edge("min", "undone") is not None

    def undo(self) -> list[int]:
        """Takes back the last gesture. Returns the ids that changed, none when there is nothing to undo."""
        return self._replay(self._edge("max", "done"), "undone", "before")

    def redo(self) -> list[int]:
        return self._replay(self._edge("min", "undone"), "done", "after")

    def _edge(self, which: str, state: str) -> int | None:
        with self._database.reading() as db:
            return db.execute(f"SELECT {which}(gesture) FROM decisions WHERE state = ?", (state,)).fetchone()[0]

    def _replay(self, gesture: int | None, state: str, side: str) -> list[int]:
        if gesture is None:
            return []
        with self._database.writing() as db:
            rows = db.execute("SELECT * FROM decisions WHERE gesture = ? ORDER BY id", (gesture,)).fetchall()
            for row in rows:
                values = (row[f"status_{side}"], row[f"note_{side}"], row["detection_id"])
                db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", values)
            db.execute("UPDATE decisions SET state = ? WHERE gesture = ?", (state, gesture))
        return [row["detection_id"] for row in rows]


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no login name, as in some containers
        return "unknown"
