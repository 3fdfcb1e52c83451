"""Decides how a list of positions that somebody noted by eye is read: CSV, in px, or in µm or mm of the stage or the section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from core.errors import InputError
from core.geometry import Box
from core.project.records import SectionRecord
from core.registration.pasted import number_in
from core.tables import Row, header_of, parse_rows, separator_of, table_text

Unit = Literal["px", "um", "mm"]
UNITS: tuple[Unit, ...] = get_args(Unit)
# stage: positions of the microscope's stage; corner: from the top-left corner of the section.
PlaceFrame = Literal["stage", "corner"]

_AXIS = re.compile(
    r"(stage[ _])?(?:pos(?:ition)?[ _])?([xy])(?:[ _]?[\[(]?(px|pixels?|um|µm|μm|microns?|mm)[\])]?)?", re.I
)
_CLASSES, _NOTES = ("class", "label", "type", "kind", "category", "defect"), ("note", "notes", "comment", "remark")
_NAMES = ("name", "id", "no", "nr", "number", "#")
_REMEDY = "It needs columns for x and y, as x_px,y_px or stage_x_um,stage_y_um; class and note if wanted."
_UM_PER_UNIT = {"um": 1.0, "mm": 1000.0}


@dataclass(frozen=True, slots=True)
class InspectedPlace:
    """A position somebody noted, in level-0 px, with what they called it."""

    x_px: float
    y_px: float
    label: str = ""
    note: str = ""
    name: str = ""


def read_places(
    path: Path, section: SectionRecord, unit: Unit | None = None, frame: PlaceFrame | None = None
) -> list[InspectedPlace]:
    """The positions in a CSV, with commas, semicolons or tabs, on a section.

    Columns may be called as people call them: x and y with or without a unit (`x_px`, `X (mm)`, `stage_x_um`), class, note,
    name; a first line of two numbers is a position already; of boxes (`x_px,y_px,w_px,h_px`) the middle counts.

    Args:
        unit: of columns that don't say it (None: px).
        frame: what µm and mm count from (None: the stage, where the section has one or the column says so, else the corner).
    Raises InputError: no CSV, no positions, a line that is none, positions that lie nowhere near the section, no scale.
    """
    text, columns = _table(path)
    (x, y), said_unit, is_stage = columns
    unit = said_unit or unit or "px"
    head = header_of(text)
    names = [next((name for name in head if name.lower() in group), "") for group in (_CLASSES, _NOTES, _NAMES)]

    is_boxes = (x, y) == ("x_px", "y_px") and {"w_px", "h_px"} <= set(head)  # their corner, as everywhere

    def parse(row: Row) -> InspectedPlace:
        right, below = (row.number("w_px") / 2, row.number("h_px") / 2) if is_boxes else (0.0, 0.0)
        place = _place(
            row.number(x) + right, row.number(y) + below, unit, "stage" if is_stage else frame, section, path
        )
        label, note, name = (row.values.get(column, "") for column in names)
        return InspectedPlace(*place, re.sub(r"\s+", "_", label), note, name)

    places = parse_rows(text, (x, y), parse, path, _REMEDY)
    if not places:
        raise InputError("it holds no positions", path=path, remedy=_REMEDY)
    whole = Box(0, 0, section.width_px, section.height_px)
    outside = sum(not whole.contains(place.x_px, place.y_px) for place in places)
    if outside == len(places):
        said = f"x {places[0].x_px:,.0f} px, y {places[0].y_px:,.0f} px"
        raise InputError(
            f"none of its positions lies on {section.name}; the first is {said}", path=path,
            remedy="Check the unit, and whether they count from the stage's zero or the section's corner.",
        )  # fmt: skip
    return places


def said_by_header(path: Path) -> tuple[Unit | None, bool]:
    """The unit that a list's columns say, if they do, and whether they say that the stage is meant. Raises InputError."""
    _, (_, unit, is_stage) = _table(path)
    return unit, is_stage


def _table(path: Path) -> tuple[str, tuple[tuple[str, str], Unit | None, bool]]:
    """Its text, with a header, and what `_columns` says of it. Raises InputError."""
    text = table_text(path, "a list of positions")
    head = header_of(text)
    if head and all(_is_number(cell) for cell in head[:2]):
        head = ["x", "y", *(f"column {n}" for n in range(3, len(head) + 1))]
        text = f"{separator_of(text).join(head)}\n{text}"
    columns = _columns(head)
    if columns is None:
        raise InputError("line 1: no columns for x and y", path=path, remedy=_REMEDY)
    return text, columns


def _columns(head: Sequence[str]) -> tuple[tuple[str, str], Unit | None, bool] | None:
    """What x and y are called, their unit, and whether they say that the stage is meant; px where both are there."""
    found: dict[tuple[Unit | None, bool], dict[str, str]] = {}
    for name in head:
        said = _AXIS.fullmatch(name.strip())
        if said is not None:
            stage, axis, unit = said.groups()
            found.setdefault((_unit(unit), bool(stage)), {}).setdefault(axis.lower(), name)
    whole = [(key, names) for key, names in found.items() if len(names) == 2]
    if not whole:
        return None
    (unit, is_stage), names = next((one for one in whole if one[0][0] == "px"), whole[0])
    return (names["x"], names["y"]), unit, is_stage


def _unit(said: str | None) -> Unit | None:
    if said is None:
        return None
    return "px" if said.lower().startswith("p") else "mm" if said.lower() == "mm" else "um"


def _place(
    x: float, y: float, unit: Unit, frame: PlaceFrame | None, section: SectionRecord, path: Path
) -> tuple[float, float]:
    """In level-0 px. Raises InputError where the section doesn't say how."""
    if unit == "px":
        return x, y
    x_um, y_um = x * _UM_PER_UNIT[unit], y * _UM_PER_UNIT[unit]
    if frame != "corner":
        place = section.stage.to_pixel(x_um, y_um)
        if place is not None:
            return place
        if frame == "stage":
            raise InputError(f"{section.name} states no stage", path=path, remedy="Give positions in px.")
    if section.pixel_size_um is None:
        raise InputError(f"the scale of {section.name} is not known", path=path, remedy="Give positions in px.")
    return x_um / section.pixel_size_um[0], y_um / section.pixel_size_um[1]


def _is_number(cell: str) -> bool:
    try:
        number_in(cell)
    except ValueError:
        return False
    return True
