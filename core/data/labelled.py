"""Decides what labelled data is once it is read, whatever format it came in: pictures with marks on them.

A picture is a whole section or a single image. Whole images of one class each are an `ImageSet` instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.geometry import Box

# images: one class for each whole image; boxes: marks on pictures; outlines: marks that follow what they mark; normal: places
# in which nothing is wrong, which any of these has, and so has a section that nobody marked (`core.data.normal`).
DataKind = Literal["images", "boxes", "outlines", "normal"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One labelled place.

    Args:
        box: level-0 px of its picture.
        outline: (x, y) corners of a polygon in the same px; empty where only the box is known. Closed by itself.
    """

    label: str
    box: Box
    outline: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture file and what is marked on it.

    Args:
        group: what it must stay together with when data is split: a section, a part, a micrograph.
        known: where everything there is has been marked, so that the rest of it shows no defect; every mark lies in it.
            None: everywhere.
        empty: places somebody looked at and found no defect in ("false alarm"); they lie within `known`.
        entered_um: (x, y) µm per px as a person entered it; None: as its file says.
    """

    path: Path
    marks: tuple[Mark, ...]
    group: str
    known: tuple[Box, ...] | None = None
    empty: tuple[Box, ...] = ()
    entered_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class LabelledData:
    """Pictures with marks.

    Args:
        source: the file, folder or project it was read from; format: the id of the format.
        pictures: to learn from, sorted by path; validation: set aside by whoever made the data, else empty.
        notes: what was left out and why, one line each, for people.
        declared: every class that the format names, marked somewhere or not; () where it names none by themselves.
        unreadable: pictures that were left out since they can't be opened, each with the reason.
    """

    source: Path
    format: str
    pictures: tuple[LabelledPicture, ...]
    validation: tuple[LabelledPicture, ...] = ()
    notes: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    unreadable: tuple[tuple[Path, str], ...] = ()

    @property
    def everything(self) -> tuple[LabelledPicture, ...]:
        return self.pictures + self.validation

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class that is marked somewhere, sorted: a class's number is 1 + its place here."""
        return tuple(sorted({mark.label for picture in self.everything for mark in picture.marks}))

    @property
    def kind(self) -> DataKind:
        marks = [mark for picture in self.everything for mark in picture.marks]
        return "outlines" if marks and all(mark.outline for mark in marks) else "boxes"

    def count(self, label: str) -> int:
        return sum(mark.label == label for picture in self.everything for mark in picture.marks)


def groups_in(pictures: Iterable[LabelledPicture]) -> list[str]:
    """Every group once, sorted."""
    return sorted({picture.group for picture in pictures})
