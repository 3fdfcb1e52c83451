"""Decides how places are written as a SerialEM Navigator file: stage points in µm, as its manual describes the format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import ORDER, Place, fiducial_places, places_of

_RED, _BLUE = 0, 2


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """Fiducials are registration points (RegPt), numbered from 1; each place can be driven to and acquired."""
    fiducials = fiducial_places(document)
    parts = ["AdocVersion = 2.00\n"]
    parts += [_item(place, _BLUE, {"RegPt": number}) for number, place in enumerate(fiducials, 1)]
    parts += [_item(place, _RED, {"Acquire": 1}) for place in places_of(document, values["order"])]
    path.write_text("\n".join(parts), encoding="utf-8")


def _item(place: Place, colour: int, more: Mapping[str, int]) -> str:
    x, y = f"{place.x_um:.3f}", f"{place.y_um:.3f}"
    note = place.kind if place.error_um is None else f"{place.kind}, within {place.error_um:.1f} um"
    lines = [
        f"[Item = {_line(place.name)}]", f"Color = {colour}", f"StageXYZ = {x} {y} 0", "NumPts = 1", "Regis = 1",
        "Type = 0", f"Note = {_line(note)}", f"PtsX = {x}", f"PtsY = {y}", *(f"{n} = {v}" for n, v in more.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("]", ")")


SPEC = ExporterSpec(
    id="serialem",
    name="SerialEM Navigator",
    suffix=".nav",
    help="Stage points in µm with fiducials as registration points; open it with Navigator ▸ Read File.",
    write=write,
    purpose="drive",
    frames=("stage", "sem"),
    parameters=(ORDER,),
    names_sources=False,
)
