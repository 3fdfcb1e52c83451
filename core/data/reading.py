"""Decides which format of labelled data a path holds, and reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import core.data.formats
from core.data.image_set import ImageSet, is_image_set, read_image_set
from core.data.labelled import DataKind, LabelledData
from core.data.part import is_part, read_part
from core.discovery import find_specs
from core.errors import InputError

_NO_DATA = ("LICEN", "README")
# What was read so far, by path and `no_defect`; None outside `reading_once`.
_known: ContextVar[dict[tuple[Path, str], LabelledData | ImageSet] | None] = ContextVar("labelled data", default=None)


@dataclass(frozen=True, slots=True)
class DataFormat:
    """How one format is told and read.

    Args:
        hint: what a user must have, as "a folder of sections, each with …"; for messages and tooltips.
        rank: the lower, the sooner it is asked; the first that recognises a path reads it.
        recognises: cheap and never raises for what it doesn't know; may raise InputError for a path that can't be read.
        read: raises InputError naming the file and line.
    """

    id: str
    name: str
    hint: str
    rank: int
    recognises: Callable[[Path], bool]
    read: Callable[[Path], LabelledData]


class NothingJudgedError(InputError):
    """A project that nobody has judged anything in yet: nothing is wrong with it."""


def formats() -> list[DataFormat]:
    """Every format of marked pictures, in the order in which they are asked."""
    return sorted(find_specs(core.data.formats, "schliff.data"), key=lambda spec: (spec.rank, spec.id))


@contextmanager
def reading_once() -> Iterator[None]:
    """Within it, in this thread, the same data is read once: what was checked is what is learnt from, too."""
    if _known.get() is not None:
        yield
        return
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def read_data(path: Path, no_defect: str = "") -> LabelledData | ImageSet:
    """What a file, folder or project holds of labels. `no_defect`: the class of images without one (`ImageSet`).

    Raises InputError for what is no labelled data, or data that is broken.
    """
    known = _known.get()
    if known is None:
        return _read(path, no_defect)
    asked = path.absolute(), no_defect
    if asked not in known:
        known[asked] = _read(path, no_defect)
    return known[asked]


def _read(path: Path, no_defect: str) -> LabelledData | ImageSet:
    if not path.exists():
        raise InputError("there is no such file or folder", path=path, remedy="Check the name.")
    if is_part(path):
        part = read_part(path)
        whole = part.of(read_data(part.source, no_defect))
        return whole if isinstance(whole, ImageSet) else checked(whole)
    try:
        path = entered(path)
        for spec in formats():
            if spec.recognises(path):
                return checked(spec.read(path))
        if path.is_dir() and is_image_set(path):
            return read_image_set(path, no_defect)
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy="Check its folders.") from None
    known = "; ".join([*(spec.hint for spec in formats()), "a folder of images for each class"])
    raise InputError("no labelled data here", path=path, remedy=f"Give one of: {known}.")


def entered(path: Path) -> Path:
    """Where the data begins: a folder that holds nothing but one folder, as unpacked archives do, is only a wrapping."""
    while path.is_dir():
        inside = [p for p in path.iterdir() if not p.name.startswith(".") and not p.name.upper().startswith(_NO_DATA)]
        if len(inside) != 1 or not inside[0].is_dir():
            break
        path = inside[0]
    return path


def read_marks(path: Path) -> LabelledData:
    """As `read_data`, for whoever needs marks on pictures. Raises InputError for a folder of images by class, too."""
    data = read_data(path)
    if isinstance(data, ImageSet):
        raise InputError("whole images by class say nothing of places", path=path, remedy="Give data with boxes.")
    return data


def kind_of(data: LabelledData | ImageSet) -> DataKind:
    """What kind of training it is good for."""
    return "images" if isinstance(data, ImageSet) else data.kind


def checked(data: LabelledData) -> LabelledData:
    """Raises InputError for data nothing can be learnt from."""
    if not data.pictures and data.format == "project":
        judge = "Scan a section and say of what it finds whether it is a defect."
        raise NothingJudgedError("nothing has been judged in it yet", path=data.source, remedy=judge)
    if not data.pictures:
        raise InputError("no labelled pictures here", path=data.source, remedy="Mark some defects first.")
    if not data.labels:
        raise InputError("nothing is marked in it", path=data.source, remedy="Mark some defects first.")
    return data
