"""Decides who may change a project that several programs open: one window at a time, and programs of one computer only.

A window holds its project by a lock of the system, which ends with the process however it ends; so nothing is left behind by
a crash. Programs without a window (a scan, the command line) work beside it on the same computer. Those of another computer may
not: SQLite's log is shared memory (sqlite.org/wal.html).
"""

from __future__ import annotations

import json
import os
import platform
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
_PATIENCE_S = 0.5  # another program only looks who is there
_LOOK_S = 0.02

_registry = threading.Lock()
_held: dict[Path, tuple[Claims, int]] = {}  # by this process, and how many times


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
    """A project that this process holds, until `end`, which is called once. It is known by where it lay when it was taken:
    links and mapped drives may lead nowhere by then."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def end(self) -> None:
        with _registry:
            claims, times = _held.pop(self._project)
            if times > 1:
                _held[self._project] = claims, times - 1
                return
            with suppress(OSError):
                (self._project / OWNER_NAME).unlink(missing_ok=True)
            claims.close()


def hold(project: Path) -> Hold | LookOnly:
    """Holds a project for this process, for as many times as it is asked to; why not, where another window has it.

    Raises OSError where no lock can be made.
    """
    project, until = project.resolve(), time.monotonic() + _PATIENCE_S
    with _registry:
        if project in _held:
            claims, times = _held[project]
            _held[project] = claims, times + 1
            return Hold(project)
        while (claims_now := _taken(project)) is None:
            if time.monotonic() > until:
                found = owner(project)
                return found.refusal() if found is not None else _UNKNOWN
            time.sleep(_LOOK_S)
        _held[project] = claims_now, 1
        _sign(project)
    return Hold(project)


def held_elsewhere(project: Path) -> LookOnly | None:
    """Why a program without a window may not change a project: a window on another computer has it."""
    project = project.resolve()
    found = owner(project)
    if found is None or found.host == platform.node():
        return None
    with _registry:
        claims = None if project in _held else _taken(project)
        if claims is not None:  # left behind by a crash there
            claims.close()
            return None
    return found.refusal()


def owner(project: Path) -> Owner | None:
    """Who signed last; None where nobody did, or it can't be read."""
    with suppress(OSError, ValueError, TypeError, LookupError, RecursionError):
        said = json.loads((project / OWNER_NAME).read_text("utf-8"))
        return Owner(str(said["user"])[:80], str(said["host"])[:80], int(said["process"]), str(said["since"])[:25])
    return None


def _taken(project: Path) -> Claims | None:
    claims = Claims(project / LOCK_NAME)
    if claims.take(0):
        return claims
    claims.close()
    return None


def _sign(project: Path) -> None:
    who = Owner(user_name(), platform.node(), os.getpid(), timestamp())
    with suppress(ResourceError), written_whole(project / OWNER_NAME) as aside:
        aside.write_text(json.dumps(asdict(who)), "utf-8")
