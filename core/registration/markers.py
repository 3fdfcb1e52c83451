"""Decides how the markers of a Shuttle & Find holder become fiducials: where the section's file has them, and the SEM's.

Both microscopes calibrate the same holder and write its markers, each on its own stage, into every CZI they save.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import InputError, UsageError
from core.frames import StageMarker
from core.registration.fiducials import UM_PER_UNIT, Fiducial, SemUnit
from core.section_info import SectionInfo


def markers_of(info: SectionInfo, unit: SemUnit = "um") -> list[Fiducial]:
    """Those of the light microscope, to be seen in the SEM yet; they lie on the holder, so mostly beside the section.

    Raises UsageError where its file has none, or where nothing says how its stage lies to its pixels.
    """
    if not info.markers:
        raise UsageError(
            "this section's file holds no Shuttle & Find markers",
            path=info.path,
            remedy="Pick fiducials in the section, or calibrate the holder in ZEN before the scan.",
        )
    found = []
    for marker in info.markers:
        place = info.stage.to_pixel(marker.x_um, marker.y_um)
        if place is None:
            raise UsageError(
                "its Shuttle & Find markers can't be used: where its pixels lie on the stage isn't known",
                path=info.path,
            )
        found.append(Fiducial(marker.name, *place, None, None, unit))
    return found


def read_markers(path: Path) -> tuple[StageMarker, ...]:
    """Of a file that the SEM has saved. Raises InputError where it can't be read or holds none."""
    from core.readers.base import open_section

    with open_section(path) as section:
        markers = section.info.markers
    if not markers:
        raise InputError(
            "it holds no Shuttle & Find markers", path=path, remedy="Save an image in the SEM after the holder is calibrated."
        )  # fmt: skip
    return markers


def seen_at(fiducials: Sequence[Fiducial], markers: Sequence[StageMarker]) -> list[Fiducial]:
    """Fiducials with the SEM's positions of the markers that are called as they are. Raises UsageError where none is."""
    places = {one.name: (one.x_um, one.y_um) for one in markers}
    if not any(one.name in places for one in fiducials):
        raise UsageError(
            f"no fiducial is called {', '.join(places)}",
            remedy="Take the markers from this section's file first, or give fiducials their names.",
        )
    return [
        replace(
            one, sem_x=places[one.name][0] / UM_PER_UNIT[one.unit], sem_y=places[one.name][1] / UM_PER_UNIT[one.unit]
        )
        if one.name in places
        else one
        for one in fiducials
    ]
