"""Decides how detections are written as KLARF 1.2, which inspection and review tools for wafers exchange.

As public files have it: keywords, each record ended by ";", lengths in µm, areas in µm². The specification itself isn't
public, and tools differ in what they want, so try a small list first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.wafer import WAFER, Wafer, extent_of, quoted, wafer_of

_COLUMNS = ("DEFECTID", "XREL", "YREL", "XINDEX", "YINDEX", "XSIZE", "YSIZE", "DEFECTAREA", "DSIZE", "CLASSNUMBER",
            "TEST", "CLUSTERNUMBER", "ROUGHBINNUMBER", "FINEBINNUMBER", "REVIEWSAMPLE", "IMAGECOUNT", "IMAGELIST")  # fmt: skip


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    wafer = wafer_of(document, values, "a KLARF file")
    path.write_text("\n".join(_lines(wafer)) + "\n", encoding="ascii")


def _lines(wafer: Wafer) -> Iterator[str]:
    now = f"{wafer.date[:-4]}{wafer.date[-2:]} {wafer.time}"
    area, count = wafer.width_um * wafer.height_um, len(wafer.places)
    yield "FileVersion 1 2;"
    yield f"FileTimestamp {now};"
    yield f"InspectionStationID {' '.join(quoted(name) for name in wafer.station)};"
    yield "SampleType WAFER;"
    yield f"ResultTimestamp {now};"
    yield f'LotID "{wafer.lot}";'
    yield f"SampleSize 1 {math.ceil(wafer.diameter_um / 1000)};"
    yield f'DeviceID "{wafer.name}";'
    yield f'SetupID "{wafer.models}" {now};'
    yield f'StepID "{wafer.step}";'
    yield "SampleOrientationMarkType NOTCH;"
    yield "OrientationMarkLocation DOWN;"
    yield f"DiePitch {_reals(wafer.width_um, wafer.height_um)};"
    yield f"DieOrigin {_reals(0, 0)};"
    yield f'WaferID "{wafer.name}";'
    yield "Slot 1;"
    yield f"SampleCenterLocation {_reals(*wafer.centre_um)};"
    yield f"ClassLookup {len(wafer.classes) + 1}"
    yield from _ended([' 0 "unclassified"', *(f" {n} {quoted(one)}" for n, one in enumerate(wafer.classes, 1))])
    yield "InspectionTest 1;"
    yield "SampleTestPlan 1"
    yield " 0 0;"
    yield f"AreaPerTest {_reals(area)};"
    yield f"DefectRecordSpec {len(_COLUMNS)} {' '.join(_COLUMNS)} ;"
    yield from _ended(["DefectList", *_defects(wafer)])
    yield "SummarySpec 5 TESTNO NDEFECT DEFDENSITY NDIE NDEFDIE ;"
    yield "SummaryList"
    yield f" 1 {count} {_reals(count / (area / 1e8))} 1 {int(bool(count))};"
    yield "EndOfFile;"


def _defects(wafer: Wafer) -> Iterator[str]:
    for place in wafer.places:
        width, height, area = extent_of(place)
        sizes, number = _reals(width, height, area, max(width, height)), wafer.number(place)
        yield f" {place.name} {_reals(*wafer.at_um(place))} 0 0 {sizes} {number} 1 0 {number} 0 0 0 0"


def _ended(lines: Sequence[str]) -> list[str]:
    return [*lines[:-1], lines[-1] + ";"]


def _reals(*values: float) -> str:
    return " ".join(f"{value:.10e}" for value in values)


SPEC = ExporterSpec(
    id="klarf",
    name="KLARF 1.2",
    suffix=".klarf",
    help="For review tools that come from wafer inspection: µm, y up, from the section's lower-left corner.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=WAFER,
    names_sources=False,
)
