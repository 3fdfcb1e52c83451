"""Decides how Schliff's own labelled pictures are read: one JSON file beside its pictures, which says all that is known.

`schliff-data.json`: `format` 1, `classes`, and of each of `pictures` its `file` (relative), `group`, `marks` (class, box as
x, y, w, h in px, outline as corners or none), `known` (boxes; null: everywhere) and `empty` (boxes judged as no defect).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.data.files import DataFolder, class_name, number, read_json
from core.data.gathering import Gathering
from core.data.labelled import LabelledData, Mark
from core.data.reading import DataFormat
from core.errors import InputError
from core.geometry import Box

FILE_NAME = "schliff-data.json"
FORMAT = 1
_REMEDY = "Write the set again with `schliff export-data`."


def _recognises(path: Path) -> bool:
    return _file(path).is_file()


def _file(path: Path) -> Path:
    return path if path.name == FILE_NAME else path / FILE_NAME


def _read(path: Path) -> LabelledData:
    file = _file(path)
    content = read_json(file)
    rows = content.get("pictures") if isinstance(content, dict) else None
    classes = content.get("classes") or [] if isinstance(content, dict) else None
    if not isinstance(rows, list) or not isinstance(classes, list) or content.get("format") != FORMAT:
        raise InputError("it is no training set of this version", path=file, remedy=_REMEDY)
    gathering, folder = Gathering(path, SPEC.id), DataFolder(file.parent)
    for place, row in enumerate(rows):
        try:
            _add(row, gathering, folder, file)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else error
            raise InputError(f"pictures[{place}]: {what}", path=file, remedy=_REMEDY) from None
    gathering.declared.update(str(label) for label in classes)
    return gathering.finish()


def _add(row: Mapping[str, Any], gathering: Gathering, folder: DataFolder, file: Path) -> None:
    picture = folder.find(str(row["file"]), file)
    if picture is None:
        gathering.missing(str(row["file"]))
    elif (size := gathering.size_of(picture)) is not None:
        known = None if row["known"] is None else tuple(map(_box, row["known"]))
        empty = tuple(map(_box, row["empty"]))
        marks = [_mark(one) for one in row["marks"]]
        gathering.add(picture, size, marks, folder.side(picture), group=str(row["group"]), known=known, empty=empty)


def _mark(row: Mapping[str, Any]) -> Mark:
    outline = tuple(_corner(values) for values in row.get("outline") or ())
    return Mark(class_name(row["class"]), _box(row["box"]), outline)


def _corner(values: Any) -> tuple[float, float]:
    if not isinstance(values, list) or len(values) != 2:
        raise ValueError("a corner is not two numbers")
    return number(values[0], "a corner"), number(values[1], "a corner")


def _box(values: Any) -> Box:
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError("a box is not four numbers")
    x, y, w, h = (number(value, "a value of a box") for value in values)
    if w < 0 or h < 0:
        raise ValueError(f"{w:g}, {h:g} is no size")
    return Box(x, y, w, h)


SPEC = DataFormat(
    id="schliff",
    name="Schliff training set",
    hint=f"a folder with a {FILE_NAME} as Schliff writes it",
    rank=5,
    recognises=_recognises,
    read=_read,
)
