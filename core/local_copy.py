"""Decides how a section on a slow drive becomes a copy in a local folder: big reads, room checked first, then verified.

A copy under way bears another name; one that was stopped goes on where it ended, if the source is still the same. What
bears the source's own name is whole. Folders (OME-Zarr, camera tiles) are copied file by file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from core.disk import disk_errors, take_place
from core.errors import InputError, ResourceError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.readers.fingerprint import fingerprint

_PIECE = 16 << 20
_SPARE = 256 << 20  # left free on the target drive
_UNFINISHED = ".copying"
_NOTE = ".copying.json"


@dataclass(frozen=True, slots=True)
class _Part:
    """One file to copy: where it lies below the source (empty for the source itself) and its size in bytes."""

    name: str
    size: int


def copy_locally(
    source: Path, folder: Path, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> Path:
    """Copies a section (a file or a folder) into `folder`, made if need be; gives the copy's path.

    A copy that is there already and is the same is given at once. Progress counts bytes. Raises CancelledError (what is
    copied stays, to go on from), InputError (the source can't be read, or changed meanwhile), ResourceError (no room, no
    permission, or another file bears the name).
    """
    target = folder / source.name
    with _reading(source):
        mark, parts = fingerprint(source), _parts(source)
    if target.exists():
        if _is_same(target, mark, parts):
            return target
        raise ResourceError(
            "another one with this name is there already", path=target, remedy="Choose another folder, or remove it."
        )
    with disk_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = _prepare(target, mark)
        _check_room(folder, sum(part.size for part in parts) - _size(unfinished))
        _copy_parts(source, unfinished, parts, progress, cancel)
        if not _is_same(unfinished, mark, parts):
            _remove(unfinished)
            raise InputError(
                "the copy is not the same as the original",
                path=source,
                remedy="Check the drive or network; copy again.",
            )
        take_place(unfinished, target)
        _note(target).unlink(missing_ok=True)
    return target


def _parts(source: Path) -> list[_Part]:
    if not source.is_dir():
        return [_Part("", source.stat().st_size)]
    files = sorted(file for file in source.rglob("*") if file.is_file())
    return [_Part(file.relative_to(source).as_posix(), file.stat().st_size) for file in files]


def _prepare(target: Path, mark: str) -> Path:
    """Where the copy grows. What lies there of another source, or of this one before it changed, is thrown away."""
    unfinished, note = target.with_name(target.name + _UNFINISHED), _note(target)
    known = None
    with suppress(OSError, ValueError, RecursionError):
        known = json.loads(note.read_bytes())
    if known != {"fingerprint": mark}:
        _remove(unfinished)
        note.write_text(json.dumps({"fingerprint": mark}), encoding="utf-8")
    return unfinished


def _note(target: Path) -> Path:
    return target.with_name(target.name + _NOTE)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed + _SPARE > free:
        raise ResourceError(
            f"the copy needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            path=folder,
            remedy="Free some space, or choose a folder on another drive.",
        )


def _copy_parts(
    source: Path, unfinished: Path, parts: Sequence[_Part], progress: Progress, cancel: CancelToken | None
) -> None:
    total, done = sum(part.size for part in parts), 0
    targets = [unfinished / part.name if part.name else unfinished for part in parts]
    last = max((number for number, to in enumerate(targets) if to.exists()), default=0)
    for number, (part, to) in enumerate(zip(parts, targets, strict=True)):
        to.parent.mkdir(parents=True, exist_ok=True)
        there = _sure(to, part) if number == last else _size(to)
        _copy_file(source / part.name if part.name else source, to, part, there, done, total, progress, cancel)
        done += part.size


def _sure(to: Path, part: _Part) -> int:
    """How many bytes of the part that was copied last are there for certain: not those of its last piece.

    Each piece is flushed before the next one is written. After a power cut a file may be as long as it should be while
    its last piece isn't there.
    """
    return max(0, min(_size(to), part.size) - 1) // _PIECE * _PIECE


def _copy_file(
    source: Path,
    to: Path,
    part: _Part,
    there: int,
    done: int,
    total: int,
    progress: Progress,
    cancel: CancelToken | None,
) -> None:
    """Goes on where `there` bytes are copied; `done`: bytes of the parts before."""
    with _opened(source) as reading, to.open("r+b" if there else "wb", buffering=0) as writing:
        writing.truncate(there)
        reading.seek(there)
        writing.seek(there)
        progress(Step(done + there, total, "Copying"))
        while there < part.size:
            if cancel is not None:
                cancel.check()
            with _reading(source):
                piece = reading.read(min(_PIECE, part.size - there))
            if not piece:
                break  # shorter than it was: the comparison afterwards tells
            _write_all(writing.fileno(), piece)
            os.fsync(writing.fileno())
            there += len(piece)
            progress(Step(done + there, total, "Copying"))


def _opened(source: Path) -> FileIO:
    with _reading(source):
        return source.open("rb", buffering=0)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _is_same(copy: Path, mark: str, parts: Sequence[_Part]) -> bool:
    with suppress(OSError):
        return _parts(copy) == list(parts) and fingerprint(copy) == mark
    return False


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    """Tells trouble with the source from trouble with the copy."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"it can't be read ({error.strerror or error})", path=source, remedy="Check the drive or the network."
        ) from error


def _size(path: Path) -> int:
    """Bytes of a file or of all files in a folder; 0 where there is none."""
    with suppress(OSError):
        return sum(part.size for part in _parts(path))
    return 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
