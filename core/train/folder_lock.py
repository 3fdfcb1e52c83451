"""Decides which of several programs trains in a folder: one, by a lock that ends with it, however it ends."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.disk import disk_errors
from core.errors import UsageError
from core.overview_claims import Claims

LOCK_NAME = ".training.lock"
_OWNER_NAME = ".training.owner"  # a file by itself: reading the locked one would give the lock away


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds a folder, which is made where it's missing and taken away where nothing is in it afterwards.

    Raises UsageError naming who has it, ResourceError where the disk refuses.
    """
    folder = folder.resolve()  # POSIX drops all locks of a file when a program closes it under any name
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        claims = _taken(folder)
    try:
        with disk_errors(folder):
            (folder / _OWNER_NAME).write_text(f"process {os.getpid()} on {platform.node()}", "utf-8")
        yield
    finally:
        _remove(folder / _OWNER_NAME)
        is_gone = _remove(folder / LOCK_NAME)
        claims.close()
        if not is_gone:  # Windows removes no open file
            _remove(folder / LOCK_NAME)
        with suppress(OSError):
            folder.rmdir()


def _taken(folder: Path) -> Claims:
    path = folder / LOCK_NAME
    while True:
        claims = Claims(path)
        if not claims.take(0):
            claims.close()
            raise UsageError(
                f"another training is at work here ({_owner(folder)})", path=folder,
                remedy="Wait for its end or stop it; or choose another folder.",
            )  # fmt: skip
        if path.exists():
            return claims
        claims.close()  # whoever had it took it away meanwhile


def _owner(folder: Path) -> str:
    try:
        return (folder / _OWNER_NAME).read_text("utf-8")[:200]
    except (OSError, UnicodeDecodeError):
        return "in another program"


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
