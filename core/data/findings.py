"""Decides what a check of labelled data says, and how it sees whole images and marked pictures alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.data.image_set import ImageSet
from core.data.labelled import LabelledData, Mark

Level = Literal["problem", "hint"]
# So many files or classes are named in one line.
NAMED = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is odd.

    Args:
        level: "problem" spoils what is learnt or how it is judged; a "hint" may be meant so.
        what: one clause, no trailing full stop; remedy: one sentence.
        files: those it is about.
        stops: nothing can be trained before it is remedied.
    """

    level: Level
    what: str
    remedy: str
    files: tuple[Path, ...] = ()
    stops: bool = False

    def line(self) -> str:
        return f"{self.what}. {self.remedy}"

    def to_json(self) -> dict[str, Any]:
        files = [str(path) for path in self.files]
        return {"level": self.level, "what": self.what, "remedy": self.remedy, "files": files, "stops": self.stops}


@dataclass(frozen=True, slots=True)
class Example:
    """A picture as a check sees it: the class of each of its marks, or the one of the whole image."""

    path: Path
    labels: tuple[str, ...]
    group: str
    aside: bool
    marks: tuple[Mark, ...] = ()


def examples_of(data: LabelledData | ImageSet) -> list[Example]:
    if isinstance(data, ImageSet):
        return [Example(image.path, (image.label,), image.group, False) for image in data.images]
    aside = {id(picture) for picture in data.validation}
    return [
        Example(
            picture.path,
            tuple(mark.label for mark in picture.marks),
            picture.group,
            id(picture) in aside,
            picture.marks,
        )
        for picture in data.everything
    ]


def named(names: Sequence[object], most: int = NAMED) -> str:
    """ "a, b, c", and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + more
