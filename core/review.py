"""Decides how a person's judgement is recorded: as decisions that can be undone and redone, after a restart too.

A gesture is what the person did at once (one key on several selected detections); undo takes back whole gestures.
Nothing is overwritten: every decision stays in the project's log with its author and time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from core.classes import ClassTable, checked_name
from core.detection import BY_PERSON, Status
from core.history import History, Replayed
from core.people import user_name
from core.project import Project, decision_log, drawing_store, gestures, joined_detections
from core.project.attachments import Attachments
from core.project.carrying import carry_over
from core.project.class_table import class_table
from core.project.decision_log import Decision
from core.ranking import worst_first


class Review:
    """The decisions of one project."""

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._project = project
        self._database = project.database
        self._given = author
        self._tables = Attachments(project, "classes", author)
        self.history = History(project)

    @property
    def _author(self) -> str:
        """Another person may sit down meanwhile."""
        return self._given or user_name()

    def decide(
        self, ids: Sequence[int], status: Status | None = None, note: str | None = None, label: str | None = None
    ) -> list[int]:
        """Gives detections a status, a note, a class or several of these, as one gesture; what was undone before can't be
        redone any more.

        A class without a status says that it is a defect, or an artefact where the class is one of those; "unreviewed"
        without one takes back the class that was given, too. What the model said stays on record. Returns the ids that changed. Raises UsageError for what is no name of a class.
        """
        label = None if label is None else checked_name(label)
        forgotten = status == "unreviewed" and label is None
        changed: list[int] = []
        gesture = 0
        with self._database.writing() as db:
            table = class_table(db)
            for detection_id in ids:
                row = db.execute(_ROW, (detection_id,)).fetchone()
                after = {"status": status or (row["status"] if label is None else _status_of(label, row, table))}
                after |= {} if note is None else {"note": note}
                drawn = label is not None and row["source"] == BY_PERSON and label != row["label"]
                after |= {} if label is None or row["source"] == BY_PERSON else {"decided_label": label}
                after |= {"decided_label": ""} if forgotten else {}
                if not drawn and all(row[name] == value for name, value in after.items()):
                    continue
                gesture = gesture or gestures.begin(db, "decision", self._author)
                decision_log.change(db, gesture, detection_id, after, self._author)
                if drawn and label is not None:
                    drawing_store.relabel(db, gesture, row["drawing_id"], label)
                changed.append(detection_id)
        return changed

    def join(self, ids: Sequence[int]) -> list[int]:
        """Makes one detection of several of a section, as one gesture; returns the ids that changed, the new one first.

        Raises UsageError for fewer than two, or where they lie on several sections.
        """
        worst = [one.id for one in worst_first(self._project.detections_by_id(ids))]
        with self._database.writing() as db:
            return joined_detections.join(db, worst, self._author)

    def split(self, ids: Sequence[int]) -> list[int]:
        """Takes joined detections apart again, as one gesture: their parts are there again, as they were judged before.

        Returns the ids that changed, the parts first. Raises UsageError where none of them was joined.
        """
        with self._database.writing() as db:
            return joined_detections.split(db, ids, self._author)

    def take_over(self, scan_id: str) -> list[int]:
        """Gives what nobody judged in a scan the decisions of other scans of its section on the same findings, as one
        gesture (`core.project.carrying`). Returns the ids that were decided so."""
        with self._database.writing() as db:
            query = "SELECT id FROM detections WHERE scan_id = ? AND status = 'unreviewed' AND note = '' AND NOT gone"
            waiting = [row["id"] for row in db.execute(query, (scan_id,))]
            gesture = gestures.begin(db, "decision", self._author)
            taken = carry_over(db, scan_id, waiting, gesture)
            if not taken:
                gestures.withdraw(db, gesture)
        return taken

    def log(self, detection_id: int) -> list[Decision]:
        """All that was said of a detection, the first word first; what was undone is left out."""
        with self._database.reading() as db:
            return decision_log.log_of(db, detection_id)

    def keep_classes(self, table: ClassTable) -> bool:
        """Replaces the project's table of classes, as one gesture; whether that changed anything."""
        value = table.to_json()
        return bool(self._tables.keep({0: value if table != ClassTable() else None}))

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


_ROW = (
    "SELECT d.id, d.status, d.note, d.label, d.decided_label, d.source, d.drawing_id, s.spec ->> 'labels' AS labels,"
    " s.spec ->> 'artefact_labels' AS artefacts FROM detections d JOIN scans s ON s.id = d.scan_id WHERE d.id = ?"
)


def _status_of(label: str, row: sqlite3.Row, table: ClassTable) -> Status:
    artefacts = table.artefacts(json.loads(row["labels"] or "[]"), json.loads(row["artefacts"] or "[]"))
    return "artefact" if label in artefacts else "defect"


def _decided(replayed: Replayed | None) -> list[int]:
    return list(replayed.ids) if replayed is not None and replayed.kind == "decision" else []
