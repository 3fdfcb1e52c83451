"""Decides which sections the words of a command line mean: files, folders and patterns (not every shell expands them)."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from core.errors import InputError
from core.readers.base import known_suffixes, open_section

_PATTERN = frozenset("*?[")


def sections_of(words: Iterable[str], note: Callable[[str], None]) -> list[Path]:
    """Every section that is meant, once, in the order named.

    A file stands for itself, whether it is there or not. A folder that is a section (OME-Zarr, camera tiles) does too;
    any other one stands for the sections that lie in it. A pattern stands for what it matches (`**`: any depth).
    `note` is told what was dropped. Raises InputError for a folder that holds no section and for a pattern without match.
    """
    found: dict[Path, Path] = {}
    for path in (one for word in words for one in _meant_by(word)):
        if found.setdefault(path.resolve(), path) is not path:
            note(f"{path}: named twice; it is scanned once.")
    return list(found.values())


def _meant_by(word: str) -> Iterator[Path]:
    path = Path(word)
    if path.exists() or not _PATTERN & set(word):
        yield from _within(path)
        return
    matches = [Path(match) for match in sorted(glob.glob(word, recursive=True))]  # noqa: PTH207 - takes absolute ones too
    chosen = [match for match in matches if _may_be_section(match)]
    if not chosen:
        raise InputError("no section matches this pattern", path=path, remedy="Check the folder and the pattern.")
    yield from chosen


def _within(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        open_section(path).close()
    except InputError as error:
        inside = _sections_in(path)
        if not inside:
            raise _nothing_in(path, error) from None
        return inside
    return [path]


def _nothing_in(folder: Path, why_no_section: InputError) -> InputError:
    """A folder with only folders in it is the usual slip: they are not searched, and a pattern does that."""
    try:
        deeper = any(one.is_dir() for one in folder.iterdir())
    except OSError:
        deeper = False
    if not deeper:
        return why_no_section
    return InputError(
        "no section lies in this folder itself",
        path=folder,
        remedy=f"Name the folder that holds them, or '{folder}/**/*'.",
    )


def _sections_in(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if _may_be_section(one))
    except OSError:
        return []


def _may_be_section(path: Path) -> bool:
    """By its name alone: whether its content is one, too, shows when its turn comes."""
    return path.name.lower().endswith(known_suffixes()) and not path.name.startswith(".")
