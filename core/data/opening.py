"""Decides how a labelled picture is opened: with the pixel size that a person entered for it, where one did."""

from __future__ import annotations

from core.calibration import calibrated
from core.data.labelled import LabelledPicture
from core.readers.base import open_section
from core.section import Section


def open_picture(picture: LabelledPicture) -> Section:
    """Raises InputError where it can't be read."""
    section = open_section(picture.path)
    section.info = calibrated(section.info, picture.entered_um)
    return section
