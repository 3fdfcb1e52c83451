"""Decides which tables a project's database has, and how one of an older version becomes one of this version.

A migration is a list of statements, and of functions, that run in one transaction with the new version's number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from core.project.drawn_defects import mirror_all

# What to do in one step of a migration.
Statement = str | Callable[[sqlite3.Connection], None]

VERSION = 6

_GESTURES = """CREATE TABLE gestures (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, author TEXT NOT NULL, at TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'done')"""
_GESTURES_INDEX = "CREATE INDEX gestures_by_state ON gestures (state, id)"
_DECISIONS = """CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gesture INTEGER REFERENCES gestures,
    detection_id INTEGER NOT NULL REFERENCES detections, before TEXT NOT NULL, after TEXT NOT NULL,
    author TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'live')"""
_DECISIONS_INDEX = "CREATE INDEX decisions_by_gesture ON decisions (gesture)"
_DRAWINGS = """CREATE TABLE drawings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, section_id INTEGER NOT NULL REFERENCES sections, kind TEXT NOT NULL,
    points TEXT NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL, label TEXT NOT NULL, width_px REAL NOT NULL,
    author TEXT NOT NULL, created TEXT NOT NULL)"""
_DRAWINGS_INDEX = "CREATE INDEX drawings_by_section ON drawings (section_id)"
_DRAWING_CHANGES = """CREATE TABLE drawing_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gesture INTEGER NOT NULL REFERENCES gestures, drawing_id INTEGER NOT NULL,
    before TEXT, after TEXT)"""
_DRAWING_CHANGES_INDEX = "CREATE INDEX drawing_changes_by_gesture ON drawing_changes (gesture)"

_TILES_BOXES = "ALTER TABLE tiles ADD COLUMN boxes BLOB"
_SCANS_MAP_KEY = "ALTER TABLE scans ADD COLUMN map_key TEXT NOT NULL DEFAULT ''"
_FRAGMENTS = """CREATE TABLE fragments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE,
    tile INTEGER NOT NULL, label TEXT NOT NULL, score REAL NOT NULL,
    x_px REAL NOT NULL, y_px REAL NOT NULL, w_px REAL NOT NULL, h_px REAL NOT NULL, area_px REAL NOT NULL,
    peak_x_px REAL NOT NULL, peak_y_px REAL NOT NULL, edges TEXT NOT NULL)"""
_FRAGMENTS_INDEX = "CREATE INDEX fragments_by_scan ON fragments (scan_id, tile)"

# Outlines of what was found, as `core.project.raw_boxes` packs them, and how many things in a tile are no defect.
_OUTLINES = (
    "ALTER TABLE tiles ADD COLUMN outlines BLOB",
    "ALTER TABLE tiles ADD COLUMN sound INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE fragments ADD COLUMN outline BLOB",
    "ALTER TABLE detections ADD COLUMN outline BLOB",
)

_ATTACHMENTS = (
    """CREATE TABLE attachments (
    kind TEXT NOT NULL, owner INTEGER NOT NULL, value TEXT NOT NULL, author TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (kind, owner)) WITHOUT ROWID""",
    """CREATE TABLE attachment_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gesture INTEGER NOT NULL REFERENCES gestures, kind TEXT NOT NULL,
    owner INTEGER NOT NULL, before TEXT, after TEXT)""",
    "CREATE INDEX attachment_changes_by_gesture ON attachment_changes (gesture)",
)

# What a person decided of a detection; it may also be drawn by a person ("person") or be several in one ("joined"), and
# what is `gone` or `joined_into` another one stays stored, so that undo brings it back as it was.
_DECIDED = (
    "ALTER TABLE detections ADD COLUMN decided_label TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE detections ADD COLUMN decided_by TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE detections ADD COLUMN decided_at TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE detections ADD COLUMN carried_from INTEGER",
    "ALTER TABLE detections ADD COLUMN joined_into INTEGER",
    "ALTER TABLE detections ADD COLUMN gone INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE detections ADD COLUMN source TEXT NOT NULL DEFAULT 'model'",
    "ALTER TABLE detections ADD COLUMN drawing_id INTEGER",
    "CREATE INDEX detections_by_drawing ON detections (drawing_id) WHERE drawing_id IS NOT NULL",
    "CREATE INDEX detections_by_decided_label ON detections (decided_label) WHERE decided_label != ''",
    "CREATE INDEX detections_by_join ON detections (joined_into) WHERE joined_into IS NOT NULL",
)
_DECISIONS_BY_DETECTION = "CREATE INDEX decisions_by_detection ON decisions (detection_id)"
# Random samples that were drawn to judge a scan by: ids in the order in which they are looked at.
_SAMPLES = """CREATE TABLE samples (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE, seed INTEGER NOT NULL,
    threshold REAL NOT NULL, population INTEGER NOT NULL, ids TEXT NOT NULL, author TEXT NOT NULL, at TEXT NOT NULL)"""

TABLES = (
    """CREATE TABLE sections (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
    width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, pixel_size_um TEXT, stage TEXT NOT NULL)""",
    """CREATE TABLE scans (
    id TEXT PRIMARY KEY, section_id INTEGER NOT NULL REFERENCES sections, key TEXT NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, threshold REAL NOT NULL, spec TEXT NOT NULL,
    tiles_total INTEGER NOT NULL, cell_px REAL NOT NULL, context_px REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0,
    device TEXT NOT NULL, parameters TEXT NOT NULL, provenance TEXT NOT NULL,
    started TEXT NOT NULL, finished TEXT)""",
    "CREATE INDEX scans_by_key ON scans (key)",
    """CREATE TABLE tiles (
    scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE, tile INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (scan_id, tile)) WITHOUT ROWID""",
    """CREATE TABLE detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE,
    tile INTEGER NOT NULL, label TEXT NOT NULL, score REAL NOT NULL,
    x_px REAL NOT NULL, y_px REAL NOT NULL, w_px REAL NOT NULL, h_px REAL NOT NULL, area_px REAL NOT NULL,
    status TEXT NOT NULL DEFAULT 'unreviewed', note TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX detections_by_scan ON detections (scan_id, score)",
    "CREATE TABLE view_state (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    _GESTURES,
    _GESTURES_INDEX,
    _DECISIONS,
    _DECISIONS_INDEX,
    _DRAWINGS,
    _DRAWINGS_INDEX,
    _DRAWING_CHANGES,
    _DRAWING_CHANGES_INDEX,
    _TILES_BOXES,
    _SCANS_MAP_KEY,
    _FRAGMENTS,
    _FRAGMENTS_INDEX,
    *_OUTLINES,
    *_ATTACHMENTS,
    *_DECIDED,
    _DECISIONS_BY_DETECTION,
    _SAMPLES,
)


