"""Decides where the places of an export lie in the frame that was asked for, in µm, and in which order they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.class_colours import class_name
from core.drive_order import drive_through
from core.errors import InputError
from core.export.document import ExportDocument, ExportItem
from core.parameters import Parameter
from core.registration.fiducials import UM_PER_UNIT

ORDER = Parameter("order", str, "drive", "the shortest drive, or worst first", choices=("drive", "worst"))

# How the operator's stage says places.
AXES = (
    Parameter("unit", str, "mm", "of X and Y; most stages show mm", choices=("mm", "um")),
    Parameter("mirror_x", bool, False, "X with the other sign, for stages whose X runs the other way"),
    Parameter("mirror_y", bool, False, "Y with the other sign"),
)
_DECIMALS = {"um": 2, "mm": 5}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to drive: µm of the frame that was asked for (pixel: from the section's top-left corner, y down)."""

    name: str
    kind: str
    x_um: float
    y_um: float
    error_um: float | None
    item: ExportItem | None = None


def said(place: Place, values: Mapping[str, Any]) -> tuple[float, float]:
    """X and Y as the stage shows them; `values` of `AXES`."""
    unit = values["unit"]
    x, y = (
        round((-value if mirrored else value) / UM_PER_UNIT[unit], _DECIMALS[unit])
        for value, mirrored in ((place.x_um, values["mirror_x"]), (place.y_um, values["mirror_y"]))
    )
    return x, y


def places_of(document: ExportDocument, order: str = "worst") -> list[Place]:
    """One for each item; `order` as in `ORDER`, section after section.

    Raises InputError where the frame is px and the section's µm/px isn't known.
    """
    places = [_place(document, item) for item in document.items]
    if order == "worst":
        return places
    driven: list[Place] = []
    for section_id in document.sections:
        here = [p for p in places if p.item is not None and p.item.detection.section_id == section_id]
        found = [p.item.detection for p in here if p.item is not None]
        driven += [here[index] for index in drive_through(found, document.sections[section_id].pixel_size_um)]
    return driven


def fiducial_places(document: ExportDocument) -> list[Place]:
    """The fiducials of every registered section, in the frame of the export; none in the stage's of the microscope."""
    found: list[Place] = []
    for section_id, registration in document.registrations.items():
        scale = document.sections[section_id].pixel_size_um
        for one in registration.fiducials:
            if document.frame == "sem":
                found.append(Place(one.name, one.role, *one.sem_um, None))
            elif document.frame == "pixel" and scale is not None:
                found.append(Place(one.name, one.role, one.x_px * scale[0], one.y_px * scale[1], None))
    return found


def extent_um(document: ExportDocument, section_id: int) -> tuple[float, float]:
    """Width and height of a section. Raises InputError where its µm/px isn't known."""
    section = document.sections[section_id]
    if section.pixel_size_um is None:
        raise InputError("its scale is not known", path=section.path, remedy="Enter the µm/px of the section first.")
    return section.width_px * section.pixel_size_um[0], section.height_px * section.pixel_size_um[1]


def only_section(document: ExportDocument, what: str) -> int | None:
    """The id of the one section of an export whose format knows only one; None where there is nothing to say.

    Raises InputError naming the second one.
    """
    ids: Sequence[int] = list(document.sections)
    if len(ids) > 1:
        raise InputError(
            f"{what} holds one section only",
            path=document.sections[ids[1]].path,
            remedy="Export scan by scan (--scan).",
        )
    return ids[0] if ids else None


def _place(document: ExportDocument, item: ExportItem) -> Place:
    detection, row = item.detection, item.row
    error = row["predicted_error_um"] if document.frame == "sem" else None
    name, kind = str(detection.id), class_name(detection.label)
    if document.frame == "sem":
        factor = UM_PER_UNIT[row["sem_unit"]]
        return Place(name, kind, row["sem_x"] * factor, row["sem_y"] * factor, error, item)
    if document.frame == "stage":
        return Place(name, kind, row["stage_x_um"], row["stage_y_um"], error, item)
    extent_um(document, detection.section_id)
    scale = document.section_of(item).pixel_size_um
    assert scale is not None
    x, y = detection.box.center
    return Place(name, kind, x * scale[0], y * scale[1], error, item)
