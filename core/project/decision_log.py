"""Decides how one decision is recorded in a transaction, and how a gesture's decisions are taken back or made again.

What is decided of a detection lies in its row; the log keeps what changed, as it was before and after, with its author.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.detection import Status
from core.project.gestures import Side
from core.project.stored import as_stored, check_ids, check_texts
from core.timing import timestamp

# The columns of a detection that a person changes. `decided_label`: the class that a person gave it, "" for the model's own.
# `carried_from`: the detection that was judged in its place. `joined_into`: the one it is a part of. `gone`: it isn't there.
DECIDED = (
    "status", "note", "decided_label", "decided_by", "decided_at", "carried_from", "joined_into", "gone",
)  # fmt: skip
_TEXTS = ("status", "note", "decided_label", "decided_by", "decided_at")
_JUDGED = ("status", "note", "decided_label")
NOTHING_DECIDED = {"status": "unreviewed", "note": "", "decided_label": ""}


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of a detection's log: what was decided, by whom, when (UTC, ISO 8601). `carried`: by itself, from elsewhere."""

    status: Status
    label: str
    note: str
    author: str
    at: str
    carried: bool


def change(db: sqlite3.Connection, gesture: int, detection_id: int, values: Mapping[str, Any], author: str) -> None:
    """Gives a detection other values of `DECIDED`, and logs those that differ; who judges is stamped with name and time."""
    before = stored(db, detection_id)
    after = before | dict(values)
    if any(after[name] != before[name] for name in _JUDGED):
        nothing = all(after[name] == value for name, value in NOTHING_DECIDED.items())
        by, at = ("", "") if nothing else (author, timestamp())
        after |= {"decided_by": by, "decided_at": at, "carried_from": None}
    changed = [name for name in DECIDED if after[name] != before[name]]
    _put(db, detection_id, {name: after[name] for name in changed})
    both = (json.dumps({name: side[name] for name in changed}) for side in (before, after))
    query = "INSERT INTO decisions (gesture, detection_id, before, after, author, at) VALUES (?, ?, ?, ?, ?, ?)"
    db.execute(query, (gesture, detection_id, *both, author, timestamp()))


def carry(db: sqlite3.Connection, gesture: int | None, detection_id: int, old: sqlite3.Row, label: str) -> None:
    """Gives a detection what was decided of another one, with its author and time; `label`: the class that goes along.

    Without a gesture undo doesn't reach it.
    """
    before = stored(db, detection_id)
    after = {name: old[name] for name in ("status", "note", "decided_by", "decided_at")}
    after |= {"decided_label": label, "carried_from": old["id"]}
    _put(db, detection_id, after)
    values = (gesture, detection_id, json.dumps({name: before[name] for name in after}), json.dumps(after))
    query = (
        "INSERT INTO decisions (gesture, detection_id, before, after, author, at, state) VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    state = "carried" if gesture is None else "live"
    db.execute(query, (*values, old["decided_by"], old["decided_at"], state))


@as_stored()
def stored(db: sqlite3.Connection, detection_id: int) -> dict[str, Any]:
    """The values of `DECIDED` that a detection has now."""
    row = db.execute(f"SELECT {', '.join(DECIDED)} FROM detections WHERE id = ?", (detection_id,)).fetchone()
    check_texts(row[name] for name in _TEXTS)
    check_ids(row[name] for name in DECIDED if name not in _TEXTS)
    return dict(row)


@as_stored()
def replay(db: sqlite3.Connection, gesture: int, side: Side) -> list[int]:
    """Puts every detection of a gesture as it was before or after it; returns their ids."""
    order = "DESC" if side == "before" else "ASC"
    query = f"SELECT * FROM decisions WHERE gesture = ? AND state = 'live' ORDER BY id {order}"
    rows = db.execute(query, (gesture,)).fetchall()
    for row in rows:
        _put(db, row["detection_id"], json.loads(row[side]))
    return sorted({row["detection_id"] for row in rows})


@as_stored()
def log_of(db: sqlite3.Connection, detection_id: int) -> list[Decision]:
    """What was said of a detection and holds or held, the first word first; what was taken back is left out."""
    query = (
        "SELECT d.* FROM decisions d LEFT JOIN gestures g ON g.id = d.gesture WHERE d.detection_id = ?"
        " AND (g.state IS NULL OR g.state IN ('done', 'archived')) ORDER BY d.id"
    )
    found: list[Decision] = []
    now: dict[str, Any] = dict(NOTHING_DECIDED)
    for row in db.execute(query, (detection_id,)):
        after = json.loads(row["after"])
        if not after.keys().isdisjoint(now):
            now |= {name: after[name] for name in now if name in after}
            carried = after.get("carried_from") is not None or row["state"] == "carried"
            found.append(Decision(now["status"], now["decided_label"], now["note"], row["author"], row["at"], carried))
    return found


def _put(db: sqlite3.Connection, detection_id: int, values: Mapping[str, Any]) -> None:
    """Only columns of `DECIDED`, whatever a damaged log may name."""
    known = {name: value for name, value in values.items() if name in DECIDED}
    if known:
        places = ", ".join(f"{name} = :{name}" for name in known)
        db.execute(f"UPDATE detections SET {places} WHERE id = :id", {**known, "id": detection_id})
