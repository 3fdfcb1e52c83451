"""Decides how chemistry is kept in a project: with the detection it was measured on, one composition each."""

from __future__ import annotations

from collections.abc import Mapping

from core.chemistry.composition import Composition
from core.errors import InputError
from core.project.attachments import Attachments
from core.project.project import Project


class CompositionStore:
    """The compositions of one project. Each change is one gesture.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._path = project.path
        self._values = Attachments(project, "composition", author)

    def compositions(self) -> dict[int, Composition]:
        """By the detection's id."""
        try:
            return {owner: Composition.from_json(value) for owner, value in self._values.all().items()}
        except ValueError:
            raise InputError(
                "its chemistry can't be read", path=self._path, remedy="Import the results of the EDX again."
            ) from None

    def keep(self, compositions: Mapping[int, Composition | None]) -> list[int]:
        """Puts compositions to detections (None: takes it away), as one gesture; returns whose changed."""
        return self._values.keep({owner: one and one.to_json() for owner, one in compositions.items()})
