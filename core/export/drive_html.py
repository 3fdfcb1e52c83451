"""Decides how the printed drive list is written as HTML: a row for each stop, the path over a small overview above."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.captions import heading
from core.export.document import ExportDocument
from core.export.drive_sheet import COLUMNS, DRIVING, EXPLAINED, FRAME_WORDS, Stop, sheets
from core.export.html_page import picture, row, write_html
from core.export.marked import cut_out

_CROP_PX = 144


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    write_html(path, f"Drive list: {heading(document)}", document, _parts(document, values))


def _parts(document: ExportDocument, values: Mapping[str, Any]) -> Iterator[str]:
    yield f'<p class="muted">Places on {FRAME_WORDS[document.frame]}, in {values["unit"].replace("um", "µm")}</p>'
    for sheet in sheets(document, values):
        yield f"<h2>{escape(sheet.section.name)}: {sheet.summary}</h2>"
        yield picture(sheet.overview, f"Path through {len(sheet.stops)} stops")
        if sheet.fiducials:
            found = "".join(row(map(escape, one)) for one in sheet.fiducials)
            yield f"<h2>Fiducials</h2><table>{row(('Name', 'X', 'Y'), 'th')}{found}</table>"
        yield f'<h2>Stops</h2><div class="wide"><table><thead>{row(COLUMNS, "th")}</thead><tbody>'
        for stop in document.pictures.watched(sheet.stops, len(sheet.stops), "Cutting out the detections"):
            yield _row(document, stop)
        yield "</tbody></table></div>"
    if document.frame == "sem":
        yield f'<p class="muted">{escape(EXPLAINED)}</p>'


def _row(document: ExportDocument, stop: Stop) -> str:
    told = "<br/>".join(escape(text) for text in (stop.name, *stop.remarks))
    numbers = (stop.x, stop.y, stop.error, stop.field, stop.size)
    return row(
        (
            str(stop.number),
            picture(cut_out(document, stop.item, _CROP_PX), stop.name),
            told,
            *numbers,
            '<span class="tick"></span>',
        )
    )


SPEC = ExporterSpec(
    id="drive-html",
    name="Printed drive list (HTML)",
    suffix=".html",
    help="Stops in the order of the shortest drive with crops, coordinates and predicted error, the path over an overview.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=DRIVING,
)
