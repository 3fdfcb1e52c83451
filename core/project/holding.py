"""Decides who may change a project that several programs open: one window at a time, and programs of one computer only.

A window holds its project, and every program signs in while it has one open, by locks of the system, which end with the process
however it ends; so nothing is left behind by a crash but an empty file. Programs without a window (a scan, the command line)
work beside each other and beside a window on the same computer. Those of another computer may not: SQLite's log is shared
memory (sqlite.org/wal.html).
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core.disk import written_whole
from core.errors import ResourceError
from core.overview_claims import Claims
from core.people import user_name
from core.project.looking import LookOnly
from core.timing import timestamp

LOCK_NAME = ".in-use"
OWNER_NAME = ".in-use.json"  # a file by itself: reading the locked one would give the lock away
_SIGNED = ".in-use-{computer}-{process}"
_PATIENCE_S = 0.5  # another program only looks who is there
_LOOK_S = 0.02
_STALE_S = 60.0  # a sign that nobody locks is of a program that was killed, not of one that just begins

_registry = threading.Lock()
_held: dict[Path, tuple[Claims, int]] = {}  # lock files taken by this process, and how many times


@dataclass(frozen=True, slots=True)
class Owner:
    """Who has a project open in a window: since when (UTC, ISO 8601), and in which process of which computer."""

    user: str
    host: str
    process: int
    since: str

    def refusal(self) -> LookOnly:
        since = f"{self.since[:10]} {self.since[11:16]} UTC"
        return LookOnly(
            f"it is open in another window of Schliff ({self.user} on {self.host}, process {self.process}, since {since})",
            "Close it there, then open it again here.",
        )


_UNKNOWN = LookOnly("it is open in another window of Schliff", "Close it there, then open it again here.")


class Hold:
    """A project that this process has open, until `end`, which is called once. It is known by where it lay when it was taken:
    links and mapped drives may lead nowhere by then."""

    def __init__(self, project: Path, *, window: bool) -> None:
        self._project, self._window = project, window

    def end(self) -> None:
        with _registry:
            if self._window:
                if _held[self._project / LOCK_NAME][1] == 1:  # while it is held: the next window says so itself
                    with suppress(OSError):
                        (self._project / OWNER_NAME).unlink(missing_ok=True)
                _let_go(self._project / LOCK_NAME)
            _sign_out(self._project)


def hold(project: Path) -> Hold | LookOnly:
    """Holds a project for a window of this process, for as many times as it is asked to; why not, where another window or a
    program of another computer has it.

    Raises OSError where no lock can be made.
    """
    project = project.resolve()
    with _registry:
        refused = _sign_in(project)
        if refused is not None:
            return refused
        try:
            is_taken = _wait_for(project / LOCK_NAME)
        except OSError:
            _sign_out(project)
            raise
        if not is_taken:
            _sign_out(project)
            found = owner(project)
            return found.refusal() if found is not None else _UNKNOWN
        if _held[project / LOCK_NAME][1] == 1:
            _tell_owner(project)
    return Hold(project, window=True)


def join(project: Path) -> Hold | LookOnly:
    """Signs a program without a window in; why it may not change the project, where programs of another computer have it.

    Raises OSError.
    """
    project = project.resolve()
    with _registry:
        refused = _sign_in(project)
    return Hold(project, window=False) if refused is None else refused


def owner(project: Path) -> Owner | None:
    """Who signed last; None where nobody did, or it can't be read."""
    with suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        said = json.loads((project / OWNER_NAME).read_text("utf-8"))
        return Owner(str(said["user"])[:80], str(said["host"])[:80], int(said["process"]), str(said["since"])[:25])
    return None


def _sign_in(project: Path) -> LookOnly | None:
    """Signs first, then looks: of two that come at once at least one sees the other."""
    signed = project / _SIGNED.format(computer=_computer(), process=os.getpid())
    is_first = signed not in _held
    try:
        _wait_for(signed)  # another program may just look whether anybody has it
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):  # on a full disk it can be read all the same
            raise
    try:
        refused = _of_another_computer(project) if is_first else None
    except OSError:
        _sign_out(project)
        raise
    if refused is not None:
        _sign_out(project)
    return refused


def _sign_out(project: Path) -> None:
    signed = project / _SIGNED.format(computer=_computer(), process=os.getpid())
    if _let_go(signed):
        with suppress(OSError):
            signed.unlink(missing_ok=True)


def _of_another_computer(project: Path) -> LookOnly | None:
    for signed in project.glob(_SIGNED.format(computer="*", process="*")):
        computer, _, process = signed.name.removeprefix(_SIGNED[:8]).rpartition("-")
        if signed in _held or signed.is_symlink() or not process.isdecimal():
            continue
        if _is_locked(signed):
            if computer != _computer() and not _works_here(int(process), signed):
                return _refusal(project, computer, int(process))
        else:
            _remove_stale(signed)
    return None


def _works_here(process: int, signed: Path) -> bool:
    """Whether a process of this computer signed, under the name that the computer had then: a network gives it another one."""
    if sys.platform == "win32":  # where a name lasts until the next start
        return False
    import psutil

    with suppress(psutil.Error, OSError, OverflowError):
        return any(one.path == str(signed) for one in psutil.Process(process).open_files())
    return False


def _refusal(project: Path, computer: str, process: int) -> LookOnly:
    found = owner(project)
    if found is not None and found.process == process and _as_name(found.host) == computer:
        return found.refusal()
    return LookOnly(
        f"a program works in it on another computer ({computer}, process {process})",
        "Wait for its end, or stop it there, then open it again here.",
    )


def _remove_stale(signed: Path) -> None:
    with suppress(OSError):
        if time.time() - signed.stat().st_mtime > _STALE_S:
            signed.unlink()


def _computer() -> str:
    return _as_name(platform.node())


def _as_name(host: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", host)[:60] or "unknown"


def _wait_for(lock: Path) -> bool:
    """Takes it, for as long as another program may only look who is there; False where one keeps it. Raises OSError."""
    until = time.monotonic() + _PATIENCE_S
    while not _take(lock):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True


def _take(lock: Path) -> bool:
    """For one more time; False where another process has it. Raises OSError."""
    claims, times = _held.get(lock, (None, 0))
    if claims is None:
        claims = Claims(lock)
        if not claims.take(0):
            claims.close()
            return False
    _held[lock] = claims, times + 1
    return True


def _let_go(lock: Path) -> bool:
    """One time less; whether that was the last one."""
    claims, times = _held.pop(lock, (None, 0))
    if claims is None:
        return False
    if times > 1:
        _held[lock] = claims, times - 1
        return False
    claims.close()
    return True


def _is_locked(lock: Path) -> bool:
    """By another process. Raises OSError."""
    claims = Claims(lock)
    is_free = claims.take(0)
    claims.close()
    return not is_free


def _tell_owner(project: Path) -> None:
    who = Owner(user_name(), platform.node(), os.getpid(), timestamp())
    with suppress(ResourceError), written_whole(project / OWNER_NAME) as aside:
        aside.write_text(json.dumps(asdict(who)), "utf-8")
