"""Decides how drawings are written: as a CSV list with every measure, or as GeoJSON that QuPath opens on the same image.

GeoJSON terms are QuPath's, as in `core.export.geojson`; coordinates are full-resolution px.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from core.class_colours import class_hex, colour_of
from core.classes import ClassTable
from core.disk import keep_off, written_whole
from core.drawing import Drawing, kind_name
from core.errors import UsageError
from core.measure import measure
from core.project import SectionRecord

COLUMNS = (
    "id", "section", "kind", "name", "class", "note", "x_px", "y_px", "w_px", "h_px", "length_px", "length_um",
    "angle_deg", "area_px2", "area_um2", "perimeter_px", "perimeter_um", "width_px", "stage_x_um", "stage_y_um",
    "author", "created", "points_px",
)  # fmt: skip
_AS_SAID = ClassTable()
_Rows = list[tuple[Drawing, dict[str, Any]]]
_MEASUREMENTS = ("length_px", "length_um", "angle_deg", "area_px2", "area_um2", "perimeter_px", "perimeter_um")


def export_drawings(
    drawings: Sequence[Drawing], section: SectionRecord, out: str | Path, classes: ClassTable = _AS_SAID
) -> int:
    """Writes drawings of a section in the format that the suffix says, .csv or .geojson; returns how many.

    `classes`: what classes are called now, and in which colours.
    Raises UsageError for another suffix, InputError for a place inside the section, ResourceError where it can't be written (what was there before still is).
    """
    out = Path(out)
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise UsageError(f"drawings can't be written as {out.suffix or 'that'}", remedy="Choose .csv or .geojson.")
    keep_off(section.path, out)
    called = [replace(one, label=classes.shown(one.label)) for one in drawings]
    with written_whole(out) as temporary:
        write([(one, row(one, section)) for one in called], temporary, classes)
    return len(drawings)


def row(drawing: Drawing, section: SectionRecord) -> dict[str, Any]:
    """What is known of a drawing, by `COLUMNS`; None where there is no such thing. Places in µm are box centres."""
    found = measure(drawing, section.pixel_size_um)
    stage = section.stage.to_stage(*found.box.center) or (None, None)
    return {
        "id": drawing.id,
        "section": str(section.path),
        "kind": kind_name(drawing).lower(),
        "name": drawing.name,
        "class": drawing.label,
        "note": drawing.note,
        "x_px": _rounded(found.box.x, 2),
        "y_px": _rounded(found.box.y, 2),
        "w_px": _rounded(found.box.w, 2),
        "h_px": _rounded(found.box.h, 2),
        "length_px": _rounded(found.length_px, 3),
        "length_um": _rounded(found.length_um, 4),
        "angle_deg": _rounded(found.angle_deg, 3),
        "area_px2": _rounded(found.area_px, 2),
        "area_um2": _rounded(found.area_um2, 4),
        "perimeter_px": _rounded(found.perimeter_px, 3),
        "perimeter_um": _rounded(found.perimeter_um, 4),
        "width_px": drawing.width_px if drawing.kind == "profile" else None,
        "stage_x_um": _rounded(stage[0], 3),
        "stage_y_um": _rounded(stage[1], 3),
        "author": drawing.author,
        "created": drawing.created,
        "points_px": "; ".join(f"{x:.2f} {y:.2f}" for x, y in drawing.points),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _write_csv(rows: _Rows, path: Path, classes: ClassTable) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(["" if listed[name] is None else listed[name] for name in COLUMNS] for _, listed in rows)


def _write_geojson(rows: _Rows, path: Path, classes: ClassTable) -> None:
    colours = class_hex(sorted({drawing.label for drawing, _ in rows if drawing.label}), classes.colours)
    document = {"type": "FeatureCollection", "features": [_feature(*one, colours) for one in rows]}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def _feature(drawing: Drawing, listed: dict[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": drawing.name or f"{kind_name(drawing)} {drawing.id}",
        "metadata": {"kind": listed["kind"], "note": drawing.note, "author": drawing.author},
        "measurements": {name: listed[name] for name in _MEASUREMENTS if listed[name] is not None},
    }
    if drawing.label:
        properties["classification"] = {"name": drawing.label, "color": list(colour_of(colours[drawing.label]))}
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{listed['section']}#drawing#{drawing.id}")),
        "geometry": _geometry(drawing),
        "properties": properties,
    }


def _geometry(drawing: Drawing) -> dict[str, Any]:
    points = [[round(x, 2), round(y, 2)] for x, y in drawing.outline]
    if drawing.kind == "point":
        return {"type": "Point", "coordinates": points[0]}
    if drawing.is_closed:
        return {"type": "Polygon", "coordinates": [[*points, points[0]]]}
    return {"type": "LineString", "coordinates": points}


_WRITERS: dict[str, Callable[[_Rows, Path, ClassTable], None]] = {
    ".csv": _write_csv,
    ".geojson": _write_geojson,
}
