"""Decides how a running scan is kept: what identifies it, which tiles are done, and what one transaction holds.

A tile goes through two states. "mapped": its map is on disk, or its boxes are stored with its record. "emitted": all its
neighbours were mapped too, and its detections and fragments are stored, in the same transaction, together with the
objects that are wholly seen now. "skipped": no specimen there. A killed scan goes on from these records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any, Literal

import numpy as np

from core.detection import Candidate, Detection
from core.models.base import ModelSpec
from core.project.carrying import carry_over, put_aside
from core.project.fragments import Fragment, Joined, OpenFragments, StoredFragments
from core.project.maps import ScanMaps
from core.project.project import Project
from core.project.raw_boxes import packed, packed_outline, unpacked
from core.project.records import ScanRecord, ScanStatus, SectionRecord
from core.timing import timestamp

Array = np.ndarray
TileState = Literal["mapped", "emitted", "skipped"]
# Says which objects are wholly seen now that a tile and its fragments are stored.
Join = Callable[[OpenFragments], Sequence[Joined]]


def scan_key(section: SectionRecord, spec: ModelSpec, parameters: Mapping[str, Any]) -> str:
    """What makes two scans the same one: the section's content, the model's version and every parameter.

    With `core.scan.plan.map_parameters` alone: what makes two scans of a project share what the model said of a tile.
    """
    parts = [section.fingerprint, spec.id, spec.version, parameters]
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


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
        replacing: ScanStore | None = None,
        lay_out: Callable[[ScanMaps], None] | None = None,
    ) -> ScanStore:
        """Records a new scan in place of `replacing`, which is put aside; what was decided on that is carried over.

        `lay_out` makes the new scan's files: whoever finds the record finds them too. Gives another program's scan where
        that has just begun the same one. Raises what `lay_out` raises.
        """
        key = scan_key(section, spec, parameters)
        shown = ("id", "name", "version", "family", "labels", "artefact_labels", "score_unit", "threshold")
        described = {name: getattr(spec, name) for name in shown}
        described["path"] = str(spec.path.absolute()) if spec.path else None
        with project.database.writing() as db:
            begun = cls.find(project, section, spec, key)
            if begun is not None and (replacing is None or begun.record.id != replacing.record.id):
                return begun
            put_aside(db, key)
            number = db.execute("SELECT count(*) FROM scans WHERE spec ->> 'id' = ?", (spec.id,)).fetchone()[0] + 1
            scan_id = f"{spec.id}-{number}"
            db.execute(
                "INSERT INTO scans (id, section_id, key, map_key, status, threshold, spec, tiles_total, cell_px, context_px,"
                " device, parameters, provenance, started) VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (scan_id, section.id, key, map_key, threshold, json.dumps(described), tiles_total, cell_px, context_px,
                 device, json.dumps(parameters), json.dumps(provenance), timestamp()),
            )  # fmt: skip
            store = cls(project, project.scan(scan_id), section, spec)
            if lay_out is not None:
                lay_out(store.maps)
        return store

    def tile_states(self) -> dict[int, TileState]:
        with self.project.database.reading() as db:
            rows = db.execute("SELECT tile, state FROM tiles WHERE scan_id = ?", (self.record.id,))
            return {row["tile"]: row["state"] for row in rows}

    def skip(self, tiles: Iterable[int]) -> None:
        """Call at every start, for one that was killed before it came to this. What is known of a tile stays."""
        rows = [(self.record.id, tile, "skipped", None, None) for tile in tiles]
        with self.project.database.writing() as db:
            db.executemany(_INSERT_TILE, rows)

    def mapped(self, tile: int, boxes: Array | None = None) -> None:
        """Call when the tile's map has been written, or with what a detector gave for it (see `core.project.raw_boxes`)."""
        stored = (None, None) if boxes is None else packed(boxes)
        with self.project.database.writing() as db:
            # What another program has finished meanwhile stays so.
            db.execute(_INSERT_TILE, (self.record.id, tile, "mapped", *stored))

    def boxes(self, tiles: Iterable[int]) -> dict[int, Array]:
        """What a detector gave for those of some tiles that are mapped. Raises InputError for a damaged record."""
        wanted = list(tiles)
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT tile, boxes, outlines FROM tiles WHERE scan_id = ? AND boxes IS NOT NULL AND tile IN ({marks})"
        with self.project.database.reading() as db:
            rows = db.execute(query, (self.record.id, *wanted)).fetchall()
        labels, path = len(self._spec.labels), self.project.database.path
        return {row["tile"]: unpacked(row["boxes"], row["outlines"], labels, path) for row in rows}

    def emit(
        self,
        tile: int,
        candidates: Sequence[Candidate],
        fragments: Sequence[Fragment] = (),
        join: Join | None = None,
        sound: int = 0,
    ) -> list[Detection]:
        """Stores a tile's detections and fragments, what `join` then says is wholly seen, and that the tile is finished.

        `sound`: how many things the tile has that were found and are no defect.

        All or nothing; nothing when another program was first.
        """
        with self.project.database.writing() as db:
            if db.execute(_IS_EMITTED, (self.record.id, tile)).fetchone():
                return []
            db.execute(_SET_EMITTED, (self.record.id, tile, sound))
            kept = StoredFragments(db, self.record.id)
            kept.add(fragments)
            joined = join(kept) if join is not None else ()
            kept.remove(number for one in joined for number in one.fragments)
            found = [(tile, one) for one in candidates]
            found += [(one.tile, one.candidate) for one in joined if one.candidate is not None]
            ids = [int(db.execute(_INSERT_DETECTION, self._row(*one)).lastrowid or 0) for one in found]
            if ids:
                carry_over(db, self.record.id, ids)
        return sorted(self.project.detections_by_id(ids), key=lambda one: one.id)

    def sound(self) -> int:
        """How many things were found so far that are no defect."""
        with self.project.database.reading() as db:
            return db.execute(
                "SELECT coalesce(sum(sound), 0) FROM tiles WHERE scan_id = ?", (self.record.id,)
            ).fetchone()[0]

    def set_status(self, status: ScanStatus, seconds: float = 0.0) -> None:
        """Notes how the scan stands and adds the `seconds` it worked since the last note.

        What another program has finished meanwhile stays so, however this one ends.
        """
        finished = timestamp() if status == "done" else None
        with self.project.database.writing() as db:
            db.execute(
                "UPDATE scans SET status = iif(status = 'done', status, ?), seconds = seconds + ?,"
                " finished = coalesce(finished, ?) WHERE id = ?",
                (status, seconds, finished, self.record.id),
            )
        self.record = self.project.scan(self.record.id)

    def _row(self, tile: int, candidate: Candidate) -> dict[str, Any]:
        return {
            "scan": self.record.id,
            "tile": tile,
            "label": candidate.label,
            "score": candidate.score,
            "area": candidate.area_px,
            "outline": packed_outline(candidate.outline),
            **asdict(candidate.box),
        }


_INSERT_DETECTION = (
    "INSERT INTO detections (scan_id, tile, label, score, x_px, y_px, w_px, h_px, area_px, outline)"
    " VALUES (:scan, :tile, :label, :score, :x, :y, :w, :h, :area, :outline)"
)
_INSERT_TILE = "INSERT OR IGNORE INTO tiles (scan_id, tile, state, boxes, outlines) VALUES (?, ?, ?, ?, ?)"
_SET_EMITTED = (
    "INSERT INTO tiles (scan_id, tile, state, sound) VALUES (?, ?, 'emitted', ?)"
    " ON CONFLICT (scan_id, tile) DO UPDATE SET state = 'emitted', sound = excluded.sound"
)
_IS_EMITTED = "SELECT 1 FROM tiles WHERE scan_id = ? AND tile = ? AND state = 'emitted'"
