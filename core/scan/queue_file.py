"""Decides how a queue of scans is kept on the disk, so that it survives a crash: one JSON file, always whole.

What can't be read is set aside and told; it never keeps the program from starting, and nothing of it is deleted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from core.disk import disk_errors, written_whole
from core.errors import InputError, SchliffError
from core.scan.options import ScanSummary
from core.scan.queue import Entry, ScanQueue, State
from core.scan.request import ScanRequest

FORMAT, VERSION = "schliff-scans", 1

_log = logging.getLogger("schliff.scans")


@dataclass(frozen=True, slots=True)
class Kept:
    """A queue as it was found, and what a person must know of it ("" = nothing)."""

    queue: ScanQueue
    told: str = ""


def write_queue(queue: ScanQueue, path: Path) -> None:
    """Raises ResourceError when it can't be written; then the file is as it was."""
    stored = {
        "format": FORMAT,
        "version": VERSION,
        "held": queue.held,
        "scans": [_to_json(entry) for entry in queue.entries],
    }
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as aside:
        aside.write_text(json.dumps(stored, indent=1), encoding="utf-8")


def read_queue(path: Path) -> Kept:
    """The queue in a file, an empty one when there is none. Scans that can't be read are left out, and then the file is
    put aside first, so what could be read must be written anew; never raises for what is in the file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Kept(ScanQueue())
    except (OSError, UnicodeError) as error:
        return _set_aside(path, ScanQueue(), str(error))
    try:
        stored = json.loads(text)
        if stored["format"] != FORMAT or stored["version"] != VERSION:
            return _set_aside(path, ScanQueue(), "another version of Schliff has written it")
        entries, problem = _entries(stored["scans"])
        queue = ScanQueue(entries, bool(stored["held"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        return _set_aside(path, ScanQueue(), f"{type(error).__name__}: {error}")
    return _set_aside(path, queue, problem) if problem else Kept(queue)


def _entries(rows: list[Any]) -> tuple[tuple[Entry, ...], str]:
    """Those that can be read, and what is wrong with the last that can't."""
    entries, problem = [], ""
    for row in rows:
        try:
            entries.append(_from_json(row))
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError, SchliffError) as error:
            problem = str(error) or type(error).__name__
    if len({entry.id for entry in entries}) < len(entries):
        return (), "two scans in it have the same id"
    return tuple(entries), problem


def _to_json(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "request": entry.request.to_json(),
        "model": entry.model,
        "state": entry.state,
        "done": entry.done,
        "total": entry.total,
        "summary": asdict(entry.summary) if entry.summary is not None else None,
        "error": entry.error,
    }


def _from_json(stored: Mapping[str, Any]) -> Entry:
    if stored["state"] not in get_args(State):
        raise InputError(f"{stored['state']!r} is no state of a scan")
    return Entry(
        request=ScanRequest.from_json(stored["request"]),
        model=str(stored["model"]),
        id=str(stored["id"]),
        state=stored["state"],
        done=int(stored["done"]),
        total=int(stored["total"]),
        summary=None if stored["summary"] is None else ScanSummary.from_plain(stored["summary"]),
        error=str(stored["error"]),
    )


def _set_aside(path: Path, queue: ScanQueue, why: str) -> Kept:
    """Puts the file out of the way, under a name that is free."""
    _log.warning("%s can't be read: %s", path, why)
    aside = next(
        name
        for number in range(1, 10_000)
        if not (name := path.with_name(f"{path.stem}.unreadable-{number}{path.suffix}")).exists()
    )
    with suppress(OSError):
        path.rename(aside)
    kept = f"{len(queue.entries)} of its scans were kept" if queue.entries else "the queue begins anew"
    return Kept(queue, f"The list of waiting scans could not be read and was put aside as {aside.name}; {kept}.")
