"""Decides what becomes of decisions when somebody looks again, with the same model or another: they go on to the same finding.

So nobody judges a place twice. When a scan is started over, the old one's detections and its log stay stored, but undo no
longer reaches them.

The same model over the same px gives the same boxes, so there any decision goes along. Another model draws other boxes, and
what it means by a mark may be something else: there only a decision (not a doubt) goes along, only to a box that clearly
overlaps, and only where nothing speaks against it: a "defect" or "artefact" takes the class that was decided along; a
"false alarm" goes to the same class only, or where one of the models knows no classes, since somebody who said that this is
no pore has not said that it is no crack. What was carried names where from, and by whom and when that was decided.
Chemistry that was measured on a finding goes along to the same finding, whatever was decided of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.box_index import BoxIndex
from core.detection import UNDECIDED
from core.geometry import Box, bounding_box
from core.project import attachments, decision_log
from core.project.class_table import class_table
from core.project.gestures import archive_empty
from core.truth import NO_CLASSES

# The same model over the same px gives the same boxes; a little less is still the same finding.
SAME_FINDING_IOU = 0.5


def put_aside(db: sqlite3.Connection, key: str) -> None:
    """Marks the scans with this key as replaced, and what was decided on them as beyond undo.

    Parts of objects that nobody will join any more go. What lies elsewhere and was joined into something on them, as what
    a person drew, stands for itself again.
    """
    alone = [row["id"] for row in db.execute(_JOINED_ELSEWHERE, (key, key))]
    for detection_id in alone:
        db.execute("UPDATE detections SET joined_into = NULL WHERE id = ?", (detection_id,))
        db.execute(
            "UPDATE decisions SET state = 'archived' WHERE detection_id = ? AND after LIKE '%\"joined_into\"%'",
            (detection_id,),
        )
    db.execute("UPDATE scans SET replaced = 1 WHERE key = ?", (key,))
    db.execute("DELETE FROM fragments WHERE scan_id IN (SELECT id FROM scans WHERE key = ?)", (key,))
    db.execute(
        "UPDATE decisions SET state = 'archived' WHERE detection_id IN"
        " (SELECT d.id FROM detections d JOIN scans s ON s.id = d.scan_id WHERE s.key = ?)",
        (key,),
    )
    archive_empty(db)


def has_replaced(db: sqlite3.Connection, key: str) -> bool:
    """Whether there is a scan with this key that was put aside."""
    return db.execute("SELECT 1 FROM scans WHERE key = ? AND replaced", (key,)).fetchone() is not None


def carry_over(db: sqlite3.Connection, scan_id: str, new_ids: Sequence[int], gesture: int | None = None) -> list[int]:
    """Gives new detections what was decided of the same findings in other scans of the section, or of what was drawn there.

    Without a gesture undo doesn't reach it. Returns the ids that were given something so.
    """
    found_now = [db.execute("SELECT * FROM detections WHERE id = ?", (new_id,)).fetchone() for new_id in new_ids]
    if not found_now:
        return []
    decided = _Decided(db, scan_id, bounding_box(map(_box, found_now)))
    taken = []
    for new in found_now if decided.judged else ():
        new_id = new["id"]
        found = decided.same_model(new) or decided.other_model(new)
        if found is None:
            continue
        is_told = (found.row["status"], found.row["note"]) != ("unreviewed", "")
        if is_told:
            decision_log.carry(db, gesture, new_id, found.row, found.label)
        owners = dict.fromkeys((found.row["id"], found.id))
        has_chemistry = any(attachments.copy(db, gesture, "composition", owner, new_id) for owner in owners)
        if is_told or has_chemistry:
            taken.append(new_id)
    return taken


@dataclass(frozen=True, slots=True)
class _Judged:
    """A detection that was judged, where it lies, and the row of what was decided: that of the one it was joined into."""

    id: int
    box: Box
    said: str
    is_same_model: bool
    scan_number: int
    row: sqlite3.Row
    word: int
    label: str


class _Decided:
    """What was decided on a section in other scans than one, of what reaches into an area (a tile of a scan, say)."""

    def __init__(self, db: sqlite3.Connection, scan_id: str, area: Box) -> None:
        self._classes = class_table(db)
        edges = {"x0": area.x, "y0": area.y, "x1": area.x1, "y1": area.y1}
        rows = db.execute(_DECIDED, {"scan": scan_id, **edges}).fetchall()
        whole = {row["id"]: row for row in rows}
        self.judged = [
            _Judged(
                row["id"],
                _box(row),
                row["label"],
                bool(row["same_model"]),
                row["scan_number"],
                values,
                _word(values, whole),
                values["decided_label"],
            )
            for row in rows
            if (values := whole.get(row["joined_into"], row)) is not None and not values["gone"]
        ]
        boxes = [(one.box.x, one.box.y, one.box.x1, one.box.y1) for one in self.judged]
        self._index = BoxIndex(np.array(boxes, float).reshape(-1, 4))

    def same_model(self, new: sqlite3.Row) -> _Judged | None:
        """Of the latest scan that has it, the one most alike; also what is undecided again."""
        alike = [one for one in self._alike(new) if one[1].is_same_model and one[1].said == new["label"]]
        return max(alike, key=lambda one: (one[1].scan_number, one[0]))[1] if alike else None

    def other_model(self, new: sqlite3.Row) -> _Judged | None:
        """What was decided last of those that may speak for it, with the class that goes along."""
        alike = [
            ((one.word, overlap), replace(one, label=label))
            for overlap, one in self._alike(new)
            if not one.is_same_model and (label := self._label_along(one, new)) is not None
        ]
        return max(alike, key=lambda one: one[0])[1] if alike else None

    def _alike(self, new: sqlite3.Row) -> list[tuple[float, _Judged]]:
        box = _box(new)
        near = [self.judged[index] for index in self._index.touching(box.x, box.y, box.x1, box.y1).tolist()]
        return [(overlap, one) for one in near if (overlap := box.iou(one.box)) >= SAME_FINDING_IOU]

    def _label_along(self, one: _Judged, new: sqlite3.Row) -> str | None:
        """The class that a decision on another model's finding takes along, "" for none; None: it says nothing of this one."""
        status, shown = one.row["status"], self._classes.shown
        if status in UNDECIDED:
            return None
        old, is_same = one.label or one.said, shown(one.label or one.said) == shown(new["label"])
        if status == "false_alarm":
            return "" if is_same or {one.said, new["label"]} & NO_CLASSES else None
        return one.label if is_same or old in NO_CLASSES else old


