"""Decides what undo and redo do: one history of all that a person did in a project, in the order it was done.

It outlives a restart. What a gesture changed is for `core.project.decision_log`, `drawing_store` and
`attachments`; one gesture may have changed something of each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.project import Project, attachments, decision_log, drawing_store, gestures
from core.project.gestures import GestureKind, Side

Choice = Callable[[sqlite3.Connection], sqlite3.Row | None]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one step back or forth changed, by id: detections (decided, or their chemistry), drawings, sections.

    `drawings`: those that a decision changed with it.
    """

    kind: GestureKind
    ids: tuple[int, ...]
    drawings: tuple[int, ...] = ()


class History:
    """The gestures of one project. Methods raise SchliffError where the project can't be read or written.

    `can_undo`, `can_redo`: known without asking the disk, and kept true by whoever stores something.
    """

    def __init__(self, project: Project) -> None:
        self.can_undo = self.can_redo = False
        self._database = project.database
        self._database.follow(self._look)

    def _look(self, db: sqlite3.Connection) -> None:
        self.can_undo = gestures.to_undo(db) is not None
        self.can_redo = gestures.to_redo(db) is not None

    def undo(self) -> Replayed | None:
        """Takes back the last gesture; None when there is nothing to take back."""
        return self._step(gestures.to_undo, "undone", "before")

    def redo(self) -> Replayed | None:
        """Does the gesture again that was taken back last; None when there is none."""
        return self._step(gestures.to_redo, "done", "after")

    def _step(self, choose: Choice, state: Literal["done", "undone"], side: Side) -> Replayed | None:
        """Chooses and replays in one transaction: another window may be undoing too."""
        with self._database.writing() as db:
            gesture = choose(db)
            if gesture is None:
                return None
            drawings = tuple(drawing_store.replay(db, gesture["id"], side))
            decided = tuple(decision_log.replay(db, gesture["id"], side))
            owners = tuple(attachments.replay(db, gesture["id"], side))
            gestures.set_state(db, gesture["id"], state)
        if gesture["kind"] == "drawing":
            return Replayed("drawing", drawings)
        return Replayed(gesture["kind"], decided or owners, drawings)
