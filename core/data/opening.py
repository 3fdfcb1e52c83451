"""Decides how a labelled picture is opened: with the pixel size that a person entered for it, where one did."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from core.calibration import calibrated
from core.readers.base import open_section
from core.section import Section


class Picture(Protocol):
    """`core.data.labelled.LabelledPicture`, `core.data.normal.NormalPicture`."""

    @property
    def path(self) -> Path: ...

    @property
    def entered_um(self) -> tuple[float, float] | None: ...


def open_picture(picture: Picture) -> Section:
    """Raises InputError where it can't be read."""
    section = open_section(picture.path)
    section.info = calibrated(section.info, picture.entered_um)
    return section
