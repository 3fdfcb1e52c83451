"""Decides when positions found by eye are painted: the layer joins the others with the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.session import Session
from app.viewer.canvas import Canvas
from app.viewer.layer_stack import LayerStack
from core.geometry import Box

if TYPE_CHECKING:
    from app.viewer.inspection_item import InspectionItem
    from core.inspection_csv import InspectedPlace

LAYER = "inspection"
_AROUND_PX = 64.0


class InspectionLayer(QObject):
    """The layer "inspection" of one scene."""

    def __init__(self, session: Session, stack: LayerStack, canvas: Canvas) -> None:
        super().__init__(stack)
        self._session, self._stack, self._canvas = session, stack, canvas
        self.item: InspectionItem | None = None
        for changed in (session.section_changed, session.inspection.changed):
            changed.connect(self._follow)
        session.inspection.wanted.connect(self._go)
        self._follow()

    def _follow(self) -> None:
        control, section = self._session.inspection, self._session.section
        inspection, found = control.inspection, control.comparison
        if self.item is None:
            if inspection is None or section is None:
                return
            from app.viewer.inspection_item import InspectionItem

            self.item = InspectionItem()
            self._stack.add(LAYER, "Manual inspection", self.item)
        box = section.info.box if section is not None else Box(0, 0, 0, 0)
        if inspection is None:
            self.item.show_places((), (), (), box)
        elif found is None:
            self.item.show_places([_at(place) for place in inspection.places], (), (), box)
        else:
            agreed, missed = [_at(place) for place, _ in found.agreed], [_at(place) for place in found.missed]
            self.item.show_places(agreed, missed, [one.box.center for one in found.extra], box)

    def _go(self, place: InspectedPlace) -> None:
        self._canvas.fly_to(Box(place.x_px, place.y_px, 0, 0).grown(_AROUND_PX), share=0.25)


def _at(place: InspectedPlace) -> tuple[float, float]:
    return place.x_px, place.y_px
