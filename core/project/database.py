"""Decides how a project's database is opened, brought to this version, and shared; its tables are `core.project.schema`'s.

Write-ahead log with full sync: whatever was committed survives a killed process and a power cut. Where nothing may be stored
a copy is looked at (`core.project.looking`). A drive that was gone and is back is gone on with, if it is still that project.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from urllib.parse import quote

from core.disk import disk_errors
from core.errors import InputError, ResourceError
from core.project.looking import LookOnly, copied
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


Follower = Callable[[sqlite3.Connection], None]


class Database:
    """One connection, used from any thread, one at a time. `look_only`: why nothing can be stored; None where it can."""

    def __init__(self, path: Path, *, create: bool = False, look_only: LookOnly | None = None) -> None:
        """Raises InputError, ResourceError."""
        self.path = path
        self.look_only = look_only
        self._lock = threading.RLock()
        self._copy: TemporaryDirectory[str] | None = None
        self._is_lost = False  # the file behind the connection is
        self._followers: list[Follower] = []
        with disk_errors(path):
            if self.look_only is not None:
                self._copy = copied(path)
            self._connection = self._connect(create)
            self._file, self._known = self._file_now(), _known(self._connection)
            self._read_until: int | None = _others_version(self._connection)

    def _connect(self, create: bool = False) -> sqlite3.Connection:
        place = self.path if self._copy is None else Path(self._copy.name) / self.path.name
        uri = f"{_uri(place.absolute())}?mode={'rwc' if create else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None, timeout=10)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.row_factory = sqlite3.Row
        # Nothing in it at all: its making was cut short, or is going on in another program.
        empty = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise InputError(
                "it was made by a newer Schliff", path=self.path.parent, remedy="Install the newest version of Schliff."
            )
        if version < 0 or (version == 0 and not empty):
            raise InputError("it is not a Schliff project", path=self.path.parent, remedy="Choose another folder.")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if version < VERSION:
            self._bring_up_to_date(connection)

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        """Makes the tables, or those that were missing, in one transaction; another program may have been first."""
        with _transaction(connection):
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for statement in _way_up(version):
                if callable(statement):
                    statement(connection)
                else:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._watched():
            if self._is_lost:
                self._find_again()
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is stored, or nothing. Raises ResourceError where nothing can be."""
        if self.look_only is not None:
            raise self.look_only.refusal(self.path.parent)
        with self._lock, self._watched():
            if self._is_lost or self._file_now() != self._file:  # else what is stored would go wherever the file is now
                self._find_again()
            with _transaction(self._connection):
                yield self._connection
            with suppress(sqlite3.Error):  # it is stored, whatever is asked now
                self._known = _known(self._connection)
                self._tell()

    def has_news(self) -> bool:
        """Whether another program has stored something since this was asked last, or since it was opened."""
        with self.reading() as db:
            before, self._read_until = self._read_until, _others_version(db)
            if before == self._read_until:
                return False
            self._tell()
            return True

    def follow(self, follower: Follower) -> None:
        """Has it look now, and again in whichever thread stores something or hears of what others stored; so that what the
        window always wants to know need not be asked for in its thread."""
        with self.reading() as db:
            self._followers.append(follower)
            follower(db)

    def _tell(self) -> None:
        for follower in self._followers:
            follower(self._connection)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        with disk_errors(self.path):
            try:
                yield
            except sqlite3.OperationalError as error:
                self._is_lost |= any(words in str(error) for words in _LOST)
                raise

    def _file_now(self) -> tuple[int, int]:
        """Which file lies at the path."""
        try:
            found = self.path.stat()
        except OSError:
            raise ResourceError(
                "it isn't there any more", path=self.path.parent,
                remedy="Connect its drive or put the folder back, and go on; all that was stored is in it.",
            ) from None  # fmt: skip
        return found.st_dev, found.st_ino

    def _find_again(self) -> None:
        """Connects anew. Raises InputError where another project lies there now, or an older copy of this one."""
        file, connection = self._file_now(), self._connect()
        sections, gestures = _known(connection)
        if not self._known[0] <= sections or gestures < self._known[1]:
            connection.close()
            raise InputError(
                "another project, or an older copy, lies here now", path=self.path.parent,
                remedy="Put the one that was open back, or open this one anew.",
            )  # fmt: skip
        with suppress(sqlite3.Error):
            self._connection.close()
        self._connection, self._file, self._is_lost = connection, file, False
        self._read_until = None  # nobody knows what others stored meanwhile

    def close(self) -> None:
        with self._lock:
            self._connection.close()
            if self._copy is not None:
                self._copy.cleanup()


# What SQLite says when the file behind a connection can't be reached: a drive that is gone, a handle that a server forgot.
_LOST = ("disk I/O error", "unable to open", "readonly database")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back after some errors, a full disk among them
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _known(connection: sqlite3.Connection) -> tuple[frozenset[str], int]:
    """By what a project is known again: its sections, and how many gestures there were."""
    sections = frozenset(row[0] for row in connection.execute("SELECT fingerprint FROM sections"))
    return sections, connection.execute("SELECT coalesce(max(id), 0) FROM gestures").fetchone()[0]


def _others_version(connection: sqlite3.Connection) -> int:
    """Another number whenever another connection has stored something (sqlite.org/pragma.html#pragma_data_version)."""
    return connection.execute("PRAGMA data_version").fetchone()[0]
