"""Decides how a table of boxes is read: CSV with commas, semicolons or tabs, one line for each box.

Columns: `file`, `class` and `x_px, y_px, w_px, h_px` or the edges `x0, y0, x1, y1` (also `xmin, ymin, xmax, ymax`), in px,
continuous, from the top left; if wanted `group` (what must stay together). A line with a file and nothing else is an image
without a defect.
"""

from __future__ import annotations

from pathlib import Path

from core.data.files import DataFolder, class_name, number
from core.data.gathering import Gathering
from core.data.labelled import LabelledData, Mark
from core.data.reading import DataFormat
from core.errors import InputError
from core.geometry import Box
from core.tables import Row, parse_rows, table_text

_SUFFIXES = (".csv", ".tsv", ".txt")
_FILE, _CLASS, _GROUP = ("file", "filename", "image"), ("class", "label"), "group"
_SIZES = (("x_px", "y_px", "w_px", "h_px"),)
_EDGES = (("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"))
_REMEDY = "It needs the columns file,class,x_px,y_px,w_px,h_px or file,class,x0,y0,x1,y1."


def _recognises(path: Path) -> bool:
    return _table(path) is not None


def _table(path: Path) -> Path | None:
    """The table itself, or the first one in a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return next(
        (file for file in files if file.suffix.lower() in _SUFFIXES and _columns(_head(file)) is not None), None
    )


def _head(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as stream:
            line = stream.readline(4096)
    except OSError:
        return []
    return [name.strip().strip('"') for name in line.replace(";", ",").replace("\t", ",").split(",")]


def _columns(head: list[str]) -> tuple[str, str, tuple[str, ...]] | None:
    """What the columns of file, class and box are called; None where one is missing."""
    file = next((name for name in _FILE if name in head), None)
    label = next((name for name in _CLASS if name in head), None)
    box = next((names for names in (*_SIZES, *_EDGES) if set(names) <= set(head)), None)
    return None if file is None or label is None or box is None else (file, label, box)


def _read(path: Path) -> LabelledData:
    table = _table(path)
    columns = _columns(_head(table)) if table is not None else None
    if table is None or columns is None:
        raise InputError("it is no table of boxes", path=path, remedy=_REMEDY)
    gathering, folder = Gathering(path, SPEC.id), DataFolder(table.parent)

    def parse(row: Row) -> tuple[str, str, Mark | None]:
        return row.text(columns[0]), row.values.get(_GROUP, ""), _mark(row, columns[1], columns[2])

    marks: dict[str, list[Mark]] = {}
    groups: dict[str, str] = {}
    for name, group, mark in parse_rows(
        table_text(table, "a table"), [*columns[:2], *columns[2]], parse, table, _REMEDY
    ):
        marks.setdefault(name, []).extend([mark] if mark else [])
        if groups.setdefault(name, group) != group:
            raise InputError(f"{name} is of two groups", path=table, remedy="Give each file one group.")
    for name, found in marks.items():
        picture = folder.find(name, table)
        if picture is None:
            gathering.missing(name)
        elif (size := gathering.size_of(picture)) is not None:
            gathering.add(picture, size, found, folder.side(picture), group=groups[name])
    return gathering.finish()


def _mark(row: Row, label: str, box: tuple[str, ...]) -> Mark | None:
    """None for a line that only names a file. Raises ValueError."""
    if not any(row.values.get(name) for name in (label, *box)):
        return None
    x, y, right, below = (number(row.number(name), name) for name in box)
    if box not in _SIZES:
        right, below = right - x, below - y
    if right < 0 or below < 0:
        raise ValueError(f"{', '.join(row.values[name] for name in box)} is not a box")
    return Mark(class_name(row.text(label)), Box(x, y, right, below))


SPEC = DataFormat(
    id="boxes",
    name="CSV of boxes",
    hint="a CSV with the columns file,class,x_px,y_px,w_px,h_px beside its images",
    rank=50,
    recognises=_recognises,
    read=_read,
)
