"""Decides how a project is looked at where nothing may be stored in it: by a copy of its records, made when it's opened.

SQLite must write beside a database even to read it while its log is open. A copy needs nothing of that, may be of an older
version, and stays what it was though another program goes on writing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.disk import disk_errors
from core.errors import ResourceError

_TRIES = 5
_LOG_SUFFIX = "-wal"  # what is stored and not yet in the database's own file


@dataclass(frozen=True, slots=True)
class LookOnly:
    """Why nothing can be stored in a project, and what to do about it; as in `SchliffError`."""

    what: str
    remedy: str

    def refusal(self, project: Path) -> ResourceError:
        return ResourceError(f"nothing can be stored in this project: {self.what}", path=project, remedy=self.remedy)


UNWRITABLE = LookOnly(
    "its folder can't be written to", "Copy the folder to a drive you may write to, and open it there."
)


def may_be_written(database: Path) -> bool:
    """Whether the system lets this user write to a database and beside it."""
    return os.access(database, os.W_OK) and os.access(database.parent, os.W_OK)


def copied(database: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder with a copy of a database and its log, under the same name. Raises ResourceError, OSError."""
    with disk_errors(Path(tempfile.gettempdir())):
        folder = tempfile.TemporaryDirectory(prefix="schliff-", ignore_cleanup_errors=True)
    try:
        for _ in range(_TRIES):
            before = _versions(database)
            for source in (database, _log(database)):
                target = Path(folder.name) / source.name
                target.unlink(missing_ok=True)
                if source.exists():
                    _copy(source, target)
            if _versions(database) == before:
                return folder
        raise ResourceError(
            "another program is writing to it all the time", path=database, remedy="Wait for its end and open it again."
        )
    except BaseException:
        folder.cleanup()
        raise


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, disk_errors(target), target.open("wb") as written:
        shutil.copyfileobj(read, written, 1 << 20)


def _versions(database: Path) -> list[tuple[int, int]]:
    found = [path.stat() for path in (database, _log(database)) if path.exists()]
    return [(one.st_mtime_ns, one.st_size) for one in found]


def _log(database: Path) -> Path:
    return database.with_name(database.name + _LOG_SUFFIX)
