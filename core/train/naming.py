"""Decides which folder a new model gets for the name that somebody typed: a legal file name that nothing else has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from core.errors import UsageError

LONGEST = 64  # what a card takes as an id
_NOT_PLAIN = re.compile(r"[^a-z0-9._]+")
_OF_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def folder_name(name: str) -> str:
    """A name as a folder's, and a model's id: "Poren, grob (2)" → "poren-grob-2". Raises UsageError."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = _NOT_PLAIN.sub("-", plain).strip("-._")[:LONGEST].strip("-._")
    if not made:
        raise UsageError("the model needs a name", remedy="Type one with letters or digits.")
    if _OF_WINDOWS.fullmatch(made):
        raise UsageError(f"{made!r} can't be a folder's name", remedy="Choose another name.")
    return made


def new_folder(name: str, place: Path, ids: Iterable[str] = ()) -> Path:
    """Where in `place` a model of this name will lie. `ids` are those of the models there are.

    Raises UsageError for a name that gives no folder, or one that is taken.
    """
    made = folder_name(name)
    if made in set(ids) or (place / made).exists():
        raise UsageError(f"there is a model {made!r} already", remedy="Choose another name.")
    return place / made


def free_name(wanted: str, place: Path, ids: Iterable[str] = ()) -> str:
    """`wanted`, with a number behind it where it is taken; "" where it gives no folder."""
    taken = set(ids)
    for name in (wanted, *(f"{wanted} {number}" for number in range(2, 1000))):
        with suppress(UsageError):
            new_folder(name, place, taken)
            return name
    return ""
