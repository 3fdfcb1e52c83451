"""Decides how a list is written for whoever sits at the SEM: fiducials first, then places to drive to, in their axes.

Which unit and which way the axes run differ from one stage software to the next, so they are settings.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import AXES, ORDER, Place, fiducial_places, places_of, said
from core.parameters import Parameter
from core.tables import harmless

COLUMNS = (
    "Name", "Kind", "X", "Y", "Error", "Diameter", "Score", "Severity", "Status", "Note", "Section", "Chemistry"
)  # fmt: skip
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_UNITS = {"X": "", "Y": "", "Error": "um", "Diameter": "um"}  # "": as chosen


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """Numbers have decimal commas where a semicolon stands between cells, as spreadsheets of those countries want them.

    Raises UsageError for a column there isn't.
    """
    places = fiducial_places(document) if values["fiducials"] else []
    places += places_of(document, values["order"])
    wanted, elements = _wanted(values["columns"]), _elements(places)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=_SEPARATORS[values["separator"]])
        writer.writerow([head for name in wanted for head in _heads(name, values["unit"], elements)])
        for place in places:
            known = _cells(place, values) | {"Chemistry": _amounts(place, elements)}
            cells = [cell for name in wanted for cell in (known[name] if name == "Chemistry" else [known[name]])]
            writer.writerow([_text(cell, values["separator"] == "semicolon") for cell in cells])


def _wanted(text: str) -> list[str]:
    """Columns named in any case, in the order wanted; none named: all."""
    known = {name.lower(): name for name in COLUMNS}
    asked = [part.strip().lower() for part in text.split(",") if part.strip()]
    missing = next((one for one in asked if one not in known), None)
    if missing is not None:
        raise UsageError(f"there is no column {missing!r}", remedy="Choose of " + ", ".join(COLUMNS) + ".")
    return [known[one] for one in asked] or list(COLUMNS)


def _elements(places: Sequence[Place]) -> list[tuple[str, str]]:
    """(symbol, unit) of all that was measured, sorted."""
    measured = [place.item.row["composition"] for place in places if place.item is not None]
    return sorted({(symbol, one["unit"]) for one in measured if one for symbol in one["elements"]})


def _heads(name: str, unit: str, elements: Sequence[tuple[str, str]]) -> list[str]:
    if name == "Chemistry":
        return [f"{symbol} ({one})" for symbol, one in elements]
    return [f"{name} ({_UNITS[name] or unit})" if name in _UNITS else name]


def _cells(place: Place, values: Mapping[str, Any]) -> dict[str, Any]:
    x, y = said(place, values)
    cells = dict.fromkeys(COLUMNS) | {"Name": place.name, "Kind": place.kind, "X": x, "Y": y, "Error": place.error_um}
    if place.item is None:
        return cells
    detection, row = place.item.detection, place.item.row
    size = None if row["area_um2"] is None else round(2 * math.sqrt(row["area_um2"] / math.pi), 2)
    return cells | {
        "Diameter": size,
        "Score": row["score"],
        "Severity": row["severity"],
        "Status": detection.status,
        "Note": detection.note,
        "Section": Path(row["section"]).name,
    }


def _amounts(place: Place, elements: Sequence[tuple[str, str]]) -> list[float | None]:
    found = place.item.row["composition"] if place.item is not None else None
    return [found["elements"].get(symbol) if found and found["unit"] == unit else None for symbol, unit in elements]


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
        Parameter("columns", str, "", f"which, apart by commas, in the order wanted; none: all of {', '.join(COLUMNS)}"),
        Parameter("separator", str, "comma", "between cells; a semicolon brings decimal commas", choices=tuple(_SEPARATORS)),
    ),
    names_sources=False,
)  # fmt: skip
