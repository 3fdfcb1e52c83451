"""Decides how what a person drew becomes a defect like any other: each closed drawing with a class has its detection.

The drawing says where it lies and which class it is; the detection is made after it in the same transaction, whatever
changes the drawing, undo included, and takes decisions, chemistry and a number. Detections of a section that were drawn
belong to a scan of their own that no list of scans shows. The drawing deleted, its detection is gone, with all that was
decided, until it comes back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from core.detection import BY_PERSON, Status
from core.drawing import Drawing
from core.measure import area
from core.project.class_table import class_table
from core.project.raw_boxes import packed_outline

DRAWN_KEY = "drawn"  # of a section's scan that holds what was drawn
_SURE = 1.0
_SPEC = {
    "id": BY_PERSON, "name": "Drawn by a person", "version": "", "family": BY_PERSON, "labels": [], "artefact_labels": [],
    "score_unit": "probability",
}  # fmt: skip


def mirror(db: sqlite3.Connection, drawing_ids: Iterable[int]) -> list[int]:
    """Brings the detections of some drawings to where these are now; returns the ids of those that there are or were."""
    mirrored: list[int] = []
    artefacts = class_table(db).artefacts()
    for drawing_id in drawing_ids:
        row = db.execute("SELECT * FROM drawings WHERE id = ?", (drawing_id,)).fetchone()
        known = db.execute("SELECT * FROM detections WHERE drawing_id = ?", (drawing_id,)).fetchone()
        drawing = None if row is None else _closed(row)
        if drawing is None or row is None:
            if known is not None:
                db.execute("UPDATE detections SET gone = 1 WHERE id = ?", (known["id"],))
        elif known is None:
            values = _place(row, drawing) | {"status": _status(row["label"], artefacts)}
            values |= {"scan_id": _scan_of(db, row), "tile": -1, "source": BY_PERSON, "drawing_id": drawing_id}
            values |= {"decided_by": row["author"], "decided_at": row["created"], "note": row["note"]}
            known = {"id": db.execute(_statement("INSERT", values), values).lastrowid}
        else:
            values = _place(row, drawing) | {"gone": 0, "id": known["id"]}
            if known["status"] == _status(known["label"], artefacts):
                values["status"] = _status(row["label"], artefacts)
            db.execute(_statement("UPDATE", values), values)
        if known is not None:
            mirrored.append(known["id"])
    return mirrored


def mirror_all(db: sqlite3.Connection) -> None:
    """For a project of a version in which drawings were nothing but drawings."""
    mirror(db, [row["id"] for row in db.execute("SELECT id FROM drawings ORDER BY id")])


def _closed(row: sqlite3.Row) -> Drawing | None:
    """A drawing that is a defect; None for all others, those called normal too, and for those nobody understands."""
    with suppress(ValueError, TypeError):
        points = tuple((float(x), float(y)) for x, y in json.loads(row["points"]))
        drawing = Drawing(row["kind"], points, label=row["label"])
        return drawing if drawing.is_closed and drawing.label and not drawing.is_normal else None
    return None


def _place(row: sqlite3.Row, drawing: Drawing) -> dict[str, Any]:
    """Where it lies, how large it is and what: as a model would say that is sure of it."""
    from core.outlines import as_outline

    box = drawing.box
    area_px = min(area(list(drawing.outline)), box.area)
    return {
        "label": row["label"], "score": _SURE, "area_px": area_px,
        "x_px": box.x, "y_px": box.y, "w_px": box.w, "h_px": box.h,
        "outline": None if drawing.kind == "box" else packed_outline(as_outline(np.array(drawing.points))),
    }  # fmt: skip


def _status(label: str, artefacts: Collection[str]) -> Status:
    """Whoever draws something has judged it."""
    return "artefact" if label in artefacts else "defect"


def _scan_of(db: sqlite3.Connection, row: sqlite3.Row) -> str:
    found = db.execute(
        "SELECT id FROM scans WHERE key = ? AND section_id = ?", (DRAWN_KEY, row["section_id"])
    ).fetchone()
    if found is not None:
        return str(found["id"])
    scan_id = f"{DRAWN_KEY}-{row['section_id']}"
    values = (scan_id, row["section_id"], DRAWN_KEY, json.dumps(_SPEC), row["author"], row["created"])
    db.execute(_NEW_SCAN, values)
    return scan_id


def _statement(kind: str, values: dict[str, Any]) -> str:
    if kind == "INSERT":
        return f"INSERT INTO detections ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})"
    return f"UPDATE detections SET {', '.join(f'{name} = :{name}' for name in values if name != 'id')} WHERE id = :id"


_NEW_SCAN = (
    "INSERT INTO scans (id, section_id, key, status, threshold, spec, tiles_total, cell_px, context_px, device, parameters,"
    " provenance, started) VALUES (?, ?, ?, 'done', 0, ?, 0, 0, 0, ?, '{}', '{}', ?)"
)
