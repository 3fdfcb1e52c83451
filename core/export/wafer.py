"""Decides how a section is told as a wafer of one die, for the formats of wafer inspection (`klarf`, `klarf18`).

Lengths in µm, y up. In the pixel frame places count from the section's lower-left corner; in the others they are the
stage's own coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.export.document import ExportDocument
from core.export.driving import Place, extent_um, only_section, places_of
from core.parameters import Parameter

WAFER = (
    Parameter("lot", str, "Schliff", "LotID"),
    Parameter("step", str, "section", "StepID"),
    Parameter("station", str, "1", "the station's third name"),
)


@dataclass(frozen=True)
class Wafer:
    """One section. `classes`: sorted; a class's number is its place, from 1; 0 is "unclassified".

    `models`, `lot`, `step`, `station`: as they may stand between quotes. `date`, `time`: of the export.
    """

    name: str
    width_um: float
    height_um: float
    places: tuple[Place, ...]
    classes: tuple[str, ...]
    is_own_frame: bool
    models: str
    station: tuple[str, str, str]
    lot: str
    step: str
    date: str
    time: str

    @property
    def diameter_um(self) -> float:
        return math.hypot(self.width_um, self.height_um)

    @property
    def centre_um(self) -> tuple[float, float]:
        """The middle of the sample, as places are told."""
        return (self.width_um / 2, self.height_um / 2) if self.is_own_frame else (0.0, 0.0)

    def at_um(self, place: Place) -> tuple[float, float]:
        return place.x_um, self.height_um - place.y_um if self.is_own_frame else place.y_um

    def number(self, place: Place) -> int:
        return self.classes.index(place.kind) + 1


def wafer_of(document: ExportDocument, values: Mapping[str, Any], what: str) -> Wafer:
    """`values` of `WAFER`; `what` can't hold several sections. Raises InputError where there are, or µm/px isn't known."""
    section_id = only_section(document, what)
    width, height = (1.0, 1.0) if section_id is None else extent_um(document, section_id)
    name = "none" if section_id is None else document.sections[section_id].name
    places, now = tuple(places_of(document)), datetime.now()
    return Wafer(
        name=_plain(name),
        width_um=width,
        height_um=height,
        places=places,
        classes=tuple(sorted({place.kind for place in places})),
        is_own_frame=document.frame == "pixel",
        models=_plain(" ".join(document.models) or "none"),
        station=("Schliff", document.provenance["schliff"], _plain(values["station"])),
        lot=_plain(values["lot"]),
        step=_plain(values["step"]),
        date=now.strftime("%m-%d-%Y"),
        time=now.strftime("%H:%M:%S"),
    )


def extent_of(place: Place) -> tuple[float, float, float]:
    """Width, height (µm) and area (µm²) of what lies at a place."""
    assert place.item is not None
    detection, area = place.item.detection, place.item.row["area_um2"] or 0.0
    um = math.sqrt(area / detection.area_px) if detection.area_px else 0.0
    return detection.box.w * um, detection.box.h * um, area


def quoted(wafer_class: str) -> str:
    return f'"{_plain(wafer_class)}"'


def _plain(text: str) -> str:
    """What may stand between quotes: KLARF is ASCII and knows no escapes."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '";' else "_" for c in text)
