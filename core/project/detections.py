"""Decides how detections are read from a project's database: all at once, as columns, for there may be 200,000 of them."""

from __future__ import annotations

import gc
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from core.detection import BY_PERSON, STATUS_CODES, Detection
from core.detection_table import DetectionTable
from core.geometry import Box
from core.project.class_table import class_table
from core.project.raw_boxes import unpacked_outline
from core.project.severities import Severities
from core.project.stored import LARGEST, as_stored, check_ids, check_texts
from core.ranking import worst_order

THERE = "joined_into IS NULL AND NOT gone"  # neither deleted nor a part of another one

_NUMBERS = ("id", "score", "x_px", "y_px", "w_px", "h_px", "area_px")
_TEXTS = ("scan_id", "label", "decided_label", "status", "note", "decided_by", "decided_at", "source")
_MORE = ("carried_from", "drawing_id", "outline")
# "+": the index by scan lists them by score, and to fetch most of a table in that order takes twice as long as in its own.
_ASKED = (
    f"SELECT {', '.join((*_NUMBERS, *_TEXTS, *_MORE))} FROM detections"
    " WHERE +scan_id IN (SELECT id FROM scans WHERE NOT replaced) AND "
)


@as_stored()
def read_detections(
    db: sqlite3.Connection,
    severities: Severities,
    where: str,
    values: Mapping[str, Any] | Sequence[Any],
    *,
    whole: bool = False,
) -> DetectionTable:
    """Those of `detections` for which `where` holds, worst first, with their severities among all of their scans.

    Classes are called as the project's table of them says now. `whole`: these are all that their scans have, and they are
    ranked anew. Scans that were started over are left out.
    """
    cursor = db.execute(_ASKED + where, values)
    cursor.row_factory = None  # plain tuples are half as dear
    with _no_collecting():
        rows = cursor.fetchall()
    if not rows:
        return DetectionTable()
    columns = dict(zip((*_NUMBERS, *_TEXTS, *_MORE), zip(*rows, strict=True), strict=True))
    numbers = {name: np.array(columns[name], np.float64) for name in _NUMBERS[1:]}
    numbers["id"] = np.array(columns["id"], np.int64)
    _check(columns, numbers)
    labels = _labels_now(db, columns["label"], columns["decided_label"])
    severity = severities.of(db, columns["scan_id"], labels, numbers["score"], numbers["area_px"], whole=whole)
    order = worst_order(numbers["id"], numbers["x_px"], numbers["y_px"], severity)
    severity = severity[order]
    scans = _scans(db, set(columns["scan_id"]))
    with _no_collecting():
        found = [
            _detection(rows[row], scans, labels[row], worst)
            for row, worst in zip(order.tolist(), severity.tolist(), strict=True)
        ]
    return DetectionTable(found, {"severity": severity, **_known(columns, numbers, order)})


def _check(columns: Mapping[str, Sequence[Any]], numbers: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError for values of other types than Schliff stores, and for places beyond any section."""
    for name in _TEXTS:
        check_texts(columns[name])
    for name in ("carried_from", "drawing_id"):
        check_ids(columns[name])
    for name, values in numbers.items():
        if not (np.abs(values) <= LARGEST).all():
            raise ValueError(f"{name} of a detection")


@contextmanager
def _no_collecting() -> Iterator[None]:
    """While so many objects are made, and none is rubbish, Python needn't look through all of them over and over."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _labels_now(db: sqlite3.Connection, said: Sequence[str], decided: Sequence[str]) -> list[str]:
    """What a person said goes before what the model said."""
    classes = class_table(db)
    called = {label: classes.shown(label) for label in {*said, *decided}}
    return [called[by_person or by_model] for by_model, by_person in zip(said, decided, strict=True)]


def _scans(db: sqlite3.Connection, ids: set[str]) -> dict[str, tuple[int, str]]:
    """Section and model of each."""
    every = db.execute("SELECT id, section_id, spec FROM scans")
    return {row["id"]: (row["section_id"], json.loads(row["spec"])["id"]) for row in every if row["id"] in ids}


def _detection(row: tuple[Any, ...], scans: Mapping[str, tuple[int, str]], label: str, severity: float) -> Detection:
    (number, score, x, y, w, h, area, scan_id, said, _, status, note, by, at, source, carried, drawing, outline) = row
    section_id, model = scans[scan_id]
    return Detection(
        number, section_id, scan_id, model, label, score, Box(x, y, w, h), area, severity, status, note,
        unpacked_outline(outline) if outline is not None else (), "" if said == label else said, by, at, carried, source,
        drawing,
    )  # fmt: skip


def _known(
    columns: Mapping[str, Sequence[Any]], numbers: Mapping[str, np.ndarray], order: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns that the table needn't ask its detections for."""
    count = len(order)
    found = {
        "id": numbers["id"], "score": numbers["score"], "area_px": numbers["area_px"],
        "left": numbers["x_px"], "top": numbers["y_px"], "width": numbers["w_px"], "height": numbers["h_px"],
        "status": np.fromiter((STATUS_CODES.get(one, 0) for one in columns["status"]), np.int8, count),
        "has_note": np.fromiter(map(bool, columns["note"]), bool, count),
        "is_decided": np.fromiter(map(bool, columns["decided_at"]), bool, count),
        "is_drawn": np.fromiter((one == BY_PERSON for one in columns["source"]), bool, count),
    }  # fmt: skip
    return {name: column[order] for name, column in found.items()}
