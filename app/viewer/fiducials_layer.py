"""Decides when fiducials are painted: the layer joins the others with the first of them, and the view goes where asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.session import Session
from app.viewer.canvas import Canvas
from app.viewer.layer_stack import LayerStack
from core.geometry import Box

if TYPE_CHECKING:
    from app.viewer.fiducials_item import FiducialsItem

LAYER = "fiducials"
_AROUND_PX = 32.0


class FiducialsLayer(QObject):
    """The layer "fiducials" of one scene."""

    def __init__(self, session: Session, stack: LayerStack, canvas: Canvas) -> None:
        super().__init__(stack)
        self._session, self._stack, self._canvas = session, stack, canvas
        self.item: FiducialsItem | None = None
        registration = session.registration
        for changed in (session.section_changed, registration.changed, registration.held_changed):
            changed.connect(self._follow)
        registration.selection_changed.connect(self._selected)
        registration.wanted.connect(self._go)
        session.drawings.tool_changed.connect(self._tool_changed)
        self._follow()

    def _follow(self) -> None:
        registration, section = self._session.registration, self._session.section
        is_empty = section is None or not (registration.fiducials or registration.held)
        if self.item is None:
            if is_empty:
                return
            from app.viewer.fiducials_item import FiducialsItem

            self.item = FiducialsItem()
            self._stack.add(LAYER, "Fiducials", self.item)
        box = section.info.box if section is not None else Box(0, 0, 0, 0)
        self.item.show_registration(registration, box)

    def _tool_changed(self) -> None:
        """What is being picked is seen, whatever is chosen for the layer."""
        self._stack.show_for_now(LAYER, self._session.drawings.tool == "fiducial")

    def _selected(self, source: str) -> None:
        """What was chosen in the list must be seen."""
        self._follow()
        one, view = self._session.registration.selected, self._canvas.visible_box()
        if one is not None and source == "panel" and view is not None and not view.contains(one.x_px, one.y_px):
            self._canvas.look_at(one.x_px, one.y_px)

    def _go(self, row: int) -> None:
        one = self._session.registration.fiducials[row]
        self._canvas.fly_to(Box(one.x_px, one.y_px, 0, 0).grown(_AROUND_PX), share=0.25)
