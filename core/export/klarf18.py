"""Decides how detections are written as KLARF 1.8: nested records with typed columns, whole nanometres, areas in nm².

As public files have it (jklarfreader, klarfio); the specification itself isn't public, so try a small list first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.wafer import WAFER, Wafer, extent_of, quoted, wafer_of

_NM = 1000  # to the µm
_COLUMNS = (
    "int32 DEFECTID, int32 XREL, int32 YREL, int32 XINDEX, int32 YINDEX, int32 XSIZE, int32 YSIZE, float DEFECTAREA, "
    "int32 DSIZE, int32 CLASSNUMBER, int32 TEST, int32 ROUGHBINNUMBER, int32 FINEBINNUMBER"
)
_SUMMARY = "int32 TESTNO, int32 NDEFECT, float DEFDENSITY, int32 NDIE, int32 NDEFDIE"


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    wafer = wafer_of(document, values, "a KLARF file")
    lines = [
        *_record("FileRecord", "1.8", [*_lot(wafer), _field("FileTimestamp", wafer.date, wafer.time)]),
        "EndOfFile;",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _lot(wafer: Wafer) -> Iterator[str]:
    classes = [f'{n} {quoted(one)} "" ;' for n, one in enumerate(("unclassified", *wafer.classes))]
    yield from _record(
        "LotRecord",
        wafer.lot,
        [
            *_record("WaferRecord", wafer.name, _wafer(wafer)),
            _field("DeviceID", wafer.name),
            _field("DiePitch", _nm(wafer.width_um), _nm(wafer.height_um)),
            _field("InspectionStationID", *wafer.station),
            _field("OrientationMarkLocation", 0),
            _field("RecipeID", wafer.models, wafer.date, wafer.time),
            _field("ResultTimestamp", wafer.date, wafer.time),
            _field("SampleOrientationMarkType", "NOTCH"),
            _field("SampleSize", math.ceil(wafer.diameter_um / 1000) * 1000 * _NM, 0),
            _field("SampleType", "WAFER"),
            _field("StepID", wafer.step),
            *_list("ClassLookupList", "int32 CLASSNUMBER, string CLASSNAME, string CLASSCODE", classes),
        ],
    )


def _wafer(wafer: Wafer) -> Iterator[str]:
    area, count = wafer.width_um * wafer.height_um, len(wafer.places)
    summary = f"1 {count} {count / (area / 1e8):.6e} 1 {int(bool(count))} ;"
    yield _field("DieOrigin", 0, 0)
    yield _field("SampleCenterLocation", *map(_nm, wafer.centre_um))
    yield _field("SlotNumber", 1)
    yield from _list("DefectList", _COLUMNS, list(_defects(wafer)))
    plan = _list("SampleTestPlanList", "int32 XINDEX, int32 YINDEX", ["0 0 ;"])
    yield from _record("TestRecord", "1", [_field("AreaPerTest", area * _NM**2), *plan])
    yield from _record("SummaryRecord", "", _list("TestSummaryList", _SUMMARY, [summary]))


def _defects(wafer: Wafer) -> Iterator[str]:
    for place in wafer.places:
        x, y = map(_nm, wafer.at_um(place))
        width, height, area = extent_of(place)
        sizes = f"{_nm(width)} {_nm(height)} {area * _NM**2:.1f} {_nm(max(width, height))}"
        number = wafer.number(place)
        yield f"{place.name} {x} {y} 0 0 {sizes} {number} 1 {number} 0 ;"


def _record(kind: str, name: str, inside: Iterable[str]) -> Iterator[str]:
    yield f'Record {kind} "{name}"' if name else f"Record {kind}"
    yield "{"
    yield from (f"  {line}" for line in inside)
    yield "}"


def _field(name: str, *values: str | int | float) -> str:
    told = (
        f'"{one}"' if isinstance(one, str) else str(one) if isinstance(one, int) else f"{one:.6e}" for one in values
    )
    return f"Field {name} {len(values)} {{{', '.join(told)}}}"


def _list(name: str, columns: str, rows: list[str]) -> Iterator[str]:
    yield f"List {name}"
    yield "{"
    yield f"  Columns {columns.count(',') + 1} {{ {columns} }}"
    yield f"  Data {len(rows)}"
    yield "  {"
    yield from (f"    {row}" for row in rows)
    yield "  }"
    yield "}"


def _nm(um: float) -> int:
    return round(um * _NM)


SPEC = ExporterSpec(
    id="klarf18",
    name="KLARF 1.8",
    suffix=".klarf",
    help="As KLARF 1.2, in the newer form with typed columns and whole nanometres.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=WAFER,
    names_sources=False,
)
