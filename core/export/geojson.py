"""Decides how detections are written for QuPath: a GeoJSON FeatureCollection in full-resolution px.

Terms as QuPath exports and imports them (its documentation, "Exporting annotations"): `objectType`, `classification`
with name and colour, `measurements`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from core.class_colours import Colour, colour_of
from core.export.base import ExporterSpec
from core.export.document import ExportDocument, ExportItem
from core.export.driving import only_section
from core.geometry import Box
from core.outlines import Outline

_MEASUREMENTS = ("score", "severity", "area_um2", "stage_x_um", "stage_y_um")


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    """Raises InputError for several sections: QuPath would lay them all over the image that is open."""
    only_section(document, "a GeoJSON file")
    colours = document.hex_colours()
    features = [_feature(item, colour_of(colours[item.detection.label])) for item in document.items]
    told = {"type": "FeatureCollection", "features": features, "provenance": document.provenance}
    path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _feature(item: ExportItem, colour: Colour) -> dict[str, Any]:
    detection, row = item.detection, item.row
    return {
        "type": "Feature",
        "id": str(uuid5(NAMESPACE_URL, f"{row['section']}#{row['scan_id']}#{row['id']}")),
        "geometry": {"type": "Polygon", "coordinates": [_ring(detection.outline or _corners(detection.box))]},
        "properties": {
            "objectType": "annotation",
            "name": f"{row['id']} {detection.label}",
            "classification": {"name": detection.label, "color": list(colour)},
            "metadata": {"status": detection.status, "model": detection.model, "scan": detection.scan_id},
            "measurements": {name: row[name] for name in _MEASUREMENTS if row[name] is not None} | _amounts(row),
        },
    }


def _amounts(row: dict[str, Any]) -> dict[str, float]:
    """By element, as "Zr (at%)"."""
    found = row["composition"] or {"elements": {}}
    return {f"{symbol} ({found['unit']})": amount for symbol, amount in found["elements"].items()}


def _corners(box: Box) -> Outline:
    return ((box.x, box.y), (box.x1, box.y), (box.x1, box.y1), (box.x, box.y1))


def _ring(outline: Outline) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in (*outline, outline[0])]


SPEC = ExporterSpec(
    id="geojson",
    name="GeoJSON for QuPath",
    suffix=".geojson",
    help="Boxes, or outlines where there are any, with class and measurements in full-resolution px; drag it onto the same image in QuPath.",
    write=write,
    purpose="exchange",
)
