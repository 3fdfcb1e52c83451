"""Decides what a project folder is and what can be asked of it. How scans write to it is for `core.project.scan_store`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.calibration import by_hand, calibrated
from core.classes import ClassTable
from core.detection import Detection
from core.detection_table import DetectionTable
from core.disk import disk_errors
from core.errors import InputError, UsageError
from core.project import holding
from core.project.class_table import class_table
from core.project.database import Database
from core.project.detections import THERE, read_detections
from core.project.drawn_defects import DRAWN_KEY
from core.project.evidence_map import evidence_map
from core.project.looking import UNWRITABLE, LookOnly, may_be_written
from core.project.map_levels import MapLevels
from core.project.maps import ScanMaps
from core.project.places import MAPS_FOLDER, maps_folder, refuse_links
from core.project.records import ScanRecord, SectionRecord
from core.project.rows import scan_of, section_of
from core.project.score_map import ScoreMap
from core.project.severities import WEIGHTS_KEY, Severities
from core.project.stored import LARGEST, as_stored, check_texts
from core.ranking import Ranking
from core.section import Section

DATABASE_NAME = "project.sqlite"


class Project:
    """An open project. Every method may be called from any thread."""

    def __init__(self, path: Path, database: Database, held: holding.Hold | None = None) -> None:
        self.path = path
        self.database = database
        self._held = held
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
    def open(cls, path: str | Path, *, hold: bool = False) -> Project:
        """An existing project, to look at only where nothing can be stored in it (`look_only`).

        `hold`: as a window does, so that no other window changes it (`core.project.holding`).
        Raises InputError when there is none, or when it is damaged or too new; ResourceError when the drive fails.
        """
        path = Path(path)
        if not cls.is_project(path):
            raise InputError("there is no Schliff project here", path=path, remedy="Check the folder's name.")
        refuse_links(path, DATABASE_NAME, MAPS_FOLDER)
        look_only, held = _ways_in(path, hold)
        try:
            return cls(path, Database(path / DATABASE_NAME, look_only=look_only), held)
        except BaseException:
            if held is not None:
                held.end()
            raise

    @classmethod
    def open_or_create(cls, path: str | Path, *, hold: bool = False) -> Project:
        """Raises as `create` and `open`."""
        if not cls.is_project(Path(path)):
            cls.create(path).close()
        return cls.open(path, hold=hold)

    @staticmethod
    def is_project(path: Path) -> bool:
        return (path / DATABASE_NAME).is_file()

    @property
    def look_only(self) -> LookOnly | None:
        """Why nothing can be stored in it; None where it can."""
        return self.database.look_only

    def close(self) -> None:
        self.database.close()
        if self._held is not None:
            held, self._held = self._held, None
            held.end()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- sections ----------------------------------------------------------------------------------------------

    def add_section(self, section: Section) -> SectionRecord:
        """Remembers a section, recognised by content: a moved or renamed file stays the same section.

        It gets the pixel size that somebody entered for it in this project; one that it has already comes along. Raises
        ResourceError where nothing can be stored and it isn't known yet.
        """
        from core.readers.fingerprint import fingerprint

        info, entered = calibrated(section.info, None), by_hand(section.info)
        identity = fingerprint(info.path)
        if self.look_only is not None:
            known = next((one for one in self.sections() if one.fingerprint == identity), None)
            if known is None:
                raise self.look_only.refusal(self.path)
            section.info = calibrated(info, known.entered_um)
            return known
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
            record = section_of(db.execute(f"{_SECTIONS} WHERE fingerprint = ?", (identity,)).fetchone())
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
            return [section_of(row) for row in db.execute(f"{_SECTIONS} ORDER BY id")]

    def section(self, section_id: int) -> SectionRecord:
        return next(s for s in self.sections() if s.id == section_id)

    def open_section_of(self, record: SectionRecord) -> Section:
        """Opens the section's file, wherever it is found (`core.project.section_place`).

        Raises SectionMissingError, InputError when another file took its name or it can't be read.
        """
        from core.project.section_place import section_place
        from core.readers.base import open_section

        section = open_section(section_place(self.path, record))
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
            return [scan_of(row) for row in rows]

    def scan(self, scan_id: str) -> ScanRecord:
        """Raises InputError when there is no such scan."""
        with self.database.reading() as db:
            row = db.execute(_SCANS + " WHERE s.id = ?", (scan_id,)).fetchone()
            if row is None:
                raise InputError(f"it holds no scan {scan_id!r}", path=self.path, remedy="List the project's scans.")
            return scan_of(row)

    def provenance(self, scan_id: str) -> dict[str, Any]:
        """What was noted of how a scan was made (`core.scan.preparing`). Raises InputError when there is no such scan."""
        self.scan(scan_id)
        with self.database.reading() as db, as_stored():
            return json.loads(db.execute("SELECT provenance FROM scans WHERE id = ?", (scan_id,)).fetchone()[0])

    def set_threshold(self, scan_id: str, threshold: float) -> None:
        """Raises UsageError for one that couldn't be read again (`core.project.stored`)."""
        if not abs(threshold) <= LARGEST:
            raise UsageError(f"{threshold:g} is no threshold", remedy=f"Choose a number up to {LARGEST:g}.")
        with self.database.writing() as db:
            db.execute("UPDATE scans SET threshold = ? WHERE id = ?", (threshold, scan_id))

    def detections(self, scan_id: str | None = None, min_score: float | None = None) -> list[Detection]:
        """Detections worst first, as people left them: parts of joined ones are left out. All that a scan kept, those below
        the threshold too, unless `min_score` is given; without a scan, those of all, and what was drawn on any section."""
        where = f"{THERE} AND (:id IS NULL OR scan_id = :id) AND (:least IS NULL OR score >= :least)"
        return self._read(where, {"id": scan_id, "least": min_score}, whole=min_score is None).detections

    def shown_with(self, scan_id: str, section_id: int) -> DetectionTable:
        """All that a scan kept, and what people drew on its section, worst first."""
        return self._read(f"{THERE} AND (+scan_id = ? OR +{_DRAWN})", (scan_id, DRAWN_KEY, section_id), whole=True)

    def drawn(self, section_id: int) -> list[Detection]:
        """What people drew on a section as defects, worst first."""
        return self._read(f"{THERE} AND {_DRAWN}", (DRAWN_KEY, section_id), whole=True).detections

    def found(self, scan_id: str) -> list[Detection]:
        """What a scan found, worst first, in the model's own words, whatever people made of it since."""
        found = self._read("source = 'model' AND scan_id = ?", (scan_id,))
        return [replace(one, label=one.said_label, model_label="") for one in found]

    def detections_by_id(self, ids: Iterable[int]) -> list[Detection]:
        """The stored ones of these that are there, in no particular order; at once where there are few of them."""
        wanted = list(ids)
        found: list[Detection] = []
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            part = wanted[start : start + _IDS_AT_ONCE]
            found += self._read(f"{THERE} AND id IN ({','.join('?' * len(part))})", part)
        return found

    def _read(
        self, where: str, values: Mapping[str, Any] | Sequence[Any] = (), *, whole: bool = False
    ) -> DetectionTable:
        with self.database.reading() as db:
            return read_detections(db, self._severities, where, values, whole=whole)

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
        with self.database.reading() as db, as_stored():
            table = class_table(db)
            used = [row["label"] for row in db.execute(_USED_LABELS)]
            check_texts(used)
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
            cell_px = self.scan(scan_id).cell_px
            if cell_px <= 0:  # as of a scan without a map
                raise InputError(
                    "a scan has a map without cells", path=self.path, remedy="Restore it from a backup copy."
                )
            self._score_maps[scan_id] = ScoreMap(source, cell_px, levels)
        return self._score_maps.get(scan_id)

    def evidence_map(self, scan_id: str) -> ScoreMap | None:
        """What speaks for each class, cell by cell (`core.project.evidence_map`), always the same object; None for scans
        without. Raises InputError when the map is damaged."""
        if scan_id not in self._evidence_maps:
            self._evidence_maps[scan_id] = evidence_map(self.maps(scan_id), self.scan(scan_id))
        return self._evidence_maps[scan_id]

    def maps(self, scan_id: str) -> ScanMaps:
        """Raises InputError where they would lie outside the project."""
        return ScanMaps(maps_folder(self.path, scan_id))

    # -- how the window was left -----------------------------------------------------------------------------------

    def get_state(self, key: str) -> Any | None:
        with self.database.reading() as db, as_stored():
            row = db.execute("SELECT value FROM view_state WHERE key = ?", (key,)).fetchone()
            return None if row is None else json.loads(row["value"])

    def set_state(self, key: str, value: Any) -> None:
        with self.database.writing() as db:
            db.execute("REPLACE INTO view_state (key, value) VALUES (?, ?)", (key, json.dumps(value)))


def _ways_in(project: Path, hold: bool) -> tuple[LookOnly | None, holding.Hold | None]:
    """Why a project can only be looked at, and what holds it for this process. Raises ResourceError."""
    if not may_be_written(project / DATABASE_NAME):
        return UNWRITABLE, None
    with disk_errors(project):
        try:
            held = holding.hold(project) if hold else holding.join(project)
        except PermissionError:  # of rules that `may_be_written` doesn't see, as on Windows
            return UNWRITABLE, None
    return (held, None) if not isinstance(held, holding.Hold) else (None, held)


_IDS_AT_ONCE = 500  # SQLite takes a limited number of values in one question
_DRAWN = "scan_id IN (SELECT id FROM scans WHERE key = ? AND section_id = ?)"
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
_IN_ORDER = " ORDER BY s.rowid"


def _um2_per_px2(db: sqlite3.Connection, section_id: int) -> float | None:
    return section_of(db.execute(f"{_SECTIONS} WHERE id = ?", (section_id,)).fetchone()).um2_per_px2
