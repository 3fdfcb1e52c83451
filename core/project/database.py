"""Decides how a project's database is opened, brought to this version, and shared; its tables are `core.project.schema`'s.

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
from core.project.schema import MIGRATIONS, TABLES, VERSION, Statement


def _uri(path: PurePath) -> str:
    """As SQLite reads it: a network share must keep both its slashes behind an empty host (sqlite.org/uri.html)."""
    text = path.as_posix()
    return "file://" + ("" if text.startswith("/") else "/") + quote(text, safe="/:")


def _way_up(version: int) -> Iterator[Statement]:
    """The statements that lead from a version to this one; 0 is an empty database."""
    if version == 0:
        yield from TABLES
        return
    for step in range(version, VERSION):
        yield from MIGRATIONS[step]


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
        if version < VERSION:
            self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        """Makes the tables, or those that were missing, in one transaction; another program may have been first."""
        with self.writing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            for statement in _way_up(version):
                if callable(statement):
                    statement(db)
                else:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {max(version, VERSION)}")

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
                self._connection.execute("COMMIT")
            except BaseException:
                if (
                    self._connection.in_transaction
                ):  # SQLite itself rolls back after some errors, a full disk among them
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()
