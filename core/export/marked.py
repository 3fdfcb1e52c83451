"""Decides what the marked overview shows: the whole section, a numbered ring for each detection, legend and scale bar below.

As the dissertation's Figure 5-3, with which an operator finds the defects of a gallery on the section by eye.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from core.class_colours import Colour, class_name, colour_of
from core.export.captions import heading, sources
from core.export.choosing import chosen_items, count_text, most
from core.export.document import ExportDocument, ExportItem
from core.export.driving import only_section
from core.export.painting import INK, MUTED, PAPER, Mark, fitting, font, with_frame, with_marks
from core.export.pictures import Shown
from core.parameters import Parameter
from core.project import SectionRecord
from core.scale_bar import scale_for

Array = np.ndarray

MARKING = (
    Parameter("longest_px", int, 4000, "the longer side of the picture", 800, 20_000, "px"),
    most(300),
)
LEAST_LONGEST_PX = 1600  # a smaller section is enlarged, so that numbers can be read beside its details
_BAR_SHARE = 0.2


def marked_image(document: ExportDocument, values: Mapping[str, Any]) -> Image.Image:
    """Raises InputError where there are several sections, or the section can't be read."""
    section_id = only_section(document, "a marked overview")
    if section_id is None:
        return _empty()
    section, chosen = document.sections[section_id], chosen_items(document, values)
    longest = min(values["longest_px"], max(section.width_px, section.height_px, LEAST_LONGEST_PX))
    shown, colours = document.pictures.whole(section, longest), colours_of(document)
    marks = [mark_of(item, shown, str(item.detection.id), colours) for item in chosen]
    return _with_legend(with_marks(shown.pixels, marks), document, section, shown, len(chosen))


def notes_of(document: ExportDocument) -> str:
    """Where all comes from, as JSON for the file's own notes."""
    return json.dumps(document.provenance)


def colours_of(document: ExportDocument) -> dict[str, Colour]:
    """By label."""
    named = document.hex_colours()
    return {label: colour_of(name) for label, name in named.items()}


def mark_of(item: ExportItem, shown: Shown, text: str, colours: Mapping[str, Colour]) -> Mark:
    """A ring that leaves the detection free; of a small one it's as large as can be seen."""
    box, unit = item.detection.box, max(shown.pixels.shape[:2]) / 100
    radius = max(0.6 * max(box.w, box.h) / shown.scale, 1.0 * unit)
    x, y = (middle / shown.scale for middle in box.center)
    return Mark(x, y, radius, text, colours[item.detection.label])


def cut_out(document: ExportDocument, item: ExportItem, side_px: int) -> Array:
    """(side_px, side_px, 3) uint8 RGB: a detection with a little around it, its box drawn thin, with a scale bar."""
    section, box = document.section_of(item), item.detection.box
    shown = document.pictures.crop(section, box, side_px)
    frame = ((box.x - shown.box.x) / shown.scale, (box.y - shown.box.y) / shown.scale, box.w / shown.scale, box.h / shown.scale)  # fmt: skip
    um = section.pixel_size_um and section.pixel_size_um[0]
    return with_frame(shown.pixels, frame, scale_for(1 / shown.scale, um, 0.4 * side_px))


def _with_legend(
    picture: Image.Image, document: ExportDocument, section: SectionRecord, shown: Shown, marked: int
) -> Image.Image:
    unit = max(picture.size) / 100
    width, margin = max(picture.width, round(60 * unit)), round(2 * unit)
    rows = list(_legend_rows(document, width - 2 * margin, unit))
    small = [f"{name}: {text}" for name, text in sources(document)]
    height = round(margin + 4 * unit + 3 * unit * len(rows) + 2 * unit * len(small) + 5 * unit)
    whole = Image.new("RGB", (width, picture.height + height), PAPER)
    whole.paste(picture, ((width - picture.width) // 2, 0))
    draw, y = ImageDraw.Draw(whole), picture.height + margin
    title = f"{heading(document)}: {count_text(document, marked)}"
    fitting(draw, (margin, y), title, 2.2 * unit, width - 2 * margin, INK)
    y += round(4 * unit)
    for row in rows:
        for x, text, colour in row:
            draw.ellipse((margin + x, y + 0.2 * unit, margin + x + 1.6 * unit, y + 1.8 * unit), outline=colour, width=max(2, round(0.3 * unit)))  # fmt: skip
            draw.text((margin + x + 2.4 * unit, y), text, INK, font(round(1.6 * unit)))
        y += round(3 * unit)
    _bar(draw, (margin, y), section, shown, unit)
    y += round(5 * unit)
    for line in small:
        fitting(draw, (margin, y - margin / 2), line, 1.2 * unit, width - 2 * margin, MUTED)
        y += round(2 * unit)
    return whole


def _legend_rows(document: ExportDocument, width: float, unit: float) -> Iterator[list[tuple[float, str, Colour]]]:
    """Rows of (x, text, colour), the most frequent class first."""
    colours, x = colours_of(document), 0.0
    row: list[tuple[float, str, Colour]] = []
    for label, count in Counter(item.detection.label for item in document.items).most_common():
        text = f"{class_name(label)} {count:,}"
        needed = 6 * unit + font(round(1.6 * unit)).getlength(text)
        if row and x + needed > width:
            yield row
            row, x = [], 0.0
        row.append((x, text, colours[label]))
        x += needed
    yield row


def _bar(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], section: SectionRecord, shown: Shown, unit: float
) -> None:
    scale = scale_for(1 / shown.scale, section.pixel_size_um and section.pixel_size_um[0], _BAR_SHARE * 100 * unit)
    x, y = place
    draw.rectangle((x, y, x + scale.width, y + 0.6 * unit), fill=INK)
    draw.text((x + scale.width + unit, y + 0.3 * unit), scale.text, INK, font(round(1.6 * unit)), anchor="lm")


def _empty() -> Image.Image:
    image = Image.new("RGB", (LEAST_LONGEST_PX, 120), PAPER)
    ImageDraw.Draw(image).text((32, 32), "No detections", MUTED, font(40))
    return image
