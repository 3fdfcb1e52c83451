"""Decides how a person's judgement is recorded: as decisions that can be undone and redone, after a restart too.

A gesture is what the person did at once (one key on several selected detections); undo takes back whole gestures.
Nothing is overwritten: every decision stays in the project's log with its author and time.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.detection import Status
from core.history import History, Replayed
from core.project import Project, decision_log, gestures


class Review:
    """The decisions of one project."""

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._database = project.database
        self._author = author or gestures.user_name()
        self.history = History(project)

    def decide(self, ids: Sequence[int], status: Status | None = None, note: str | None = None) -> list[int]:
        """Gives detections a status, a note or both, as one gesture; what was undone before can't be redone any more.

        Returns the ids that changed.
        """
        changed: list[int] = []
        gesture = 0
        with self._database.writing() as db:
            for detection_id in ids:
                row = db.execute("SELECT id, status, note FROM detections WHERE id = ?", (detection_id,)).fetchone()
                after = (status or row["status"], row["note"] if note is None else note)
                if after == (row["status"], row["note"]):
                    continue
                gesture = gesture or gestures.begin(db, "decision", self._author)
                decision_log.record(db, gesture, row, after, self._author)
                changed.append(detection_id)
        return changed

    @property
    def can_undo(self) -> bool:
        return self.history.can_undo

    @property
    def can_redo(self) -> bool:
        return self.history.can_redo

    def undo(self) -> list[int]:
        """Takes back the last gesture of the project. Returns the ids of detections that changed."""
        return _decided(self.history.undo())

    def redo(self) -> list[int]:
        return _decided(self.history.redo())


def _decided(replayed: Replayed | None) -> list[int]:
    return list(replayed.ids) if replayed is not None and replayed.kind == "decision" else []
