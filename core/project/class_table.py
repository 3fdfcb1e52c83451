"""Decides where a project's table of classes lies: beside its other attached values, of owner 0."""

from __future__ import annotations

import json
import sqlite3

from core.classes import ClassTable
from core.project.stored import as_stored


@as_stored()
def class_table(db: sqlite3.Connection) -> ClassTable:
    """What classes are called now."""
    row = db.execute("SELECT value FROM attachments WHERE kind = 'classes' AND owner = 0").fetchone()
    return ClassTable() if row is None else ClassTable.from_json(json.loads(row["value"]))
