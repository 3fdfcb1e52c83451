"""Decides how bad stored detections are: ranked among all of their scan, by the weights that this project gives its classes."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from core.classes import ClassTable
from core.project.class_table import class_table
from core.project.stored import as_stored
from core.ranking import Ranking, Scale, default_weights
from core.truth import ARTEFACT_CLASSES

Array = np.ndarray

WEIGHTS_KEY = "class_weights"

_ALL_OF_SCAN = (
    "SELECT label, decided_label, area_px FROM detections WHERE scan_id = ? AND joined_into IS NULL AND NOT gone"
)


class Severities:
    """Rankings of the scans of one project, each made once and kept until its detections are read anew. For several threads.

    Args:
        um2_per_px2: of the section with a number, None without a scale.
    """

    def __init__(self, um2_per_px2: Callable[[sqlite3.Connection, int], float | None]) -> None:
        self._um2_per_px2 = um2_per_px2
        self._lock = threading.Lock()
        self._rankings: dict[str, tuple[ClassTable, Ranking]] = {}

    def of(
        self,
        db: sqlite3.Connection,
        scan_ids: Sequence[str],
        labels: Sequence[str],
        scores: Array,
        areas: Array,
        *,
        whole: bool,
    ) -> Array:
        """(n,) of detections: their scans, their classes as they are called now, (n,) scores and areas in level-0 px².

        `whole`: these are all that their scans have, and they are ranked among each other anew.
        """
        names, scans = np.array(labels, dtype=object), np.array(scan_ids, dtype=object)
        found, classes = np.zeros(len(scores)), class_table(db)
        for scan_id in set(scans.tolist()):
            here = np.flatnonzero(scans == scan_id)
            if whole:
                made = Ranking(self._scale(db, scan_id, classes), names[here], areas[here])
                ranking = self._keep(scan_id, classes, made)
            else:
                ranking = self.ranking(db, scan_id, classes)
            found[here] = ranking.severities(names[here].tolist(), scores[here], areas[here])
        return found

    @as_stored()
    def ranking(self, db: sqlite3.Connection, scan_id: str, classes: ClassTable) -> Ranking:
        """As it was when all of the scan was read last, by these names; else it is made of what the scan has now."""
        with self._lock:
            known = self._rankings.get(scan_id)
        if known is not None and known[0] == classes:
            return known[1]
        rows = db.execute(_ALL_OF_SCAN, (scan_id,)).fetchall()
        labels = [classes.shown(row["decided_label"] or row["label"]) for row in rows]
        made = Ranking(self._scale(db, scan_id, classes), labels, [row["area_px"] for row in rows])
        return self._keep(scan_id, classes, made)

    def _keep(self, scan_id: str, classes: ClassTable, ranking: Ranking) -> Ranking:
        with self._lock:
            self._rankings[scan_id] = (classes, ranking)
        return ranking

    def forget(self) -> None:
        """After another weight, or another scale of a section."""
        with self._lock:
            self._rankings.clear()

    def defaults(self, db: sqlite3.Connection, scan_id: str, classes: ClassTable) -> dict[str, float]:
        """The weight of each class of a scan, as it is called now, while nobody has chosen another."""
        return _defaults(_spec(db, scan_id), classes)

    def _scale(self, db: sqlite3.Connection, scan_id: str, classes: ClassTable) -> Scale:
        spec, chosen = _spec(db, scan_id), chosen_weights(db)
        # Of a class that was called otherwise when somebody weighed it, too.
        weights = _defaults(spec, classes) | {classes.shown(label): weight for label, weight in chosen.items()} | chosen
        return Scale(
            threshold=spec.get("threshold", 1.0),  # what a person drew has none
            is_probability=spec["score_unit"] == "probability",
            um2_per_px2=self._um2_per_px2(db, spec["section_id"]),
            weights=weights,
        )


@as_stored()
def chosen_weights(db: sqlite3.Connection) -> dict[str, float]:
    """What somebody chose in this project, 0 to 1 by class; damaged ones are left out."""
    row = db.execute("SELECT value FROM view_state WHERE key = ?", (WEIGHTS_KEY,)).fetchone()
    stored = json.loads(row["value"]) if row is not None else {}
    if not isinstance(stored, dict):
        return {}
    return {str(k): float(v) for k, v in stored.items() if isinstance(v, int | float) and 0 <= v <= 1}


@as_stored()
def _defaults(spec: Mapping[str, Any], classes: ClassTable) -> dict[str, float]:
    artefacts = classes.artefacts(spec["labels"], spec["artefact_labels"])
    return default_weights(map(classes.shown, (*spec["labels"], *ARTEFACT_CLASSES)), artefacts)


@as_stored()
def _spec(db: sqlite3.Connection, scan_id: str) -> dict[str, Any]:
    row = db.execute("SELECT section_id, spec FROM scans WHERE id = ?", (scan_id,)).fetchone()
    return json.loads(row["spec"]) | {"section_id": row["section_id"]}
