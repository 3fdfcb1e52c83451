"""Decides how pictures of detections are kept in a project, so that tomorrow they are there at once: bounded, and worth
nothing by themselves.

One SQLite file of their own in the folder `crops/`, so that losing it, or a full or read-only disk, takes nothing of the
project: then fewer pictures are kept, or none, and nobody is told. What was looked at longest ago goes first.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

MOST_BYTES = 256 << 20
LEFT_SHARE = 0.9  # of them, after some had to go
NOTE_EVERY = 64  # pictures looked at, until that is noted
_PATIENCE_S = 0.2  # while another program writes

_TABLES = (
    "CREATE TABLE IF NOT EXISTS crops (key BLOB PRIMARY KEY, used INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS crops_by_use ON crops (used, size)",
)

_log = logging.getLogger("schliff.crops")


class CropStore:
    """Pictures by key. Opened when it is first asked; every method may be called from any thread and never raises."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = folder / "crops.sqlite"
        self._most = most_bytes
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._state = "new"  # then "open", "read only" or "closed"
        self._bytes = 0
        self._turn = 0  # what was looked at last has the highest one: a clock may go backwards
        self._looked_at: set[bytes] = set()

    def get(self, key: bytes) -> bytes | None:
        """The picture, if it is kept."""
        with self._lock:
            try:
                db = self._opened()
                row = db.execute("SELECT data FROM crops WHERE key = ?", (key,)).fetchone() if db is not None else None
                if row is None:
                    return None
                self._looked_at.add(key)
                if len(self._looked_at) >= NOTE_EVERY:
                    self._note_use()
                return bytes(row[0])
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                return None

    def put(self, key: bytes, data: bytes) -> None:
        """Keeps a picture; does nothing where it can't be."""
        with self._lock:
            try:
                db = self._opened()
                if db is None or self._state != "open" or len(data) > self._most:
                    return
                with db:
                    self._turn += 1
                    values = (key, self._turn, len(data), data)
                    db.execute("REPLACE INTO crops (key, used, size, data) VALUES (?, ?, ?, ?)", values)
                self._bytes += len(data)
                if self._bytes > self._most:
                    self._make_room(db)
            except (sqlite3.Error, OSError) as error:
                self._failed(error)

    def close(self) -> None:
        """From now on it keeps nothing and has nothing."""
        with self._lock:
            with suppress(sqlite3.Error, OSError):
                self._note_use()
            self._shut("closed")

    # -- with the lock held -------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection | None:
        if self._state == "new":
            try:
                self._db = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    self._db = self._open_to_read(error)
                else:  # damaged: begin anew
                    self._db = self._begin_anew()
        return self._db

    def _open(self) -> sqlite3.Connection:
        with suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
        db = sqlite3.connect(self.path, timeout=_PATIENCE_S, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            with db:
                for statement in _TABLES:
                    db.execute(statement)
            self._bytes, self._turn = db.execute(
                "SELECT coalesce(sum(size), 0), coalesce(max(used), 0) FROM crops"
            ).fetchone()
        except BaseException:
            db.close()
            raise
        self._state = "open"
        return db

    def _open_to_read(self, reason: Exception) -> sqlite3.Connection | None:
        """Where nothing can be written, what was kept before still shows."""
        _log.info("%s: no pictures will be kept (%s)", self.path, reason)
        self._state = "read only"
        if not self.path.is_file():
            return None
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False)

    def _begin_anew(self) -> sqlite3.Connection | None:
        for name in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        try:
            return self._open()
        except sqlite3.Error as error:
            return self._open_to_read(error)

    def _make_room(self, db: sqlite3.Connection) -> None:
        self._note_use()
        left = self._bytes = db.execute("SELECT coalesce(sum(size), 0) FROM crops").fetchone()[0]
        going: list[tuple[bytes]] = []
        with closing(db.execute("SELECT key, size FROM crops ORDER BY used, rowid")) as oldest:
            for key, size in oldest:
                if left <= LEFT_SHARE * self._most:
                    break
                left -= size
                going.append((key,))
        with db:
            db.executemany("DELETE FROM crops WHERE key = ?", going)
        self._bytes = left

    def _note_use(self) -> None:
        looked_at, self._looked_at = self._looked_at, set()
        if self._db is not None and self._state == "open" and looked_at:
            self._turn += 1
            with self._db as db:
                db.executemany("UPDATE crops SET used = ? WHERE key = ?", [(self._turn, key) for key in looked_at])

    def _failed(self, error: Exception) -> None:
        """A full disk, a drive that is gone, a damaged file: it is done without, until the project is opened again."""
        busy = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
        if not busy:
            _log.info("%s: no more pictures are kept (%s)", self.path, error)
            is_damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
            self._shut("closed" if is_damaged else "read only", keep_open=not is_damaged)
            if is_damaged:
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)

    def _shut(self, state: str, *, keep_open: bool = False) -> None:
        self._state = state
        if not keep_open and self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None
