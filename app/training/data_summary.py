"""Decides what is found out about data before it is used: what it is good for, what it holds, what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from core.data.findings import Finding
    from core.data.image_set import ImageSet
    from core.data.labelled import DataKind, LabelledData

_MOST_FINDINGS = 6  # that are listed; the rest is counted


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What data holds, in words. `odd`: what speaks against learning from it as it is, a line each."""

    kind: DataKind
    text: str
    odd: tuple[str, ...] = ()


def summarise(path: Path, progress: Progress, cancel: CancelToken) -> DataSummary:
    """Runs in a lane: data may be many files. Raises InputError for what nothing can be learnt from."""
    from core.data.checking import check_data
    from core.data.reading import read_data

    data = read_data(path)
    found = check_data(path, data, progress, cancel)
    stopping = next((one for one in found if one.stops), None)
    if stopping is not None:
        raise InputError(stopping.what, path=path, remedy=stopping.remedy)
    return _summary(path, data, found)


def summarise_to_judge(path: Path, progress: Progress, cancel: CancelToken) -> DataSummary:
    """The same for data a model is judged on: how it could be split for learning is of no interest."""
    from core.data.checking import check_pictures
    from core.data.reading import read_data

    data = read_data(path)
    return _summary(path, data, check_pictures(data, progress, cancel))


def summarise_normal(path: Path, progress: Progress, cancel: CancelToken) -> DataSummary:
    """The same for data that only what is normal is learnt from: where nothing is wrong in it, as far as anybody knows."""
    from core.data.normal import find_normal

    found = find_normal(path)
    return DataSummary("normal", f"{_capital(found.summary)}.", _shortened([_capital(note) for note in found.notes]))


def _summary(path: Path, data: LabelledData | ImageSet, found: list[Finding]) -> DataSummary:
    from app.training.wording import decisions_text, images_text, marks_text
    from core.data.image_set import ImageSet
    from core.data.reading import kind_of

    if isinstance(data, ImageSet):
        text = images_text(data)
    elif data.format == "project":
        text = decisions_text(data, _artefacts_in(path))
    else:
        text = marks_text(data)
    return DataSummary(kind_of(data), text, _shortened([_capital(one.line()) for one in found]))


def _artefacts_in(path: Path) -> frozenset[str]:
    """The classes of artefacts in a project."""
    from core.project import Project
    from core.truth import ARTEFACT_CLASSES

    with Project.open(path) as project:
        return ARTEFACT_CLASSES.union(*(scan.artefact_labels for scan in project.scans()))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shortened(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - _MOST_FINDINGS
    return (*lines[:_MOST_FINDINGS], *([f"and {more} more: schliff check-data lists all"] if more > 0 else []))
