"""Decides how a truth is read: the CSV beside a sample, or a manual inspection written in the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.geometry import Box
from core.tables import Row, parse_rows, table_text

SUFFIX = ".truth.csv"
COLUMNS = ("class", "x_px", "y_px", "w_px", "h_px")
# Traces of preparation are marked so that they can be told apart; they are no defects.
ARTEFACT_CLASSES = frozenset({"preparation_artefact"})
# What people call the class of what has no defect.
NO_DEFECT_NAMES = ("no_defect", "no defect", "normal", "good", "ok", "none", "free", "defect_free", "functional")
# What models say that know no classes.
NO_CLASSES = frozenset({"anomaly"})

_REMEDY = "It needs the columns " + ",".join(COLUMNS) + " with boxes in level-0 px."


@dataclass(frozen=True, slots=True)
class TruthBox:
    """One marked place: its class and its box in level-0 px."""

    label: str
    box: Box

    @property
    def is_artefact(self) -> bool:
        return self.label in ARTEFACT_CLASSES


def is_no_defect(name: str) -> bool:
    """Whether a class is called as people call what has no defect."""
    return name.strip().casefold() in NO_DEFECT_NAMES


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
    return parse_rows(table_text(path, "a truth"), COLUMNS, _box_of, path, _REMEDY)


def _box_of(row: Row) -> TruthBox:
    x, y, w, h = map(row.number, COLUMNS[1:])
    if w <= 0 or h <= 0:
        raise ValueError(f"{x:g},{y:g},{w:g},{h:g} is not a box")
    return TruthBox(row.text("class"), Box(x, y, w, h))
