"""Decides how a running scan is kept: what identifies it, which tiles are done, and what one transaction holds.

A tile goes through two states. "mapped": its map is on disk. "emitted": all its neighbours were mapped too, and its
detections are stored, in the same transaction. "skipped": no specimen there. A killed scan goes on from these records.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, Literal

from core.detection import Candidate, Detection
from core.models.base import ModelSpec
from core.project.carrying import carry_over, put_aside
from core.project.maps import ScanMaps
from core.project.project import Project, detection_of
from core.project.records import ScanRecord, ScanStatus, SectionRecord
from core.ranking import severity
from core.timing import timestamp

TileState = Literal["mapped", "emitted", "skipped"]


def scan_key(section: SectionRecord, spec: ModelSpec, parameters: Mapping[str, Any]) -> str:
    """What makes two scans the same one: the section's content, the model's version and every parameter."""
    parts = [section.fingerprint, spec.id, spec.version, parameters]
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def map_key(section: SectionRecord, spec: ModelSpec, parameters: Mapping[str, Any]) -> str:
    """What makes two scans of a project share what the model said of a tile (`core.scan.plan.map_parameters`)."""
    return scan_key(section, spec, parameters)


class ScanStore:
    """Reads and writes one scan of a project."""

    def __init__(self, project: Project, record: ScanRecord, section: SectionRecord, spec: ModelSpec) -> None:
        self.project = project
        self.record = record
        self._section = section
        self._spec = spec
        self.maps: ScanMaps = project.maps(record.id)

    @classmethod
    def find(cls, project: Project, section: SectionRecord, spec: ModelSpec, key: str) -> ScanStore | None:
        """The scan with this key, finished or not; None when there is none."""
        record = next((s for s in project.scans(section.id) if s.key == key), None)
        return None if record is None else cls(project, record, section, spec)

    @classmethod
    def begin(
        cls,
        project: Project,
        section: SectionRecord,
        spec: ModelSpec,
        *,
        parameters: Mapping[str, Any],
        tiles_total: int,
        cell_px: float,
        context_px: float,
        threshold: float,
        device: str,
        provenance: Mapping[str, Any],
        map_key: str = "",
    ) -> ScanStore:
        """Records a new scan. An older one with the same key is put aside; what was decided on it is carried over."""
        key = scan_key(section, spec, parameters)
        shown = ("id", "name", "version", "family", "labels", "artefact_labels", "score_unit", "threshold")
        described = {name: getattr(spec, name) for name in shown}
        described["path"] = str(spec.path.absolute()) if spec.path else None
        with project.database.writing() as db:
            put_aside(db, key)
            number = db.execute("SELECT count(*) FROM scans WHERE spec ->> 'id' = ?", (spec.id,)).fetchone()[0] + 1
            scan_id = f"{spec.id}-{number}"
            db.execute(
                "INSERT INTO scans (id, section_id, key, map_key, status, threshold, spec, tiles_total, cell_px, context_px,"
                " device, parameters, provenance, started) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (scan_id, section.id, key, map_key, threshold, json.dumps(described), tiles_total, cell_px, context_px,
                 device, json.dumps(parameters), json.dumps(provenance), timestamp()),
            )  # fmt: skip
        return cls(project, project.scan(scan_id), section, spec)

    def tile_states(self) -> dict[int, TileState]:
        with self.project.database.reading() as db:
            rows = db.execute("SELECT tile, state FROM tiles WHERE scan_id = ?", (self.record.id,))
            return {row["tile"]: row["state"] for row in rows}

    def skip(self, tiles: Iterable[int]) -> None:
        """Call at every start, for one that was killed before it came to this. What is known of a tile stays."""
        self._set_states((tile, "skipped") for tile in tiles)

    def mapped(self, tile: int) -> None:
        """Call when the tile's map has been written."""
        self._set_states([(tile, "mapped")])

    def emit(self, tile: int, candidates: Sequence[Candidate]) -> list[Detection]:
        """Stores a tile's detections and that it is finished, all or nothing; nothing when another program was first."""
        rows = [self._row(tile, candidate) for candidate in candidates]
        with self.project.database.writing() as db:
            if db.execute(_IS_EMITTED, (self.record.id, tile)).fetchone():
                return []
            ids = [int(db.execute(_INSERT_DETECTION, row).lastrowid or 0) for row in rows]
            for detection_id in ids:
                carry_over(db, self.record.key, detection_id)
            db.execute("REPLACE INTO tiles (scan_id, tile, state) VALUES (?, ?, 'emitted')", (self.record.id, tile))
            stored = [db.execute(_SELECT_DETECTION, (detection_id,)).fetchone() for detection_id in ids]
        return [detection_of(row) for row in stored]

    def set_status(self, status: ScanStatus, seconds: float = 0.0) -> None:
        """Notes how the scan stands and adds the `seconds` it worked since the last note."""
        finished = timestamp() if status == "done" else None
        with self.project.database.writing() as db:
            db.execute(
                "UPDATE scans SET status = ?, seconds = seconds + ?, finished = ? WHERE id = ?",
                (status, seconds, finished, self.record.id),
            )
        self.record = self.project.scan(self.record.id)

    def _set_states(self, states: Iterable[tuple[int, TileState]]) -> None:
        rows = [(self.record.id, tile, state) for tile, state in states]
        with self.project.database.writing() as db:
            # What another program has finished meanwhile stays so.
            db.executemany("INSERT OR IGNORE INTO tiles (scan_id, tile, state) VALUES (?, ?, ?)", rows)

    def _row(self, tile: int, candidate: Candidate) -> dict[str, Any]:
        rank = severity(
            candidate.score,
            self._spec.threshold,
            candidate.area_px,
            self._section.um2_per_px2,
            is_probability=self._spec.score_unit == "probability",
            is_artefact=candidate.label in self._spec.artefact_labels,
        )
        return {
            "scan": self.record.id,
            "tile": tile,
            "label": candidate.label,
            "score": candidate.score,
            "area": candidate.area_px,
            "severity": rank,
            **asdict(candidate.box),
        }


_INSERT_DETECTION = (
    "INSERT INTO detections (scan_id, tile, label, score, x_px, y_px, w_px, h_px, area_px, severity)"
    " VALUES (:scan, :tile, :label, :score, :x, :y, :w, :h, :area, :severity)"
)
_IS_EMITTED = "SELECT 1 FROM tiles WHERE scan_id = ? AND tile = ? AND state = 'emitted'"
_SELECT_DETECTION = "SELECT d.*, s.section_id, s.spec ->> 'id' AS model FROM detections d JOIN scans s ON s.id = d.scan_id WHERE d.id = ?"
