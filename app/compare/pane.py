"""Decides how the second section of a comparison is shown: like the first, without what belongs to the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.viewer.camera import Camera
from app.viewer.section_view import SectionView
from core.geometry import Box
from core.look import Look
from core.memory import share
from core.section_info import Plane

if TYPE_CHECKING:
    from core.section import Section


class ComparePane(SectionView):
    """A section with a plane and a look of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, share("pictures") // 4)
        self.plane = Plane()
        self.look = Look()
        self.setMinimumSize(1, 1)
        self.look_badge.switched_off.connect(self._switch_off)

    @property
    def section(self) -> Section | None:
        return self._section

    def show_section(self, section: Section | None, plane: Plane, look: Look) -> None:
        """Another section, or none; where it is looked at is for `set_room`."""
        self.plane, self.look = plane, look
        self.provider.set_section(section, plane, look)
        self.canvas.set_section(self._set_extent(section))

    def show_display(self, plane: Plane, look: Look) -> None:
        self.plane, self.look = plane, look
        self.provider.set_display(plane, look)

    def _switch_off(self) -> None:
        """Here only: the other view keeps its look."""
        self.show_display(self.plane, self.look.without_enhancements())

    def set_room(self, around: Box, camera: Camera) -> None:
        """Where the view may go: the section and `around` (its level-0 px), so that a linked one can follow anywhere."""
        if self._section is not None:
            self.canvas.set_section(self._section.info.box.union(around), camera)
