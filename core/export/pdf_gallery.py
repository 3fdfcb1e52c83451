"""Decides how the gallery is written as a PDF: a contact sheet of crops with their facts below, worst first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.class_colours import Colour
from core.export.base import ExporterSpec
from core.export.captions import Caption, caption, heading
from core.export.choosing import PAPER, chosen_items, count_text, jpeg_bytes, most
from core.export.document import ExportDocument, ExportItem
from core.export.marked import colours_of, cut_out
from core.parameters import Parameter

if TYPE_CHECKING:
    from core.export.pdf_pages import Pages

_GAP = 12.0
_TITLE, _FACT = 8.0, 6.5
_PX_PER_POINT = 2.5  # 180 px to the inch


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    from core.export.pdf_pages import MARGIN, MUTED, Pages, columns

    chosen = chosen_items(document, values)
    pages, colours = Pages(path, document, heading(document), values["paper"]), colours_of(document)
    pages.text(MARGIN, pages.y, count_text(document, len(chosen)), 9, MUTED)
    pages.y += 20
    across, width = columns(pages.inner_width, values["crop_mm"] / 25.4 * 72, _GAP)
    starts = range(0, len(chosen), across)
    for first in document.pictures.watched(starts, len(starts), "Cutting out the detections"):
        _row(pages, document, chosen[first : first + across], width, colours)
    pages.finish()


def _row(
    pages: Pages, document: ExportDocument, items: list[ExportItem], width: float, colours: Mapping[str, Colour]
) -> None:
    from core.export.pdf_pages import MARGIN, MUTED, all_lines, lines_high

    told = [caption(item) for item in items]
    facts = [all_lines(_lines(one), _FACT, width) for one in told]
    height = width + 6 + lines_high(1, _TITLE) + lines_high(max(len(one) for one in facts), _FACT) + _GAP
    pages.need(height)
    for column, (item, one, lines) in enumerate(zip(items, told, facts, strict=True)):
        x, y = MARGIN + column * (width + _GAP), pages.y
        side_px = round(width * _PX_PER_POINT)
        y += pages.picture(x, y, width, cut_out(document, item, side_px)) + 4
        pages.dot(x + 3, y + _TITLE / 2 + 1, 3, colours[item.detection.label])
        pages.text(x + 9, y, one.title, _TITLE, width=width - 9)
        y += lines_high(1, _TITLE) + 2
        for line in lines:
            pages.text(x, y, line, _FACT, MUTED)
            y += lines_high(1, _FACT)
    pages.y += height


def _lines(told: Caption) -> list[str]:
    return [f"{name}: {text}" for name, text in told.facts]


SPEC = ExporterSpec(
    id="gallery-pdf",
    name="Contact sheet (PDF)",
    suffix=".pdf",
    help="Crops with classes, coordinates and chemistry, worst first, to be printed or sent.",
    write=write,
    purpose="show",
    parameters=(
        PAPER,
        Parameter("crop_mm", float, 40.0, "the least width of a crop", 20, 160, "mm"),
        most(500),
    ),
    bytes_each=lambda values: jpeg_bytes(values["crop_mm"] / 25.4 * 72 * _PX_PER_POINT),
)
