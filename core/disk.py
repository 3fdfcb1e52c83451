"""Decides what a failing disk means to the user, where nothing may be written, and how a file is written so that it's either
old, or new and whole, on Windows too, where nobody may rename what another program looks at."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from core.errors import InputError, ResourceError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_USE = {32, 33}  # of Windows: another program has the file open, or a part of it
_LEFT = re.compile(r"\.[0-9a-f]{8}-(?P<process>\d+)-\d+\.part$")
_QUIET_S = 60.0
_WAITS_S = (0.01, 0.03, 0.1, 0.3, 0.6)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the system says while writing below `path` into a ResourceError a user can act on."""
    try:
        yield
    except OSError as error:
        raise _translated(error, path) from error
    except sqlite3.DatabaseError as error:
        raise _translated_database(error, path) from error
    except UnicodeDecodeError as error:  # what a damaged database says of itself may be no text
        raise _translated_database(sqlite3.DatabaseError(str(error)), path) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside `path`; on success it is flushed and replaces `path`, else it disappears."""
    temporary = path.with_name(f".{path.name}.{_this_computer()}-{os.getpid()}-{threading.get_ident()}.part")
    with disk_errors(path):
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            take_place(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def clear_left(folder: Path) -> None:
    """Takes away what programs of this computer that were killed left in a folder while they wrote with `written_whole`.

    What other computers write there stays: nobody here knows whether they still do. So does what was written a moment ago: it may
    be of one that has the same name, or of a container, whose processes are counted apart.
    """
    import psutil

    with suppress(OSError):
        for left in folder.glob(f".*.{_this_computer()}-*.part"):
            found = _LEFT.search(left.name)
            if found is not None and not psutil.pid_exists(int(found["process"])):
                with suppress(OSError):
                    if time.time() - left.stat().st_mtime > _QUIET_S:
                        left.unlink()


def take_place(new: Path, path: Path) -> None:
    """Renames `new` to `path`, over what is there. Raises OSError.

    On Windows a virus scanner or an indexer holds a file for a moment just when it was written: that is waited for.
    """
    for wait_s in _WAITS_S:
        try:
            new.replace(path)
        except OSError as error:
            if _windows_code(error) not in _IN_USE | {5}:
                raise
            time.sleep(wait_s)
        else:
            return
    new.replace(path)


def flush_folder(folder: Path) -> None:
    """Lets names just given in a folder survive a power cut; does nothing where the system can't be asked for that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def keep_off(section: Path, path: Path) -> None:
    """Raises InputError where a file at `path` would change a section: its own file, or one in its own folder."""
    if path.exists() and section.exists() and path.samefile(section):
        raise InputError("this is the section itself", path=path, remedy="Choose another name.")
    if section.is_dir() and path.resolve().is_relative_to(section.resolve()):
        raise InputError("this folder is the section itself", path=path, remedy="Choose another folder.")


@cache
def _this_computer() -> str:
    return hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _translated(error: OSError, path: Path) -> ResourceError:
    if error.errno in _NO_SPACE:
        return ResourceError("the disk is full", path=path, remedy="Free some space and go on; nothing stored is lost.")
    if _windows_code(error) in _IN_USE:
        return ResourceError("another program has it open", path=path, remedy="Close it there, then try again.")
    if error.errno in _NO_PERMISSION:
        return ResourceError("no permission to write here", path=path, remedy="Choose another folder for it.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ResourceError("its folder does not exist", path=path, remedy="Make the folder first, or choose another.")
    return ResourceError(f"it can't be written ({error.strerror or error})", path=path, remedy="Check the drive.")


def _windows_code(error: OSError) -> int | None:
    return getattr(error, "winerror", None)


def _translated_database(error: sqlite3.DatabaseError, path: Path) -> ResourceError | InputError:
    text = str(error).lower()
    if "full" in text or "disk i/o" in text:
        remedy = "Free some space or check the drive, and go on; nothing stored is lost."
        return ResourceError("the disk is full or failing", path=path, remedy=remedy)
    if "readonly" in text or "unable to open" in text:
        return ResourceError("no permission to write here", path=path, remedy="Choose another folder for it.")
    if "locked" in text:
        return ResourceError("another program is writing to it", path=path, remedy="Close it there, then try again.")
    return InputError(f"its records can't be read ({error})", path=path, remedy="Restore it from a backup copy.")
