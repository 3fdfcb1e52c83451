"""Decides how a list is written for whoever sits at the SEM: fiducials first, then places to drive to, in their axes.

Which unit and which way the axes run differ from one stage software to the next, so they are settings.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import AXES, ORDER, Place, fiducial_places, places_of, said
from core.parameters import Parameter
from core.tables import harmless

_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """Numbers have decimal commas where a semicolon stands between cells, as spreadsheets of those countries want them."""
    places = fiducial_places(document) if values["fiducials"] else []
    places += places_of(document, values["order"])
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=_SEPARATORS[values["separator"]])
        for cells in ([*_head(values["unit"])], *(_cells(place, values) for place in places)):
            writer.writerow([_text(cell, values["separator"] == "semicolon") for cell in cells])


def _head(unit: str) -> tuple[str, ...]:
    where = (f"X ({unit})", f"Y ({unit})", "Error (um)")
    return ("Name", "Kind", *where, "Diameter (um)", "Score", "Severity", "Status", "Note", "Section")


def _cells(place: Place, values: Mapping[str, Any]) -> list[Any]:
    where = [place.name, place.kind, *said(place, values), place.error_um]
    if place.item is None:
        return [*where, None, None, None, None, None, None]
    detection, row = place.item.detection, place.item.row
    size = None if row["area_um2"] is None else round(2 * math.sqrt(row["area_um2"] / math.pi), 2)
    section = Path(row["section"]).name
    return [*where, size, row["score"], row["severity"], detection.status, detection.note, section]


def _text(cell: Any, decimal_commas: bool) -> str | float:
    if cell is None:
        return ""
    if decimal_commas and isinstance(cell, float):
        return str(cell).replace(".", ",")
    return harmless(cell)


SPEC = ExporterSpec(
    id="operator-csv",
    name="Drive list for the SEM (CSV)",
    suffix=".csv",
    help="Fiducials first, then every place in the order of the shortest drive, in mm or µm and with the stage's axes.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=(
        *AXES,
        Parameter("fiducials", bool, True, "the fiducials as first rows, to find and check them"),
        ORDER,
        Parameter("separator", str, "comma", "between cells; a semicolon brings decimal commas", choices=tuple(_SEPARATORS)),
    ),
    names_sources=False,
)  # fmt: skip
