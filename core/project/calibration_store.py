"""Decides how pixel sizes that a person entered are kept in a project: one for each section, undoable."""

from __future__ import annotations

from core.calibration import PixelSize
from core.project.attachments import Attachments
from core.project.project import Project


class CalibrationStore:
    """The pixel sizes entered in one project. Each change is one gesture. What a section has of it: `Project.section`.

    Every method may be called from any thread; they raise SchliffError where the project can't be read or written.
    """

    def __init__(self, project: Project, author: str | None = None) -> None:
        self._values = Attachments(project, "calibration", author)

    def keep(self, section_id: int, by_hand: PixelSize | None) -> bool:
        """None: the file's own counts again. Returns whether that changed anything."""
        return bool(self._values.keep({section_id: None if by_hand is None else list(by_hand)}))
