"""Decides what a project folder is and what can be asked of it. How scans write to it is for `core.project.scan_store`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.calibration import by_hand, calibrated, stage_with
from core.classes import ClassTable
from core.detection import Detection
from core.disk import disk_errors
from core.errors import InputError
from core.frames import StageTransform
from core.geometry import Box
from core.project.class_table import class_table
from core.project.database import Database
from core.project.drawn_defects import DRAWN_KEY
from core.project.evidence_map import evidence_map
from core.project.map_levels import MapLevels
from core.project.maps import ScanMaps
from core.project.raw_boxes import unpacked_outline
from core.project.records import ScanRecord, SectionRecord
from core.project.score_map import ScoreMap
from core.project.severities import WEIGHTS_KEY, Severities
from core.ranking import Ranking, worst_first
from core.section import Section

DATABASE_NAME = "project.sqlite"
PROJECT_SUFFIX = ".schliff"


class Project:
    """An open project. Every method may be called from any thread."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database
        self._score_maps: dict[str, ScoreMap] = {}
        self._evidence_maps: dict[str, ScoreMap | None] = {}
        self._severities = Severities(_um2_per_px2)

    # -- opening -----------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path) -> Project:
        """A new, empty project in a folder that doesn't exist yet or is empty.

        Raises InputError where something else lies there, ResourceError where it can't be written.
        """
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError("something else lies here already", path=path, remedy="Choose a new name for the project.")
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return cls(path, Database(path / DATABASE_NAME, create=True))

    @classmethod
    def open(cls, path: str | Path) -> Project:
        """An existing project. Raises InputError when there is none, or when it is damaged or too new."""
        path = Path(path)
        if not cls.is_project(path):
            raise InputError("there is no Schliff project here", path=path, remedy="Check the folder's name.")
        return cls(path, Database(path / DATABASE_NAME, create=False))

    @classmethod
    def open_or_create(cls, path: str | Path) -> Project:
        return cls.open(path) if cls.is_project(Path(path)) else cls.create(path)

    @staticmethod
    def is_project(path: Path) -> bool:
        return (path / DATABASE_NAME).is_file()

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- sections ----------------------------------------------------------------------------------------------

    def add_section(self, section: Section) -> SectionRecord:
        """Remembers a section, recognised by content: a moved or renamed file stays the same section.

        It gets the pixel size that somebody entered for it in this project; one that it has already comes along.
        """
        from core.readers.fingerprint import fingerprint

        info, entered = calibrated(section.info, None), by_hand(section.info)
        identity = fingerprint(info.path)
        with self.database.writing() as db:
            db.execute(
                "INSERT INTO sections (fingerprint, path, width_px, height_px, pixel_size_um, stage)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint) DO UPDATE SET path = excluded.path",
                (
                    identity,
                    str(info.path.absolute()),
                    info.width_px,
                    info.height_px,
                    json.dumps(info.pixel_size_um),
                    json.dumps(info.stage.to_json()),
                ),
            )
            record = _section(db.execute(f"{_SECTIONS} WHERE fingerprint = ?", (identity,)).fetchone())
        if entered is not None and not record.scale_by_hand:
            from core.project.calibration_store import CalibrationStore

            CalibrationStore(self).keep(record.id, entered)
            record = self.section(record.id)
        section.info = calibrated(info, record.entered_um)
        return record

    def give_scale(self, section: Section) -> None:
        """Gives a section the pixel size that somebody entered for it here, if there is one; stores nothing."""
        from core.readers.fingerprint import fingerprint

        entered = {record.fingerprint: record.entered_um for record in self.sections() if record.scale_by_hand}
        if entered:
            section.info = calibrated(section.info, entered.get(fingerprint(section.info.path)))

    def sections(self) -> list[SectionRecord]:
        with self.database.reading() as db:
            return [_section(row) for row in db.execute(f"{_SECTIONS} ORDER BY id")]

    def section(self, section_id: int) -> SectionRecord:
        return next(s for s in self.sections() if s.id == section_id)

    def open_section_of(self, record: SectionRecord) -> Section:
        """Opens the section's file: where it was, else beside the project.

        Raises InputError when it is in neither place, or when another file took its name.
        """
        from core.readers.base import open_section
        from core.readers.fingerprint import fingerprint

        places = (record.path, self.path.parent / record.path.name)
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise InputError(
                "the section of this project is not where it was",
                path=record.path,
                remedy=f"Connect its drive, or put the file beside {self.path.name}.",
            )
        if fingerprint(found) != record.fingerprint:
            raise InputError(
                "this is not the file that was scanned: its content has changed",
                path=found,
                remedy="Put the original back, or open the new file in a project of its own.",
            )
        section = open_section(found)
        section.info = calibrated(section.info, record.entered_um)
        return section

    # -- scans and what they found -------------------------------------------------------------------------------

    def scans(self, section_id: int | None = None) -> list[ScanRecord]:
        """Every scan in the order of its start; those replaced by a restart are left out."""
        with self.database.reading() as db:
            rows = db.execute(
                _SCANS + " WHERE NOT replaced AND key != :drawn AND (:id IS NULL OR section_id = :id)" + _IN_ORDER,
                {"id": section_id, "drawn": DRAWN_KEY},
            )
            return [_scan(row) for row in rows]

    def scan(self, scan_id: str) -> ScanRecord:
        """Raises InputError when there is no such scan."""
        with self.database.reading() as db:
            row = db.execute(_SCANS + " WHERE s.id = ?", (scan_id,)).fetchone()
        if row is None:
            raise InputError(f"it holds no scan {scan_id!r}", path=self.path, remedy="List the project's scans.")
        return _scan(row)

    def provenance(self, scan_id: str) -> dict[str, Any]:
        """What was noted of how a scan was made (`core.scan.preparing`). Raises InputError when there is no such scan."""
        self.scan(scan_id)
        with self.database.reading() as db:
            return json.loads(db.execute("SELECT provenance FROM scans WHERE id = ?", (scan_id,)).fetchone()[0])

    def set_threshold(self, scan_id: str, threshold: float) -> None:
        with self.database.writing() as db:
            db.execute("UPDATE scans SET threshold = ? WHERE id = ?", (threshold, scan_id))

    def detections(self, scan_id: str | None = None, min_score: float | None = None) -> list[Detection]:
        """Detections worst first, as people left them: parts of joined ones are left out. All that a scan kept, those below
        the threshold too, unless `min_score` is given; without a scan, those of all, and what was drawn on any section."""
        with self.database.reading() as db:
            rows = db.execute(
                f"{_DETECTIONS} AND {_THERE} AND (:id IS NULL OR d.scan_id = :id)"
                " AND (:least IS NULL OR d.score >= :least)",
                {"id": scan_id, "least": min_score},
            )
            return worst_first(self._read(db, rows, whole=min_score is None))

    def drawn(self, section_id: int) -> list[Detection]:
        """What people drew on a section as defects, worst first."""
        with self.database.reading() as db:
            rows = db.execute(f"{_DETECTIONS} AND {_THERE} AND s.key = ? AND s.section_id = ?", (DRAWN_KEY, section_id))
            return worst_first(self._read(db, rows, whole=True))

    def found(self, scan_id: str) -> list[Detection]:
        """What a scan found, worst first, in the model's own words, whatever people made of it since."""
        with self.database.reading() as db:
            rows = db.execute(f"{_DETECTIONS} AND d.source = 'model' AND d.scan_id = ?", (scan_id,))
            found = worst_first(self._read(db, rows))
        return [replace(one, label=one.said_label, model_label="") for one in found]

    def detections_by_id(self, ids: Iterable[int]) -> list[Detection]:
        """The stored ones of these that are there, in no particular order; at once where there are few of them."""
        wanted = list(ids)
        found: list[Detection] = []
        with self.database.reading() as db:
            for start in range(0, len(wanted), _IDS_AT_ONCE):
                part = wanted[start : start + _IDS_AT_ONCE]
                rows = db.execute(f"{_DETECTIONS} AND {_THERE} AND d.id IN ({','.join('?' * len(part))})", part)
                found += self._read(db, rows)
        return found

    def _read(self, db: sqlite3.Connection, rows: Iterable[sqlite3.Row], *, whole: bool = False) -> list[Detection]:
        """With their severities among all of their scans; `whole`: these are all, and are ranked anew."""
        found, classes = list(rows), class_table(db)
        said = [row["decided_label"] or row["label"] for row in found]
        called = {label: classes.shown(label) for label in set(said)}
        labels = [called[label] for label in said]
        severities = self._severities.of(db, found, labels, classes, whole=whole)
        return [detection_of(*one) for one in zip(found, labels, severities, strict=True)]

    def ranking(self, scan_id: str) -> Ranking:
        """What the severities of a scan's detections come from."""
        with self.database.reading() as db:
            return self._severities.ranking(db, scan_id, class_table(db))

    def default_class_weights(self, scan_id: str) -> dict[str, float]:
        """How much each class of a scan counts in a severity while nobody has chosen otherwise."""
        with self.database.reading() as db:
            return self._severities.defaults(db, scan_id, class_table(db))

    def set_class_weights(self, weights: Mapping[str, float]) -> None:
        """Other weights, 0 to 1, in place of all that were chosen before; classes that are left out have their defaults."""
        self.set_state(WEIGHTS_KEY, dict(weights))
        self._severities.forget()

    def classes(self) -> ClassTable:
        """What classes are called now."""
        with self.database.reading() as db:
            return class_table(db)

    def class_labels(self, scans: Iterable[ScanRecord] | None = None) -> tuple[str, ...]:
        """Every class there is to choose, as they are called now, always in the same order: those of the models, scan by
        scan (`scans` None: all), those that were added, those that people used otherwise."""
        with self.database.reading() as db:
            table = class_table(db)
            used = [row["label"] for row in db.execute(_USED_LABELS)]
        said = dict.fromkeys(label for scan in (self.scans() if scans is None else scans) for label in scan.labels)
        return tuple(dict.fromkeys((*table.ordered(said), *map(table.shown, used))))

    def score_map(self, scan_id: str) -> ScoreMap | None:
        """The scores of a scan as far as it got, always the same object; None when nothing is stored yet.

        Raises InputError when the map is damaged.
        """
        maps = self.maps(scan_id)
        if scan_id not in self._score_maps and maps.exists():
            source = maps.score_source()
            levels = MapLevels(source.shape, source.chunk, maps.levels_folder)
            self._score_maps[scan_id] = ScoreMap(source, self.scan(scan_id).cell_px, levels)
        return self._score_maps.get(scan_id)

    def evidence_map(self, scan_id: str) -> ScoreMap | None:
        """What speaks for each class, cell by cell (`core.project.evidence_map`), always the same object; None for scans
        without. Raises InputError when the map is damaged."""
        if scan_id not in self._evidence_maps:
            self._evidence_maps[scan_id] = evidence_map(self.maps(scan_id), self.scan(scan_id))
        return self._evidence_maps[scan_id]

    def maps(self, scan_id: str) -> ScanMaps:
        return ScanMaps(self.path / "maps" / f"{scan_id}.zarr")

    # -- how the window was left -----------------------------------------------------------------------------------

    def get_state(self, key: str) -> Any | None:
        with self.database.reading() as db:
            row = db.execute("SELECT value FROM view_state WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row["value"])

    def set_state(self, key: str, value: Any) -> None:
        with self.database.writing() as db:
            db.execute("REPLACE INTO view_state (key, value) VALUES (?, ?)", (key, json.dumps(value)))


_IDS_AT_ONCE = 500  # SQLite takes a limited number of values in one question
_DETECTIONS = (
    "SELECT d.*, s.section_id, s.spec ->> 'id' AS model FROM detections d JOIN scans s ON s.id = d.scan_id"
    " WHERE NOT s.replaced"
)
# Neither deleted nor a part of another one.
_THERE = "d.joined_into IS NULL AND NOT d.gone"
_USED_LABELS = (
    "SELECT label FROM (SELECT decided_label AS label, min(id) AS first FROM detections WHERE decided_label != ''"
    " GROUP BY decided_label UNION ALL SELECT label, min(id) FROM detections WHERE drawing_id IS NOT NULL AND NOT gone"
    " GROUP BY label) ORDER BY first"
)
_SECTIONS = """
SELECT *, (SELECT value FROM attachments WHERE kind = 'calibration' AND owner = sections.id) AS entered FROM sections"""
_SCANS = """
SELECT s.*, (SELECT count(*) FROM tiles t WHERE t.scan_id = s.id) AS done,
            (SELECT count(*) FROM tiles t WHERE t.scan_id = s.id AND t.state = 'skipped') AS skipped
FROM scans s"""
_IN_ORDER = " ORDER BY started, s.rowid"


def _section(row: sqlite3.Row) -> SectionRecord:
    size, entered = json.loads(row["pixel_size_um"]), json.loads(row["entered"] or "null")
    stated = None if size is None else (size[0], size[1])
    stage = StageTransform.from_json(json.loads(row["stage"]))
    if entered is not None:
        stage = stage_with(stage, stated, (entered[0], entered[1]), (row["width_px"] / 2, row["height_px"] / 2))
    return SectionRecord(
        id=row["id"],
        path=Path(row["path"]),
        fingerprint=row["fingerprint"],
        width_px=row["width_px"],
        height_px=row["height_px"],
        pixel_size_um=stated if entered is None else (entered[0], entered[1]),
        stage=stage,
        scale_by_hand=entered is not None,
    )


def _um2_per_px2(db: sqlite3.Connection, section_id: int) -> float | None:
    return _section(db.execute(f"{_SECTIONS} WHERE id = ?", (section_id,)).fetchone()).um2_per_px2


def _scan(row: sqlite3.Row) -> ScanRecord:
    spec = json.loads(row["spec"])
    return ScanRecord(
        id=row["id"],
        section_id=row["section_id"],
        key=row["key"],
        model_id=spec["id"],
        model_name=spec["name"],
        model_version=spec["version"],
        model_path=Path(spec["path"]) if spec.get("path") else None,
        family=spec["family"],
        labels=tuple(spec["labels"]),
        artefact_labels=tuple(spec["artefact_labels"]),
        score_unit=spec["score_unit"],
        status=row["status"],
        threshold=row["threshold"],
        tiles_total=row["tiles_total"],
        tiles_done=row["done"],
        tiles_skipped=row["skipped"],
        cell_px=row["cell_px"],
        context_px=row["context_px"],
        seconds=row["seconds"],
        device=row["device"],
        parameters=json.loads(row["parameters"]),
        started=row["started"],
        finished=row["finished"],
    )


def detection_of(row: sqlite3.Row, label: str, severity: float) -> Detection:
    """A detection from a row of `detections` joined with its scan's `section_id` and `model`; `label`: as it is called now."""
    said = row["label"]
    return Detection(
        id=row["id"],
        section_id=row["section_id"],
        scan_id=row["scan_id"],
        model=row["model"],
        label=label,
        score=row["score"],
        box=Box(row["x_px"], row["y_px"], row["w_px"], row["h_px"]),
        area_px=row["area_px"],
        severity=severity,
        status=row["status"],
        note=row["note"],
        outline=unpacked_outline(row["outline"]),
        model_label="" if said == label else said,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        carried_from=row["carried_from"],
        source=row["source"],
        drawing_id=row["drawing_id"],
    )