def _word(row: sqlite3.Row, known: Mapping[int, sqlite3.Row]) -> int:
    """When it was decided: the number in the log of decisions, which no clock moves; of what was carried, that it came from."""
    seen = set()
    while row["carried_from"] in known and row["id"] not in seen:
        seen.add(row["id"])
        row = known[row["carried_from"]]
    return int(row["word"])


def _box(row: sqlite3.Row) -> Box:
    return Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"])


_JOINED_ELSEWHERE = (
    "SELECT part.id FROM detections whole JOIN scans s ON s.id = whole.scan_id JOIN detections part"
    " ON part.joined_into = whole.id JOIN scans p ON p.id = part.scan_id WHERE s.key = ? AND p.key != ?"
)
# Also what is undecided again, or was only measured. From the decisions on, as a scan may have a thousand times as many detections.
_DECIDED = (
    "SELECT d.*, s.rowid AS scan_number, s.spec ->> 'id' = mine.spec ->> 'id' AND s.spec ->> 'version' ="
    " mine.spec ->> 'version' AS same_model, coalesce((SELECT max(id) FROM decisions WHERE"
    " detection_id = x.id), 0) AS word FROM (SELECT detection_id AS id FROM decisions UNION SELECT id FROM detections"
    " WHERE drawing_id IS NOT NULL UNION SELECT owner FROM attachments WHERE kind = 'composition') x"
    " CROSS JOIN detections d ON d.id = x.id CROSS JOIN scans s ON s.id = d.scan_id"
    " JOIN scans mine ON mine.id = :scan WHERE s.id != mine.id AND s.section_id = mine.section_id"
    " AND d.x_px <= :x1 AND d.x_px + d.w_px >= :x0 AND d.y_px <= :y1 AND d.y_px + d.h_px >= :y0 ORDER BY d.id"
)
