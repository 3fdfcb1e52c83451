"""Decides where camera tiles lie, from a CSV beside them or from their names alone.

A CSV (comma, semicolon or tab; decimal points, or commas where they don't separate; any usual encoding) has a header
and a line for each tile: `name` (or file, filename, tile, image) and `x`, `y`, the place of the same corner of each tile
(or of each middle: all tiles are of one size), x to the right, y down. The unit stands in the header: `x_px`, `x (µm)`,
`x_mm` …. The pixel size may stand in a column `pixel_size_um` or in a line `# pixel_size_um = 0.25` above the header.

Names that are understood, anywhere in the name and in either case:
`…_X0_Y0_X1_Y1` (both corners in px); `r01c02`, `row1_col2`, `c02_r01`; `x123_y456`, which are column and row where the
numbers reach no further than there are tiles, else px. Numbers that can be neither are refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from core.errors import InputError
from core.readers.scale import sane_size, to_um

ADD_CSV = "Put a CSV beside the tiles with a header name;x_px;y_px and a line for each tile."
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_TABLES = (".csv", ".tsv", ".txt")
_LARGEST_TABLE = 32 << 20
_LEAST_COVERED, _MOST_COVERED = 0.01, 6.0
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_CORNERS = re.compile(r"(?<!\d)(\d+)_(\d+)_(\d+)_(\d+)$")
_XY = re.compile(rf"(?<![a-z])x[ =_]?{_NUMBER}[^a-z0-9]{{0,2}}y[ =_]?{_NUMBER}", re.IGNORECASE)
_ROW_COLUMN = re.compile(r"(?<![a-z])r(?:ow)?[ =_-]?(\d+)[^a-z0-9]{0,2}c(?:ol(?:umn)?)?[ =_-]?(\d+)", re.IGNORECASE)
_COLUMN_ROW = re.compile(r"(?<![a-z])c(?:ol(?:umn)?)?[ =_-]?(\d+)[^a-z0-9]{0,2}r(?:ow)?[ =_-]?(\d+)", re.IGNORECASE)
_NAME_HEADS = {"name", "file", "filename", "file_name", "tile", "image", "picture", "datei", "dateiname", "bild"}
_PLACE_HEAD = re.compile(r"(?:pos(?:ition)?_?|stage_?)?([xy])(?:_?pos(?:ition)?)?(?:[_\s]*[\[(]?([a-zµμ]*)[\])]?)?")
_SIZE_LINE = re.compile(r"#\s*pixel_size_um\s*[=:;,\t]\s*([0-9.,]+)")
_PX = {"px", "pixel", "pixels"}


@dataclass(frozen=True, slots=True)
class Placed:
    """Tiles in drawing order with their places, in px or in steps of the grid (`in_steps`), from any origin."""

    files: tuple[Path, ...]
    places: tuple[tuple[float, float], ...]
    in_steps: bool = False
    pixel_size_um: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()


def pictures_in(folder: Path) -> list[Path]:
    """Files with a picture's suffix, by name; hidden ones don't count."""
    found = (file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    return sorted(file for file in found if file.is_file())


def _tables_in(folder: Path) -> list[Path]:
    """Files that may say where the tiles lie, by name."""
    found = (file for file in folder.iterdir() if file.suffix.lower() in _TABLES and not file.name.startswith("."))
    return sorted(file for file in found if file.is_file() and file.stat().st_size <= _LARGEST_TABLE)


def table_of_places(folder: Path) -> Path | None:
    """The first CSV in the folder that has the columns for it."""
    for table in _tables_in(folder):
        rows, _ = _rows(table)
        if rows and _columns(rows[0]) is not None:
            return table
    return None


def placed_by_table(
    folder: Path, pictures: Sequence[Path], own_pixel_size: Callable[[], tuple[float, float] | None]
) -> Placed | None:
    """By the table of places; None where there is none. `own_pixel_size`: what a tile says of itself.

    Raises InputError: a tile is missing, a number isn't one, µm without a pixel size.
    """
    table = table_of_places(folder)
    if table is None:
        return None
    rows, pixel_size = _rows(table)
    columns = _columns(rows[0])
    assert columns is not None
    return _from_rows(table, rows, columns, pictures, pixel_size, own_pixel_size)


def placed_by_names(folder: Path, pictures: Sequence[Path], size_px: tuple[int, int]) -> Placed:
    """By what the names say. Raises InputError where most say nothing, or two say the same."""
    for find in (_corners, _grid(_XY, False), _grid(_ROW_COLUMN, True), _grid(_COLUMN_ROW, False)):
        found = {file: place for file in pictures if (place := find(file.stem, size_px)) is not None}
        if len(found) > 1 and 2 * len(found) > len(pictures):
            return _from_names(folder, pictures, found, size_px, find is _corners)
    raise InputError(f"nothing says where its {len(pictures)} pictures lie", path=folder, remedy=ADD_CSV)


def _from_names(
    folder: Path,
    pictures: Sequence[Path],
    found: Mapping[Path, tuple[float, float]],
    size_px: tuple[int, int],
    in_px: bool,
) -> Placed:
    files = sorted(found, key=lambda file: (found[file][1], found[file][0]))
    for one, other in pairwise(files):
        if found[one] == found[other]:
            raise InputError(
                f"{one.name} and {other.name} claim the same place", path=folder, remedy="Keep one section in a folder."
            )
    places = tuple(found[file] for file in files)
    in_steps = not in_px and _are_steps(places)
    if not in_steps and not _is_plausible(places, size_px):
        raise InputError(
            "the numbers in its tiles' names are neither px nor rows and columns", path=folder, remedy=ADD_CSV
        )
    return Placed(tuple(files), places, in_steps, warnings=_left_out(len(pictures) - len(files)))


def _are_steps(places: Sequence[tuple[float, float]]) -> bool:
    """Whether the numbers count columns and rows: whole ones that reach no further than there are tiles."""
    is_whole = all(float(number).is_integer() for place in places for number in place)
    return is_whole and all(max(axis) - min(axis) < len(places) for axis in zip(*places, strict=True))


def _is_plausible(places: Sequence[tuple[float, float]], size_px: tuple[int, int]) -> bool:
    """Whether tiles at these px cover a fair part of the section, and that not many times over."""
    sides = [max(axis) - min(axis) + side for axis, side in zip(zip(*places, strict=True), size_px, strict=True)]
    covered = len(places) * size_px[0] * size_px[1] / (sides[0] * sides[1])
    return _LEAST_COVERED <= covered <= _MOST_COVERED


def _corners(stem: str, size_px: tuple[int, int]) -> tuple[float, float] | None:
    found = _CORNERS.search(stem)
    if found is None:
        return None
    x0, y0, x1, y1 = map(int, found.groups())
    return (x0, y0) if (x1 - x0, y1 - y0) == size_px else None


def _grid(pattern: re.Pattern[str], row_first: bool) -> Callable[[str, tuple[int, int]], tuple[float, float] | None]:
    def find(stem: str, size_px: tuple[int, int]) -> tuple[float, float] | None:
        found = pattern.search(stem)
        if found is None:
            return None
        first, second = map(float, found.groups())
        return (second, first) if row_first else (first, second)

    return find


def _rows(table: Path) -> tuple[list[list[str]], tuple[float, float] | None]:
    """The table's cells, header first, and a pixel size from a line above it."""
    text = _decoded(table.read_bytes())
    size = _SIZE_LINE.search(text)
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return [], None
    separator = max(";\t,", key=lines[0].count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    except csv.Error:  # some other kind of text
        return [], None
    if separator != ",":
        rows = [rows[0]] + [[cell.replace(",", ".") if _is_decimal(cell) else cell for cell in row] for row in rows[1:]]
    um = _float(size[1].replace(",", ".")) if size else None
    return rows, sane_size(um, um)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _is_decimal(cell: str) -> bool:
    return re.fullmatch(r"-?\d+,\d+(?:[eE][-+]?\d+)?", cell) is not None


def _columns(header: Iterable[str]) -> dict[str, tuple[int, str]] | None:
    """Which column holds `name`, `x`, `y` and perhaps `size`, with units; None where it's another kind of table."""
    columns: dict[str, tuple[int, str]] = {}
    for index, cell in enumerate(header):
        head = cell.strip().lower()
        place = _PLACE_HEAD.fullmatch(head)
        if head in _NAME_HEADS:
            columns.setdefault("name", (index, ""))
        elif head in ("pixel_size_um", "um_per_px", "µm/px", "um/px"):
            columns.setdefault("size", (index, "um"))
        elif place is not None and (not place[2] or place[2] in _PX or to_um(1.0, place[2]) is not None):
            columns.setdefault(place[1], (index, place[2] or ""))
    return columns if {"name", "x", "y"} <= columns.keys() else None


def _from_rows(
    table: Path,
    rows: Sequence[Sequence[str]],
    columns: Mapping[str, tuple[int, str]],
    pictures: Sequence[Path],
    pixel_size: tuple[float, float] | None,
    own_pixel_size: Callable[[], tuple[float, float] | None],
) -> Placed:
    if len(rows) == 1:
        raise InputError("it lists no tiles", path=table, remedy="Write a line for each tile, or take the table away.")
    by_name = {file.stem.lower(): file for file in pictures} | {file.name.lower(): file for file in pictures}
    names = [_cell(table, number, row, columns["name"][0]) for number, row in enumerate(rows[1:], 2)]
    bare = [re.split(r"[\\/]", name)[-1].lower() for name in names]
    missing = [name for name, key in zip(names, bare, strict=True) if key not in by_name]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} tiles are missing, the first is {missing[0]}",
            path=table,
            remedy="Copy the whole folder again, or take their lines out of the CSV.",
        )
    if len(set(bare)) < len(bare):
        twice = next(name for name in bare if bare.count(name) > 1)
        raise InputError(f"{twice} stands in it twice", path=table, remedy="Leave one line for each tile.")
    warnings = list(_left_out(len(pictures) - len(bare)))
    if "size" in columns:
        um = _number(table, 2, rows[1], columns["size"][0])
        pixel_size = sane_size(um, um) or pixel_size
    pixel_size = pixel_size or own_pixel_size()
    axes = []
    for axis, name in enumerate("xy"):
        index, unit = columns[name]
        values = [_number(table, number, row, index) for number, row in enumerate(rows[1:], 2)]
        if not unit:
            warnings.append(f"{table.name} gives no unit for {name}: taken as px.")
        axes.append([value / _unit_px(table, unit, pixel_size, axis) for value in values])
    places = tuple(zip(*axes, strict=True))
    return Placed(tuple(by_name[key] for key in bare), places, False, pixel_size, tuple(warnings))


def _unit_px(table: Path, unit: str, pixel_size: tuple[float, float] | None, axis: int) -> float:
    """What a px is in the table's unit."""
    if not unit or unit in _PX:
        return 1.0
    if pixel_size is None:
        raise InputError(
            f"its places are in {unit}, but nothing says how large a pixel is",
            path=table,
            remedy="Add a line at its top: # pixel_size_um = 0.25 (with your number).",
        )
    return pixel_size[axis] / (to_um(1.0, unit) or 1.0)


def _number(table: Path, line: int, row: Sequence[str], index: int) -> float:
    cell = _cell(table, line, row, index)
    value = _float(cell)
    if value is not None and abs(value) < 1e12:
        return value
    raise InputError(f"line {line}: '{cell}' is not a number", path=table, remedy="Correct that line.")


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _cell(table: Path, line: int, row: Sequence[str], index: int) -> str:
    if index >= len(row):
        raise InputError(f"line {line} is too short", path=table, remedy="Correct that line.")
    return row[index]


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} pictures in the folder have no place and were left out.",) if count > 0 else ()
