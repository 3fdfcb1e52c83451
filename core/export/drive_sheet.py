"""Decides what a printed drive list says: of each section the stops in their order, and a small overview with the path.

How the pages are set is for `core.export.drive_html` and `core.export.drive_pdf`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from core.export.captions import composition_text, size_text, title
from core.export.choosing import chosen_items, most
from core.export.document import ExportDocument, ExportItem, Frame
from core.export.driving import AXES, ORDER, Place, fiducial_places, places_of, said
from core.export.marked import colours_of, mark_of
from core.export.painting import with_marks
from core.parameters import Parameter
from core.project import SectionRecord

Array = np.ndarray

OVERVIEW_PX = 1800
DRIVING: tuple[Parameter, ...] = (
    *AXES,
    ORDER,
    most(300),
)
COLUMNS = ("No.", "Picture", "Defect", "X", "Y", "Error", "Field", "Size", "Found")
FRAME_WORDS: dict[Frame, str] = {
    "pixel": "µm from the section's upper left corner, y down",
    "stage": "the microscope's stage",
    "sem": "the SEM's stage",
}
EXPLAINED = (
    "Error: in 95 of 100 registrations the defect lies within this distance of X, Y. "
    "Field: the smallest view that holds it then."
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit: its number in the drive, and what is printed of it."""

    number: int
    item: ExportItem
    x: str
    y: str
    error: str
    field: str

    @property
    def name(self) -> str:
        return title(self.item)

    @property
    def size(self) -> str:
        return size_text(self.item)

    @property
    def remarks(self) -> list[str]:
        """Chemistry and note, where there are any."""
        return [text for text in (composition_text(self.item.row), self.item.detection.note) if text]


@dataclass(frozen=True, slots=True)
class DriveSheet:
    """What is printed for one section. `overview`: (h, w, 3) uint8 RGB; `fiducials`: (name, X, Y)."""

    section: SectionRecord
    stops: tuple[Stop, ...]
    fiducials: tuple[tuple[str, str, str], ...]
    overview: Array
    length_mm: float

    @property
    def summary(self) -> str:
        stops = "1 stop" if len(self.stops) == 1 else f"{len(self.stops):,} stops"
        return f"{stops}, {self.length_mm:,.1f} mm from the first to the last"


def sheets(document: ExportDocument, values: Mapping[str, Any]) -> Iterator[DriveSheet]:
    """One for each section. Raises InputError where a section can't be read, or has no scale in the pixel frame."""
    chosen = chosen_items(document, values)
    for section_id, section in document.sections.items():
        registration = document.registrations.get(section_id)
        part = replace(
            document,
            items=[item for item in chosen if item.detection.section_id == section_id],
            sections={section_id: section},
            registrations={} if registration is None else {section_id: registration},
        )
        if part.items:
            yield _sheet(part, section, values)


def _sheet(part: ExportDocument, section: SectionRecord, values: Mapping[str, Any]) -> DriveSheet:
    places = places_of(part, values["order"])
    legs = (math.dist((a.x_um, a.y_um), (b.x_um, b.y_um)) for a, b in pairwise(places))
    return DriveSheet(
        section,
        tuple(_stop(number, place, values) for number, place in enumerate(places, 1)),
        tuple((one.name, *_position(one, values)) for one in fiducial_places(part)),
        _overview(part, section, places),
        sum(legs) / 1000,
    )


def _stop(number: int, place: Place, values: Mapping[str, Any]) -> Stop:
    assert place.item is not None
    error = place.error_um
    field = "" if error is None else f"{2 * error + _longest_um(place.item):,.0f} µm"
    return Stop(number, place.item, *_position(place, values), "" if error is None else f"{error:,.1f} µm", field)


def _position(place: Place, values: Mapping[str, Any]) -> tuple[str, str]:
    """As they are typed in: no separators of thousands."""
    x, y = said(place, values)
    digits = 4 if values["unit"] == "mm" else 1
    return f"{x:.{digits}f}", f"{y:.{digits}f}"


def _longest_um(item: ExportItem) -> float:
    """The diagonal of its box."""
    area, box = item.row["area_um2"], item.detection.box
    um_per_px = math.sqrt(area / item.detection.area_px) if area and item.detection.area_px else 0.0
    return math.hypot(box.w, box.h) * um_per_px


def _overview(part: ExportDocument, section: SectionRecord, places: list[Place]) -> Array:
    shown, colours = part.pictures.whole(section, OVERVIEW_PX), colours_of(part.items)
    items = [place.item for place in places if place.item is not None]
    marks = [mark_of(item, shown, str(number), colours) for number, item in enumerate(items, 1)]
    return np.asarray(with_marks(shown.pixels, marks, path=True))
