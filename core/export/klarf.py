"""Decides how detections are written as KLARF 1.2, which inspection and review tools for wafers exchange.

As public files have it: keywords, each record ended by ";", lengths in µm, areas in µm², y up. A section is one die: in
the pixel frame XREL and YREL count from the section's lower-left corner; in the others they are the stage's own
coordinates. The specification itself isn't public, and tools differ in what they want, so try a small list first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.document import ExportDocument
from core.export.driving import Place, extent_um, only_section, places_of
from core.parameters import Parameter

_COLUMNS = ("DEFECTID", "XREL", "YREL", "XINDEX", "YINDEX", "XSIZE", "YSIZE", "DEFECTAREA", "DSIZE", "CLASSNUMBER",
            "TEST", "CLUSTERNUMBER", "ROUGHBINNUMBER", "FINEBINNUMBER", "REVIEWSAMPLE", "IMAGECOUNT", "IMAGELIST")  # fmt: skip


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    section_id = only_section(document, "a KLARF file")
    places = places_of(document)
    width, height = (1.0, 1.0) if section_id is None else extent_um(document, section_id)
    name = "none" if section_id is None else document.sections[section_id].name
    labels = sorted({place.kind for place in places})
    now = datetime.now().strftime("%m-%d-%y %H:%M:%S")
    own = document.frame == "pixel"
    lines = [
        "FileVersion 1 2;",
        f"FileTimestamp {now};",
        f'InspectionStationID "Schliff" "{document.provenance["schliff"]}" "{_plain(values["station"])}";',
        "SampleType WAFER;",
        f"ResultTimestamp {now};",
        f'LotID "{_plain(values["lot"])}";',
        f"SampleSize 1 {math.ceil(math.hypot(width, height) / 1000)};",
        f'DeviceID "{_plain(name)}";',
        f'SetupID "{_plain(" ".join(document.models) or "none")}" {now};',
        f'StepID "{_plain(values["step"])}";',
        "SampleOrientationMarkType NOTCH;",
        "OrientationMarkLocation DOWN;",
        f"DiePitch {_real(width)} {_real(height)};",
        "DieOrigin 0.0000000000e+00 0.0000000000e+00;",
        f'WaferID "{_plain(name)}";',
        "Slot 1;",
        f"SampleCenterLocation {_real(width / 2 if own else 0)} {_real(height / 2 if own else 0)};",
        f"ClassLookup {len(labels) + 1}",
        *_ended([' 0 "unclassified"', *(f' {n} "{_plain(label)}"' for n, label in enumerate(labels, 1))]),
        "InspectionTest 1;",
        "SampleTestPlan 1",
        " 0 0;",
        f"AreaPerTest {_real(width * height)};",
        f"DefectRecordSpec {len(_COLUMNS)} {' '.join(_COLUMNS)} ;",
        *_defects(places, labels, height if own else None),
        "SummarySpec 5 TESTNO NDEFECT DEFDENSITY NDIE NDEFDIE ;",
        "SummaryList",
        f" 1 {len(places)} {_real(len(places) / (width * height / 1e8))} 1 {int(bool(places))};",
        "EndOfFile;",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _defects(places: Sequence[Place], labels: Sequence[str], height_um: float | None) -> list[str]:
    """`height_um`: of the section where places count from its top, which KLARF counts from below; None: y runs up already."""
    if not places:
        return ["DefectList;"]
    rows = []
    for place in places:
        assert place.item is not None
        detection, area = place.item.detection, place.item.row["area_um2"] or 0.0
        box, share = detection.box, math.sqrt(area / detection.area_px) if detection.area_px else 0.0
        y = place.y_um if height_um is None else height_um - place.y_um
        sizes = f"{_real(box.w * share)} {_real(box.h * share)} {_real(area)} {_real(max(box.w, box.h) * share)}"
        number = labels.index(place.kind) + 1
        rows.append(f" {detection.id} {_real(place.x_um)} {_real(y)} 0 0 {sizes} {number} 1 0 {number} 0 0 0 0")
    return ["DefectList", *_ended(rows)]


def _ended(lines: Sequence[str]) -> list[str]:
    return [*lines[:-1], lines[-1] + ";"]


def _real(value: float) -> str:
    return f"{value:.10e}"


def _plain(text: str) -> str:
    """What may stand between quotes: KLARF is ASCII and knows no escapes."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '";' else "_" for c in text)


SPEC = ExporterSpec(
    id="klarf",
    name="KLARF 1.2",
    suffix=".klarf",
    help="For review tools that come from wafer inspection: µm, y up, from the section's lower-left corner.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=(
        Parameter("lot", str, "Schliff", "LotID"),
        Parameter("step", str, "section", "StepID"),
        Parameter("station", str, "1", "the station's third name"),
    ),
    names_sources=False,
)