def _drop_severity(db: sqlite3.Connection) -> None:
    """Versions 1 to 5 stored how bad a detection is by itself, which is nothing that anybody sees (`severities`)."""
    if any(column["name"] == "severity" for column in db.execute("PRAGMA table_info(detections)")):
        db.execute("ALTER TABLE detections DROP COLUMN severity")


# Versions 1 to 4 logged status and note alone.
_DECISIONS_4 = """CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gesture INTEGER REFERENCES gestures,
    detection_id INTEGER NOT NULL REFERENCES detections,
    status_before TEXT NOT NULL, status_after TEXT NOT NULL, note_before TEXT NOT NULL, note_after TEXT NOT NULL,
    author TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'live')"""

# Version 1 kept the state of a gesture in each of its decisions, and 0 as the gesture of those that were carried over.
_FROM_1 = (
    _GESTURES,
    _GESTURES_INDEX,
    "INSERT INTO gestures (id, kind, author, at, state) SELECT gesture, 'decision', max(author), max(at),"
    " coalesce(max(CASE WHEN state IN ('done', 'undone', 'discarded') THEN state END), 'archived')"
    " FROM decisions WHERE gesture > 0 GROUP BY gesture",
    "DROP INDEX decisions_by_gesture",
    "ALTER TABLE decisions RENAME TO decisions_1",
    _DECISIONS_4,
    "INSERT INTO decisions SELECT id, nullif(gesture, 0), detection_id, status_before, status_after, note_before,"
    " note_after, author, at, CASE WHEN state IN ('archived', 'carried') THEN state ELSE 'live' END FROM decisions_1",
    "DROP TABLE decisions_1",
    _DECISIONS_INDEX,
    _DRAWINGS,
    _DRAWINGS_INDEX,
    _DRAWING_CHANGES,
    _DRAWING_CHANGES_INDEX,
)

# Version 2 had scans of maps only, and cut objects where they were longer than three tiles.
_FROM_2 = (_TILES_BOXES, _SCANS_MAP_KEY, _FRAGMENTS, _FRAGMENTS_INDEX)

# Version 3 knew boxes only, no SEM and no chemistry.
_FROM_3 = (*_OUTLINES, *_ATTACHMENTS)

# Version 4 logged status and note alone, didn't say with a detection who decided, and kept drawings apart from it.
_FROM_4 = (
    "DROP INDEX decisions_by_gesture",
    "ALTER TABLE decisions RENAME TO decisions_4",
    _DECISIONS,
    *_DECIDED,
    "INSERT INTO decisions SELECT id, gesture, detection_id,"
    " json_object('status', status_before, 'note', note_before,"
    " 'decided_by', iif(status_before = 'unreviewed' AND note_before = '', '', coalesce(lag(author) OVER earlier, '')),"
    " 'decided_at', iif(status_before = 'unreviewed' AND note_before = '', '', coalesce(lag(at) OVER earlier, ''))),"
    " json_object('status', status_after, 'note', note_after,"
    " 'decided_by', iif(status_after = 'unreviewed' AND note_after = '', '', author),"
    " 'decided_at', iif(status_after = 'unreviewed' AND note_after = '', '', at)),"
    " author, at, state FROM decisions_4 WINDOW earlier AS (PARTITION BY detection_id ORDER BY id)",
    "DROP TABLE decisions_4",
    _DECISIONS_INDEX,
    _DECISIONS_BY_DETECTION,
    "UPDATE detections SET decided_by = x.author, decided_at = x.at FROM (SELECT y.detection_id, y.author, y.at, max(y.id)"
    " FROM decisions y LEFT JOIN gestures g ON g.id = y.gesture WHERE g.state IS NULL OR g.state IN ('done', 'archived')"
    " GROUP BY y.detection_id) x WHERE x.detection_id = detections.id AND (status != 'unreviewed' OR note != '')",
    _SAMPLES,
    _drop_severity,  # before anything is stored as it is today
    mirror_all,
)

MIGRATIONS: dict[int, tuple[Statement, ...]] = {1: _FROM_1, 2: _FROM_2, 3: _FROM_3, 4: _FROM_4, 5: (_drop_severity,)}
