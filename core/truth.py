"""Decides how a truth is read: the CSV beside a sample, or a manual inspection written in the same columns."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.geometry import Box

SUFFIX = ".truth.csv"
COLUMNS = ("class", "x_px", "y_px", "w_px", "h_px")
# Traces of preparation are marked so that they can be told apart; they are no defects.
ARTEFACT_CLASSES = frozenset({"preparation_artefact"})

_MAX_BYTES = 64 << 20
_REMEDY = "It needs the columns " + ",".join(COLUMNS) + " with boxes in level-0 px."


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One marked place: its class and its box in level-0 px."""

    label: str
    box: Box

    @property
    def is_artefact(self) -> bool:
        return self.label in ARTEFACT_CLASSES


def truth_beside(section: Path) -> Path:
    """Where the truth of a section file is looked for: `s.czi` → `s.truth.csv`, `s.ome.tif` → `s.truth.csv`."""
    stem = section.name
    for suffix in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if stem.lower().endswith(suffix):
            return section.with_name(stem[: -len(suffix)] + SUFFIX)
    return section.with_name(section.stem + SUFFIX)


def read_truth(path: Path) -> list[TruthBox]:
    """Every row of a truth CSV; columns beyond `COLUMNS` don't matter.

    Raises InputError naming the line when the file is missing, no CSV, or holds a row that is no box.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("a truth of more than 64 MB", path=path, remedy="Is this the right file?")
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(csv.DictReader(file), path)
    except FileNotFoundError:
        raise InputError("there is no such file", path=path, remedy="Check the name.") from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy=_REMEDY) from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError("it is not a CSV text file", path=path, remedy=_REMEDY) from None


def _rows(reader: csv.DictReader[str], path: Path) -> list[TruthBox]:
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"line 1: no column {missing[0]!r}", path=path, remedy=_REMEDY)
    found = []
    for row in reader:
        try:
            found.append(_box_of(row))
        except ValueError as error:
            raise InputError(f"line {reader.line_num}: {error}", path=path, remedy=_REMEDY) from None
    return found


def _box_of(row: dict[str, str | None]) -> TruthBox:
    label = (row["class"] or "").strip()
    if not label:
        raise ValueError("the class is empty")
    values = []
    for name in COLUMNS[1:]:
        try:
            values.append(float(row[name] or ""))
        except ValueError:
            raise ValueError(f"{name} is {row[name]!r}, not a number") from None
    x, y, w, h = values
    if not all(math.isfinite(v) for v in values) or w <= 0 or h <= 0:
        raise ValueError(f"{x:g},{y:g},{w:g},{h:g} is not a box")
    return TruthBox(label, Box(x, y, w, h))
