"""Decides how registrations to the SEM are kept in a project: the fiducials of each section.

Only what a person gave is stored (fiducials, and which kind of fit); the fit itself is made anew whenever it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from core.errors import InputError, SchliffError
from core.project.attachments import Attachments
from core.project.project import Project
from core.project.records import SectionRecord
from core.registration.fiducials import Fiducial
from core.registration.registration import Registration, RegistrationKind, register


class RegistrationStore:
    """The registrations of one project, at most one for each section. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._path = project.path
        self._values = Attachments(project, "registration", author)

    def fiducials(self, section_id: int) -> tuple[list[Fiducial], RegistrationKind]:
        """What was given so far, also while it doesn't suffice for a registration."""
        stored = self._values.get(section_id)
        if stored is None:
            return [], "auto"
        try:
            return [Fiducial(**one) for one in stored["fiducials"]], stored["kind"]
        except (KeyError, TypeError):
            raise InputError(
                "its fiducials can't be read", path=self._path, remedy="Register the section again."
            ) from None

    def registration(self, section: SectionRecord) -> Registration | None:
        """The fit to a section's fiducials; None where there are none, or where they don't suffice."""
        fiducials, kind = self.fiducials(section.id)
        try:
            return register(fiducials, section.pixel_size_um, kind)
        except SchliffError:
            return None

    def registrations(self, sections: Iterable[SectionRecord]) -> dict[int, Registration]:
        """By section's id, of those that are registered."""
        found = {section.id: self.registration(section) for section in sections}
        return {section_id: one for section_id, one in found.items() if one is not None}

    def keep(self, section_id: int, fiducials: Sequence[Fiducial], kind: RegistrationKind = "auto") -> bool:
        """Replaces a section's fiducials; none: it isn't registered any more. Returns whether that changed anything."""
        given = {"kind": kind, "fiducials": [asdict(one) for one in fiducials]}
        return bool(self._values.keep({section_id: given if fiducials else None}))
