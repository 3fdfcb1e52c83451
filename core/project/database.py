"""Decides how the project's records lie in SQLite: the tables, their version, and how one connection is shared.

Write-ahead log with full sync: whatever was committed survives a killed process and a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from urllib.parse import quote

from core.disk import disk_errors
from core.errors import InputError

VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS sections (
    id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, path TEXT NOT NULL,
    width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, pixel_size_um TEXT, stage TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS scans (
    id TEXT PRIMARY KEY, section_id INTEGER NOT NULL REFERENCES sections, key TEXT NOT NULL,
    replaced INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, threshold REAL NOT NULL, spec TEXT NOT NULL,
    tiles_total INTEGER NOT NULL, cell_px REAL NOT NULL, context_px REAL NOT NULL, seconds REAL NOT NULL DEFAULT 0,
    device TEXT NOT NULL, parameters TEXT NOT NULL, provenance TEXT NOT NULL,
    started TEXT NOT NULL, finished TEXT);
CREATE INDEX IF NOT EXISTS scans_by_key ON scans (key);
CREATE TABLE IF NOT EXISTS tiles (
    scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE, tile INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (scan_id, tile)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS detections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scan_id TEXT NOT NULL REFERENCES scans ON DELETE CASCADE,
    tile INTEGER NOT NULL, label TEXT NOT NULL, score REAL NOT NULL,
    x_px REAL NOT NULL, y_px REAL NOT NULL, w_px REAL NOT NULL, h_px REAL NOT NULL, area_px REAL NOT NULL,
    severity REAL NOT NULL, status TEXT NOT NULL DEFAULT 'unreviewed', note TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS detections_by_scan ON detections (scan_id, score);
CREATE TABLE IF NOT EXISTS decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gesture INTEGER NOT NULL, detection_id INTEGER NOT NULL REFERENCES detections,
    status_before TEXT NOT NULL, status_after TEXT NOT NULL, note_before TEXT NOT NULL, note_after TEXT NOT NULL,
    author TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'done');
CREATE INDEX IF NOT EXISTS decisions_by_gesture ON decisions (state, gesture);
CREATE TABLE IF NOT EXISTS view_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def _uri(path: PurePath) -> str:
    """As SQLite reads it: a network share must keep both its slashes behind an empty host (sqlite.org/uri.html)."""
    text = path.as_posix()
    return "file://" + ("" if text.startswith("/") else "/") + quote(text, safe="/:")


class Database:
    """One connection, used from any thread, one at a time."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        with disk_errors(path):
            mode = "rwc" if create else "rw"
            uri = f"{_uri(path.absolute())}?mode={mode}"
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=10)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        # Nothing in it at all: its making was cut short, or is going on in another program.
        empty = self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise InputError(
                "it was made by a newer Schliff", path=self.path.parent, remedy="Install the newest version of Schliff."
            )
        if version == 0 and not empty:
            raise InputError("it is not a Schliff project", path=self.path.parent, remedy="Choose another folder.")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        if version == 0:
            self._connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, disk_errors(self.path):
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is stored, or nothing."""
        with self._lock, disk_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        with self._lock:
            self._connection.close()
