"""Decides where the file of a project's section is looked for: where it was, beside the project, under another name too.

What it is, is told by its content alone (`core.readers.fingerprint`).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from core.errors import InputError
from core.project.records import SectionRecord
from core.readers.fingerprint import fingerprint

_MOST_LOOKED_AT = 50  # files beside the project, about 1 MB read of each


class SectionMissingError(InputError):
    """The section of a project is in none of the places where it's looked for; `project` and `record` say which one."""

    def __init__(self, project: Path, record: SectionRecord) -> None:
        self.project, self.record = project, record
        super().__init__(
            "the section of this project is not where it was", path=record.path,
            remedy=f"Connect its drive, or put the file beside {project.name}.",
        )  # fmt: skip


def section_place(project: Path, record: SectionRecord) -> Path:
    """Where the section's file is now.

    Raises SectionMissingError, InputError where another file took its name.
    """
    others = []
    for place in (record.path, project.parent / record.path.name):
        if place.exists():
            if fingerprint(place) == record.fingerprint:
                return place
            others.append(place)
    renamed = _renamed(project.parent, record)
    if renamed is not None:
        return renamed
    if others:
        raise InputError(
            "this is not the file that was scanned: its content has changed", path=others[0],
            remedy="Put the original back, or open the new file in a project of its own.",
        )  # fmt: skip
    raise SectionMissingError(project, record)


def is_section(path: Path, record: SectionRecord) -> bool:
    """Whether a file that somebody names is the section. Raises InputError where it can't be read."""
    return fingerprint(path) == record.fingerprint


def _renamed(folder: Path, record: SectionRecord) -> Path | None:
    """The section under another name, among the files of its kind."""
    with suppress(OSError):
        files = sorted(one for one in folder.iterdir() if one.suffix.lower() == record.path.suffix.lower())
        for one in files[:_MOST_LOOKED_AT]:
            with suppress(InputError):
                if one.is_file() and is_section(one, record):
                    return one
    return None
