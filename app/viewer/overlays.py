"""Decides what lies over the section: it makes the layers, follows the session and hands them what they draw."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QGraphicsScene

from app.session import Session
from app.viewer.boxes_item import BoxesItem
from app.viewer.heat_layer import HeatLayer
from app.viewer.layer_stack import LayerStack
from app.viewer.overlay_worker import OverlayWorker
from core.detection import Detection
from core.geometry import Box
from core.memory import share

_NOWHERE = Box(0, 0, 0, 0)


class Overlays(QObject):
    """The layers of one viewer. `close` ends their thread."""

    failed = Signal(object)  # Exception

    def __init__(self, session: Session, scene: QGraphicsScene) -> None:
        super().__init__(scene)
        self._session = session
        self.worker = OverlayWorker(self)
        self.worker.failed.connect(self.failed)
        budget = share("heat") // 2  # for each of the layers that are painted in tiles
        self.heat = HeatLayer(session, self.worker, budget)
        self.boxes = BoxesItem(self.worker, budget)
        self.stack = LayerStack(session, scene)
        self.stack.add("heat", "Heat map", self.heat.item)
        self.stack.add("detections", "Detections", self.boxes)
        self._boxes_soon = QTimer(self, singleShot=True, interval=0)
        self._boxes_soon.timeout.connect(self._show_boxes)
        session.section_changed.connect(self._section_changed)
        session.detections_changed.connect(self._boxes_soon.start)
        session.visible_changed.connect(self._boxes_soon.start)
        session.decisions_changed.connect(lambda _: self._boxes_soon.start())
        session.selection_changed.connect(self._show_selected)
        self._show_boxes()

    @property
    def settled(self) -> bool:
        """Whether everything in sight is drawn as the session is now."""
        return not self._boxes_soon.isActive() and self.heat.settled and self.boxes.settled

    def settle(self) -> None:
        """Draws everything in sight as the session is now, before it returns: for pictures of the view."""
        if self._boxes_soon.isActive():
            self._show_boxes()
        self.boxes.settle()
        self.heat.item.settle()

    def close(self) -> None:
        """Ends the painting thread."""
        self.worker.close()

    def hit(self, x_px: float, y_px: float, zoom: float) -> Detection | None:
        """The detection drawn at a level-0 point."""
        return self.boxes.hit(x_px, y_px, zoom) if self.boxes.isVisible() else None

    def _section_changed(self) -> None:
        self.boxes.show_tiles_of(None, _NOWHERE)  # those of the section before stand in for nothing
        self._show_boxes()

    def _show_boxes(self) -> None:
        self._boxes_soon.stop()
        session, scan = self._session, self._session.scan
        labels, artefacts = (scan.labels, scan.artefact_labels) if scan is not None else ((), ())
        section = session.section.info.box if session.section is not None else _NOWHERE
        self.boxes.set_detections(session.visible_detections(), labels, artefacts, section)
        self._show_selected()

    def _show_selected(self, source: str = "") -> None:
        """A selected detection that is hidden or below the threshold has no frame."""
        selected = self._session.selected
        shown = selected is not None and any(d is selected for d in self._session.visible_detections())
        self.boxes.set_selected(selected if shown else None)
