"""Decides how the pictures that lie over a section are kept in a project: paths and placements, never pixels."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InputError
from core.project.attachments import Attachments
from core.project.project import Project
from core.registration.laid_pictures import LaidPicture


class PictureStore:
    """The pictures laid over the sections of one project. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._path = project.path
        self._values = Attachments(project, "pictures", author)

    def pictures(self, section_id: int) -> list[LaidPicture]:
        try:
            return [LaidPicture.from_json(one) for one in self._values.get(section_id) or ()]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                "what lies over its section can't be read", path=self._path, remedy="Open those pictures again."
            ) from None

    def keep(self, section_id: int, pictures: Sequence[LaidPicture]) -> bool:
        """Replaces all of a section's. Returns whether that changed anything."""
        return bool(self._values.keep({section_id: [one.to_json() for one in pictures] or None}))
