"""Decides how a manual inspection is kept in a project: the positions of a section that somebody found by eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.errors import InputError
from core.inspection_csv import InspectedPlace
from core.project.attachments import Attachments
from core.project.project import Project


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was imported. `source`: the file's name; `tolerance_px`: within which a detection counts as found."""

    places: tuple[InspectedPlace, ...]
    tolerance_px: float
    source: str = ""


class InspectionStore:
    """The inspections of one project, at most one for each section. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._path = project.path
        self._values = Attachments(project, "inspection", author)

    def get(self, section_id: int) -> Inspection | None:
        stored = self._values.get(section_id)
        if stored is None:
            return None
        try:
            places = tuple(InspectedPlace(**one) for one in stored["places"])
            return Inspection(places, float(stored["tolerance_px"]), str(stored["source"]))
        except (KeyError, TypeError, ValueError):
            raise InputError(
                "its inspection can't be read", path=self._path, remedy="Import the positions again."
            ) from None

    def keep(self, section_id: int, inspection: Inspection | None) -> bool:
        """Replaces a section's inspection (None: there is none any more); whether that changed anything."""
        value = None
        if inspection is not None and inspection.places:
            places: Sequence[dict] = [asdict(one) for one in inspection.places]
            value = {"places": list(places), "tolerance_px": inspection.tolerance_px, "source": inspection.source}
        return bool(self._values.keep({section_id: value}))
