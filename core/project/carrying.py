"""Decides what becomes of decisions when a model looks again, at a part or at all: they go on to the same finding.

So nobody judges a place twice. When a scan is started over, the old one's detections and its log stay stored, but undo no
longer reaches them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from core.geometry import Box
from core.project.gestures import archive_empty

# The same model over the same px gives the same boxes; a little less is still the same finding.
SAME_FINDING_IOU = 0.5


def put_aside(db: sqlite3.Connection, key: str) -> None:
    """Marks the scans with this key as replaced, and what was decided on them as beyond undo.

    Parts of objects that nobody will join any more go.
    """
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


def carry_over(db: sqlite3.Connection, scan_id: str, new_ids: Sequence[int]) -> None:
    """Gives new detections the status and note that the same findings have in other scans of the section by this model."""
    decided = [(_box(row), row) for row in db.execute(_DECIDED, {"scan": scan_id})]
    for new_id in new_ids if decided else ():
        old = _same_finding(db.execute("SELECT * FROM detections WHERE id = ?", (new_id,)).fetchone(), decided)
        if old is not None and (old["status"], old["note"]) != ("unreviewed", ""):
            values = (old["status"], old["note"], new_id)
            db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", values)
            db.execute(_LOG, (new_id, *values[:2], old["id"]))


def _same_finding(new: sqlite3.Row, decided: Sequence[tuple[Box, sqlite3.Row]]) -> sqlite3.Row | None:
    """Of the latest scan that has it, the one most alike."""
    box = _box(new)
    alike = [(old["scan_number"], old_box.iou(box), old) for old_box, old in decided if old["label"] == new["label"]]
    alike = [one for one in alike if one[1] >= SAME_FINDING_IOU]
    return max(alike, key=lambda one: one[:2])[2] if alike else None


def _box(row: sqlite3.Row) -> Box:
    return Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"])


# Also what is undecided again. From the decisions on, as a scan may have a thousand times as many detections.
_DECIDED = (
    "SELECT d.*, s.rowid AS scan_number FROM (SELECT DISTINCT detection_id FROM decisions) x"
    " CROSS JOIN detections d ON d.id = x.detection_id CROSS JOIN scans s ON s.id = d.scan_id"
    " JOIN scans mine ON mine.id = :scan WHERE s.id != mine.id AND s.section_id = mine.section_id"
    " AND s.spec ->> 'id' = mine.spec ->> 'id' AND s.spec ->> 'version' = mine.spec ->> 'version' ORDER BY d.id"
)
# Who decided, and when, goes along.
_LOG = (
    "INSERT INTO decisions (gesture, detection_id, status_before, status_after, note_before, note_after, author, at, state)"
    " SELECT NULL, ?, 'unreviewed', ?, '', ?, author, at, 'carried' FROM decisions WHERE detection_id = ?"
    " ORDER BY id DESC LIMIT 1"
)
