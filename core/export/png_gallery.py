"""Decides how the contact sheet is written as one PNG: crops of the same size in rows, numbered, worst first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from core.class_colours import Colour
from core.export.base import ExporterSpec
from core.export.captions import composition_text, heading, size_text, sources, title
from core.export.choosing import chosen_items, count_text, most, png_bytes
from core.export.document import ExportDocument, ExportItem
from core.export.marked import colours_of, cut_out
from core.export.painting import INK, MUTED, PAPER, fitting, font
from core.parameters import Parameter

_GAP = 16


def write(document: ExportDocument, path: Path, values: Mapping[str, Any]) -> None:
    notes = PngInfo()
    notes.add_text("Sources", json.dumps(document.provenance))
    _sheet(document, chosen_items(document, values), values).save(path, "PNG", pnginfo=notes)


def _sheet(document: ExportDocument, chosen: list[ExportItem], values: Mapping[str, Any]) -> Image.Image:
    side, across = values["crop_px"], max(1, min(values["columns"], len(chosen)))
    line = max(13, side // 12)
    cell_width, cell_height = (
        side + _GAP,
        side + round((4.6 if any(item.row["composition"] for item in chosen) else 3.4) * line) + _GAP,
    )
    width = max(across * cell_width + _GAP, 640)
    told = list(sources(document))
    head = round(4.6 * line)
    foot = round(1.6 * line * len(told)) + _GAP
    sheet = Image.new("RGB", (width, head + math.ceil(len(chosen) / across) * cell_height + foot), PAPER)
    draw, colours = ImageDraw.Draw(sheet), colours_of(document)
    fitting(draw, (_GAP, _GAP), heading(document), 1.6 * line, width - 2 * _GAP, INK)
    draw.text((_GAP, _GAP + 2.2 * line), count_text(document, len(chosen)), MUTED, font(line))
    for place, item in enumerate(document.pictures.watched(chosen, len(chosen), "Cutting out the detections")):
        x, y = _GAP + place % across * cell_width, head + place // across * cell_height
        sheet.paste(Image.fromarray(cut_out(document, item, side)), (x, y))
        _caption(draw, item, (x, y + side + line // 3), side, line, colours[item.detection.label])
    for number, (name, text) in enumerate(told):
        y = sheet.height - foot + round(1.6 * line * number)
        fitting(draw, (_GAP, y), f"{name}: {text}", 0.9 * line, width - 2 * _GAP, MUTED)
    return sheet


def _caption(
    draw: ImageDraw.ImageDraw, item: ExportItem, place: tuple[int, int], width: int, line: int, colour: Colour
) -> None:
    x, y = place
    draw.ellipse((x, y + 0.2 * line, x + 0.8 * line, y + line), fill=colour)
    fitting(draw, (x + 1.2 * line, y), title(item), line, width - 1.2 * line, INK)
    told = f"severity {item.row['severity']:.0f} · {size_text(item)}"
    fitting(draw, (x, y + 1.5 * line), told, line, width, MUTED)
    if composition := composition_text(item.row, 3, sigmas=False):
        fitting(draw, (x, y + 2.8 * line), composition, line, width, MUTED)


SPEC = ExporterSpec(
    id="gallery-png",
    name="Contact sheet (PNG)",
    suffix=".png",
    help="Crops in rows with class and size, worst first, as one picture for a talk or a report.",
    write=write,
    purpose="show",
    parameters=(
        Parameter("crop_px", int, 192, "the side of a crop", 64, 512, "px"),
        Parameter("columns", int, 6, "crops beside each other", 1, 40),
        most(60),
    ),
    bytes_each=lambda values: png_bytes(values["crop_px"]),
)
