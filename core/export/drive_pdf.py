"""Decides how the printed drive list is written as a PDF: the path over an overview first, then a row for each stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.export.base import ExporterSpec
from core.export.captions import heading
from core.export.choosing import PAPER
from core.export.document import ExportDocument
from core.export.drive_sheet import COLUMNS, DRIVING, EXPLAINED, FRAME_WORDS, DriveSheet, Stop, sheets
from core.export.marked import cut_out
from core.export.painting import MUTED

if TYPE_CHECKING:
    from core.export.pdf_pages import Pages

_CROP, _ROW = 62.0, 70.0  # points
_CROP_PX = 160
_OVERVIEW_SHARE = 0.55  # of the page's height at most
# Where the columns end (numbers) or begin (texts), by shares of the page's width.
_PLACES = (0.0, 0.055, 0.19, 0.5, 0.615, 0.705, 0.79, 0.925, 1.0)
_TEXTS = (0, 1, 2)


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    from core.export.pdf_pages import MARGIN, Pages

    pages = Pages(path, document, f"Drive list: {heading(document)}", values["paper"])
    unit = values["unit"].replace("um", "µm")
    pages.text(MARGIN, pages.y, f"Places on {FRAME_WORDS[document.frame]}, in {unit}", 9, MUTED)
    pages.y += 18
    for number, sheet in enumerate(sheets(document, values)):
        if number:
            pages.need(pages.height)
        _overview(pages, sheet)
        _fiducials(pages, sheet)
        _stops(pages, document, sheet)
    if document.frame == "sem":
        pages.need(40)
        pages.y = pages.wrapped(MARGIN, pages.y + 8, EXPLAINED, pages.inner_width, 8, MUTED)
    pages.finish()


def _overview(pages: Pages, sheet: DriveSheet) -> None:
    from core.export.pdf_pages import MARGIN

    pages.text(MARGIN, pages.y, f"{sheet.section.name}: {sheet.summary}", 10, width=pages.inner_width)
    pages.y += 20
    rows, columns = sheet.overview.shape[:2]
    width = min(pages.inner_width, _OVERVIEW_SHARE * pages.height * columns / rows)
    pages.y += pages.picture(MARGIN + (pages.inner_width - width) / 2, pages.y, width, sheet.overview) + 16


def _fiducials(pages: Pages, sheet: DriveSheet) -> None:
    from core.export.pdf_pages import MARGIN

    if not sheet.fiducials:
        return
    pages.need(18 + 13 * len(sheet.fiducials[:20]))
    pages.text(MARGIN, pages.y, "Fiducials", 8, MUTED)
    pages.right(MARGIN + 160, pages.y, "X", 8, MUTED)
    pages.right(MARGIN + 250, pages.y, "Y", 8, MUTED)
    pages.y += 13
    for name, x, y in sheet.fiducials:
        pages.need(13)
        pages.text(MARGIN, pages.y, name, 9, width=90)
        pages.right(MARGIN + 160, pages.y, x)
        pages.right(MARGIN + 250, pages.y, y)
        pages.y += 13
    pages.y += 12


def _stops(pages: Pages, document: ExportDocument, sheet: DriveSheet) -> None:
    pages.need(20 + _ROW)
    _head(pages)
    for stop in document.pictures.watched(sheet.stops, len(sheet.stops), "Cutting out the detections"):
        if pages.need(_ROW):
            _head(pages)
        _stop(pages, document, stop)


def _head(pages: Pages) -> None:
    _cells(pages, COLUMNS, pages.y, 8)
    pages.y += 14
    pages.rule(pages.y)
    pages.y += 4


def _stop(pages: Pages, document: ExportDocument, stop: Stop) -> None:
    from core.export.pdf_pages import MARGIN

    _cells(pages, (str(stop.number), "", stop.name, stop.x, stop.y, stop.error, stop.field, stop.size), pages.y + 4, 9)
    pages.picture(MARGIN + _PLACES[1] * pages.inner_width, pages.y, _CROP, cut_out(document, stop.item, _CROP_PX))
    x, y = MARGIN + _PLACES[2] * pages.inner_width, pages.y + 20
    width = (_PLACES[-2] - _PLACES[2]) * pages.inner_width
    for text in stop.remarks:
        pages.text(x, y, text, 7.5, MUTED, width=width)
        y += 11
    pages.tick_box(MARGIN + pages.inner_width - 12, pages.y + 3, 12)
    pages.y += _ROW - 4
    pages.rule(pages.y)
    pages.y += 4


def _cells(pages: Pages, texts: tuple[str, ...], y: float, size: float) -> None:
    from core.export.pdf_pages import INK, MARGIN

    colour = MUTED if texts == COLUMNS else INK
    for column, text in enumerate(texts):
        x = MARGIN + _PLACES[column] * pages.inner_width
        if column in _TEXTS:
            pages.text(x, y, text, size, colour, width=0.2 * pages.inner_width)
        else:
            pages.right(x, y, text, size, colour)


SPEC = ExporterSpec(
    id="drive-pdf",
    name="Printed drive list (PDF)",
    suffix=".pdf",
    help="Stops in the order of the shortest drive with crops, coordinates and predicted error, the path over an overview.",
    write=write,
    purpose="drive",
    frames=("pixel", "stage", "sem"),
    parameters=(*DRIVING, PAPER),
)
