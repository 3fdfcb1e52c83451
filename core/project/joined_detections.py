"""Decides how several detections become one and are taken apart again: a new detection around them, they its parts.

The new one lies around all of them and is as sure and as bad as the worst; it is called as that one is. What was decided of
any part is decided of the whole; where parts were judged differently nothing is. Parts stay stored with all that was decided
of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from core.errors import UsageError
from core.geometry import Box
from core.project import decision_log, gestures
from core.project.raw_boxes import packed_outline, unpacked_outline

_ROWS = (
    "SELECT d.*, s.section_id FROM detections d JOIN scans s ON s.id = d.scan_id"
    " WHERE d.joined_into IS NULL AND NOT d.gone AND d.id IN ({})"
)
_COLUMNS = (
    "scan_id", "tile", "label", "score", "x_px", "y_px", "w_px", "h_px", "area_px", "outline",
    "decided_label", "source", "gone",
)  # fmt: skip
_INSERT = f"INSERT INTO detections ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"

_ONCE_PARTS = "SELECT DISTINCT detection_id FROM decisions WHERE after ->> 'joined_into' = ? ORDER BY detection_id"


def join(db: sqlite3.Connection, ids: Sequence[int], author: str) -> list[int]:
    """The new one's id and those of its parts; `ids` worst first. Raises UsageError for fewer than two, or on several sections."""
    parts = _rows(db, ids)
    if len(parts) < 2:
        raise UsageError("one detection alone can't be joined", remedy="Select several (Ctrl+click) and join them.")
    if len({row["section_id"] for row in parts}) > 1:
        raise UsageError("they lie on different sections", remedy="Join detections of one section.")
    gesture = gestures.begin(db, "decision", author)
    # It comes to be by the gesture, so that undo makes it go.
    new_id = int(db.execute(_INSERT, _whole(parts)).lastrowid or 0)
    notes = "; ".join(dict.fromkeys(row["note"] for row in parts if row["note"]))
    decision_log.change(db, gesture, new_id, {"gone": 0, "note": notes} | _judgement(parts), author)
    for row in parts:
        decision_log.change(db, gesture, row["id"], {"joined_into": new_id}, author)
    return [new_id, *(row["id"] for row in parts)]


def split(db: sqlite3.Connection, ids: Sequence[int], author: str) -> list[int]:
    """The parts' ids and those of what they were joined into. Raises UsageError where nothing was joined."""
    whole = [row["id"] for row in _rows(db, ids) if row["source"] == "joined"]
    if not whole:
        raise UsageError("nothing of this was joined", remedy="Select a detection that was joined of several.")
    gesture = gestures.begin(db, "decision", author)
    parts: list[int] = []
    for one in whole:
        found = [row["id"] for row in db.execute("SELECT id FROM detections WHERE joined_into = ? ORDER BY id", (one,))]
        for part in found:
            decision_log.change(db, gesture, part, {"joined_into": None}, author)
        decision_log.change(db, gesture, one, {"gone": 1}, author)
        parts += found
    return [*parts, *whole]


def standing_for(db: sqlite3.Connection, detection_id: int) -> list[int]:
    """What is there now of a detection: itself, what it was joined into, or its parts where it was taken apart."""
    row = db.execute("SELECT joined_into, gone, source FROM detections WHERE id = ?", (detection_id,)).fetchone()
    if row is None:
        return []
    if row["joined_into"] is not None:
        return standing_for(db, row["joined_into"])
    if not (row["gone"] and row["source"] == "joined"):
        return [detection_id]
    parts = [part["detection_id"] for part in db.execute(_ONCE_PARTS, (detection_id,))]
    return list(dict.fromkeys(one for part in parts for one in standing_for(db, part)))


def _judgement(parts: Sequence[sqlite3.Row]) -> dict[str, str]:
    """What is decided of the whole, by what was decided of its parts."""
    judged = [row for row in parts if row["status"] != "unreviewed"]
    if len({row["status"] for row in judged}) != 1:
        return {"status": "unreviewed"}
    told = {"status": judged[0]["status"]}
    labels = {row["decided_label"] or row["label"] for row in judged}
    if len(labels) == 1 and (label := labels.pop()) != (parts[0]["decided_label"] or parts[0]["label"]):
        told["decided_label"] = label
    return told


def _rows(db: sqlite3.Connection, ids: Sequence[int]) -> list[sqlite3.Row]:
    """In this order."""
    wanted = list(dict.fromkeys(ids))
    found = {row["id"]: row for row in db.execute(_ROWS.format(", ".join("?" * len(wanted))), wanted)}
    return [found[one] for one in wanted if one in found]


def _whole(parts: Sequence[sqlite3.Row]) -> dict[str, Any]:
    """The worst comes first."""
    from core.outlines import joined

    worst = parts[0]
    found = next((row for row in parts if row["source"] != "person"), worst)
    boxes = [Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"]) for row in parts]
    around = boxes[0]
    for box in boxes[1:]:
        around = around.union(box)
    outlines = [unpacked_outline(row["outline"]) for row in parts]
    return {
        "scan_id": found["scan_id"], "tile": found["tile"], "label": worst["label"],
        "score": max(row["score"] for row in parts),
        "x_px": around.x, "y_px": around.y, "w_px": around.w, "h_px": around.h,
        "area_px": min(sum(row["area_px"] for row in parts), around.area),
        "outline": packed_outline(joined(outlines)) if all(outlines) else None,
        "decided_label": worst["decided_label"], "source": "joined", "gone": 1,
    }  # fmt: skip
