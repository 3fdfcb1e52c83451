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
from core.registration.registration import Registration

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
    "Field: how wide a view must be to hold it then."
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
    is_outside: bool

    @property
    def name(self) -> str:
        return title(self.item)

    @property
    def size(self) -> str:
        return size_text(self.item)

    @property
    def remarks(self) -> list[str]:
        """Chemistry and note, where there are any, and a warning."""
        outside = "outside the fiducials, where errors grow with every step" if self.is_outside else ""
        return [text for text in (outside, composition_text(self.item.row), self.item.detection.note) if text]


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
    registration = part.registrations.get(section.id) if part.frame == "sem" else None
    legs = (math.dist((a.x_um, a.y_um), (b.x_um, b.y_um)) for a, b in pairwise(places))
    return DriveSheet(
        section,
        tuple(_stop(number, place, values, registration) for number, place in enumerate(places, 1)),
        tuple((one.name, *_position(one, values)) for one in fiducial_places(part)),
        _overview(part, section, places),
        sum(legs) / 1000,
    )


def _stop(number: int, place: Place, values: Mapping[str, Any], registration: Registration | None) -> Stop:
    assert place.item is not None
    x, y = _position(place, values)
    if registration is None:
        return Stop(number, place.item, x, y, "", "", False)
    box = place.item.detection.box
    error, field = place.error_um, registration.field_um(box)
    told = ("" if error is None else f"{error:,.1f} µm", "" if field is None else _length(field))
    return Stop(number, place.item, x, y, *told, not registration.surrounds(*box.center))


def _position(place: Place, values: Mapping[str, Any]) -> tuple[str, str]:
    """As they are typed in: no separators of thousands."""
    x, y = said(place, values)
    digits = 4 if values["unit"] == "mm" else 1
    return f"{x:.{digits}f}", f"{y:.{digits}f}"


def _length(um: float) -> str:
    return f"{um / 1000:g} mm" if um >= 1000 else f"{um:g} µm"


def _overview(part: ExportDocument, section: SectionRecord, places: list[Place]) -> Array:
    shown, colours = part.pictures.whole(section, OVERVIEW_PX), colours_of(part)
    items = [place.item for place in places if place.item is not None]
    marks = [mark_of(item, shown, str(number), colours) for number, item in enumerate(items, 1)]
    return np.asarray(with_marks(shown.pixels, marks, path=True))
