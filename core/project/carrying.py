"""Decides what becomes of decisions when a scan is started over: they go on to the same finding of the new scan.

The old scan's detections and its log stay stored; undo no longer reaches them.
"""

from __future__ import annotations

import sqlite3

from core.geometry import Box
from core.project.gestures import archive_empty

# The same model over the same px gives the same boxes; a little less is still the same finding.
SAME_FINDING_IOU = 0.5


def put_aside(db: sqlite3.Connection, key: str) -> None:
    """Marks the scans with this key as replaced, and what was decided on them as beyond undo."""
    db.execute("UPDATE scans SET replaced = 1 WHERE key = ?", (key,))
    db.execute(
        "UPDATE decisions SET state = 'archived' WHERE detection_id IN"
        " (SELECT d.id FROM detections d JOIN scans s ON s.id = d.scan_id WHERE s.key = ?)",
        (key,),
    )
    archive_empty(db)


def carry_over(db: sqlite3.Connection, key: str, detection_id: int) -> None:
    """Gives a new detection the status and note that the same finding had in the scan it replaces, if any."""
    new = db.execute("SELECT * FROM detections WHERE id = ?", (detection_id,)).fetchone()
    for old in db.execute(_DECIDED, (key, new["label"])):
        if _box(old).iou(_box(new)) >= SAME_FINDING_IOU:
            values = (old["status"], old["note"], detection_id)
            db.execute("UPDATE detections SET status = ?, note = ? WHERE id = ?", values)
            db.execute(_LOG, (detection_id, *values[:2], old["id"]))
            return


def _box(row: sqlite3.Row) -> Box:
    return Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"])


_DECIDED = (
    "SELECT d.* FROM detections d JOIN scans s ON s.id = d.scan_id WHERE s.replaced AND s.key = ? AND d.label = ?"
    " AND (d.status != 'unreviewed' OR d.note != '') ORDER BY s.rowid DESC"
)
# Who decided, and when, goes along.
_LOG = (
    "INSERT INTO decisions (gesture, detection_id, status_before, status_after, note_before, note_after, author, at, state)"
    " SELECT NULL, ?, 'unreviewed', ?, '', ?, author, at, 'carried' FROM decisions WHERE detection_id = ?"
    " ORDER BY id DESC LIMIT 1"
)
