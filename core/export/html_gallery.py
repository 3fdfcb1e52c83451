"""Decides how the gallery is written as HTML: a card with crop and facts for each detection, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from core.export.base import ExporterSpec
from core.export.captions import caption, heading
from core.export.choosing import chosen_items, count_text, jpeg_bytes, most
from core.export.document import ExportDocument, ExportItem
from core.export.html_page import described, picture, write_html
from core.export.marked import cut_out
from core.parameters import Parameter


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    write_html(path, heading(document), document, _parts(document, values))


def _parts(document: ExportDocument, values: Mapping[str, Any]) -> Iterator[str]:
    chosen = chosen_items(document, values)
    colours = document.hex_colours()
    yield f'<p class="muted">{count_text(document, len(chosen))}</p>'
    yield '<div class="cards">'
    for item in document.pictures.watched(chosen, len(chosen), "Cutting out the detections"):
        yield _card(document, item, colours[item.detection.label], values["crop_px"])
    yield "</div>"


def _card(document: ExportDocument, item: ExportItem, colour: str, side_px: int) -> str:
    told = caption(item)
    return (
        f'<figure id="d{item.detection.id}">{picture(cut_out(document, item, side_px), told.title)}<figcaption>'
        f'<strong><span class="dot" style="background:{colour}"></span>{escape(told.title)}</strong>'
        f"{described(told.facts)}</figcaption></figure>"
    )


SPEC = ExporterSpec(
    id="gallery-html",
    name="Gallery (HTML)",
    suffix=".html",
    help="One page with crops, classes, coordinates and chemistry, worst first; opens in any browser, without a network.",
    write=write,
    purpose="show",
    parameters=(
        Parameter("crop_px", int, 256, "the side of a crop", 64, 1024, "px"),
        most(500),
    ),
    bytes_each=lambda values: jpeg_bytes(values["crop_px"]) * 4 / 3,  # as text
)
