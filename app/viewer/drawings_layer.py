"""Decides when the drawings are painted anew: it follows the session and hands the item what it paints."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.session import Session
from app.viewer.drawings_item import DrawingsItem
from app.viewer.layer_stack import LayerStack
from core.geometry import Box

_NOWHERE = Box(0, 0, 0, 0)


class DrawingsLayer(QObject):
    """The layer "drawings" of one scene."""

    def __init__(self, session: Session, stack: LayerStack) -> None:
        super().__init__(stack)
        self._session = session
        self.item = DrawingsItem()
        stack.add("drawings", "Drawings", self.item)
        session.section_changed.connect(self._drawings_changed)
        session.drawings.changed.connect(self._drawings_changed)
        session.calibration.changed.connect(self._drawings_changed)
        session.classes.changed.connect(self.item.update)  # a class has another name or colour
        session.drawings.selection_changed.connect(self._selection_changed)
        self._drawings_changed()

    def _drawings_changed(self) -> None:
        section, drawings = self._session.section, self._session.drawings
        if section is None:
            self.item.set_drawings([], None, _NOWHERE)
        else:
            self.item.set_drawings(drawings.items, section.info.pixel_size_um, section.info.box)
        self.item.set_selected(drawings.selected_id)

    def _selection_changed(self, source: str) -> None:
        self.item.set_selected(self._session.drawings.selected_id)
