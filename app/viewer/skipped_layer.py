"""Decides when the skipped area is painted anew, and that it is shown while somebody chooses what is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.session import Session
from app.viewer.layer_stack import LayerStack
from app.viewer.overlay_item import TiledOverlay
from app.viewer.overlay_skipped import SkippedPainter
from app.viewer.overlay_worker import OverlayWorker
from core.geometry import Box

if TYPE_CHECKING:
    from core.specimen_mask import Mask

LAYER = "skipped"


class SkippedLayer(QObject):
    """The item of the skipped area, following the session."""

    def __init__(self, session: Session, worker: OverlayWorker, stack: LayerStack, budget: int) -> None:
        super().__init__(worker)
        self._session, self._stack = session, stack
        self.item = TiledOverlay(worker, budget)
        self._shown: Mask | None = None
        stack.add(LAYER, "Skipped area", self.item)
        session.foreground.mask_changed.connect(self._show)
        session.foreground.adjusting_changed.connect(self._adjusting)
        session.layers_changed.connect(self._want)
        session.section_changed.connect(self._want)
        session.display_changed.connect(self._want)
        self._want()
        self._show()

    @property
    def settled(self) -> bool:
        return not (self.item.isVisible() and self._session.foreground.looking) and self.item.settled

    def _adjusting(self, adjusting: bool) -> None:
        self._stack.show_for_now(LAYER, adjusting)
        self._want()

    def _want(self) -> None:
        """Whoever looks at the layer wants to know."""
        if self.item.isVisible():
            self._session.foreground.want()

    def _show(self) -> None:
        mask, section = self._session.foreground.mask, self._session.section
        if mask is self._shown:
            return
        self._shown = mask
        if mask is None or section is None:
            self.item.show_tiles_of(None, Box(0, 0, 0, 0))
        else:
            self.item.show_tiles_of(SkippedPainter(mask, section.info.box), section.info.box)
