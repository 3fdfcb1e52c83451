"""Decides how a folder of marked sections is read: files in any format Schliff reads, a truth CSV beside each.

`DIR/s.czi` with `DIR/s.truth.csv`. Sections in `DIR/validation/` are set aside by whoever made the folder.
"""

from __future__ import annotations

from pathlib import Path

from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.data.reading import DataFormat
from core.errors import InputError
from core.truth import SUFFIX, read_truth, truth_beside

VALIDATION_FOLDER = "validation"
_REMEDY = f"Put sections into it, each with NAME{SUFFIX} beside it."


def labelled_sections(folder: Path) -> list[Path]:
    """Files and folders that have a truth CSV beside them, sorted by name. Raises InputError without such a folder."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror})", path=folder, remedy=_REMEDY) from None
    return [p for p in entries if not p.name.endswith(SUFFIX) and truth_beside(p).is_file()]


def _recognises(path: Path) -> bool:
    return path.is_dir() and bool(labelled_sections(path))


def _read(path: Path) -> LabelledData:
    """Raises InputError for a folder without labelled sections, or a truth that can't be used."""
    held = path / VALIDATION_FOLDER
    training, validation = (tuple(map(_picture, labelled_sections(p))) if p.is_dir() else () for p in (path, held))
    return LabelledData(path, SPEC.id, training, validation)


def _picture(path: Path) -> LabelledPicture:
    marks = tuple(Mark(one.label, one.box) for one in read_truth(truth_beside(path)))
    return LabelledPicture(path, marks, group=path.name)


SPEC = DataFormat(
    id="sections",
    name="Sections with truth CSV",
    hint=f"a folder of sections, each with NAME{SUFFIX} beside it",
    rank=20,
    recognises=_recognises,
    read=_read,
)
