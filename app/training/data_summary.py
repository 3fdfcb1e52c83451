"""Decides what is found out about data before a training: what it is good for, what it holds, what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.jobs import CancelToken, Progress

if TYPE_CHECKING:
    from core.data.labelled import DataKind

_MOST_FINDINGS = 6  # that are listed; the rest is counted


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What data holds, in words. `odd`: what speaks against learning from it as it is, a line each."""

    kind: DataKind
    text: str
    odd: tuple[str, ...] = ()


def summarise(path: Path, progress: Progress, cancel: CancelToken) -> DataSummary:
    """Runs in a lane: data may be many files. Raises InputError for what nothing can be learnt from."""
    from app.training.wording import images_text, marks_text
    from core.data.checking import check_data
    from core.data.image_set import ImageSet
    from core.data.reading import kind_of, read_data

    data = read_data(path)
    found = check_data(path, data, progress, cancel)
    stopping = next((one for one in found if one.stops), None)
    if stopping is not None:
        raise InputError(stopping.what, path=path, remedy=stopping.remedy)
    text = images_text(data) if isinstance(data, ImageSet) else marks_text(data)
    return DataSummary(kind_of(data), text, _shortened([_capital(one.line()) for one in found]))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _shortened(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - _MOST_FINDINGS
    return (*lines[:_MOST_FINDINGS], *([f"and {more} more: schliff check-data lists all"] if more > 0 else []))
