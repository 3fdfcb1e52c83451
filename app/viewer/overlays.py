"""Decides what lies over the section: it makes the layers, follows the session and hands them what they draw."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QGraphicsView

from app.jobs import Job
from app.session import Session
from app.viewer.boxes_item import BoxesItem, BoxSet, box_set, with_decisions
from app.viewer.heat_layer import HeatLayer
from app.viewer.laid_layers import LaidLayers
from app.viewer.layer_stack import LayerStack
from app.viewer.overlay_grid import GridItem
from app.viewer.overlay_worker import OverlayWorker
from app.viewer.picture_mover import PictureMover
from app.viewer.skipped_layer import SkippedLayer
from core.detection import Detection
from core.geometry import Box
from core.memory import share

MANY = 5000  # detections; more are made ready in another thread
_FEW_DECISIONS = 200  # at once; more are made ready with all the others
_NOWHERE = Box(0, 0, 0, 0)


class Overlays(QObject):
    """The layers of one view. `close` ends their thread."""

    failed = Signal(object)  # Exception
    # (n, 2) level-0 px of the detections to be marked on the minimap, worst first; those of a short list by themselves
    marks_changed = Signal(object, object)

    def __init__(self, session: Session, view: QGraphicsView) -> None:
        super().__init__(view)
        self._session = session
        self.worker = OverlayWorker(self)
        self.worker.failed.connect(self.failed)
        budget = share("heat") // 4  # for each of the layers that are painted in tiles
        self.heat = HeatLayer(session, self.worker, budget)
        self.boxes = BoxesItem(self.worker, budget)
        self.grid = GridItem()
        self.stack = LayerStack(session, view.scene())
        self.stack.add("grid", "Grid", self.grid)
        self.stack.add("heat", "Heat map", self.heat.item)
        self.stack.add("detections", "Detections", self.boxes)
        self.skipped = SkippedLayer(session, self.worker, self.stack, budget)
        self.pictures = LaidLayers(session, self.worker, self.stack, budget)
        self._mover = PictureMover(session, self.pictures, view)
        self._job: Job | None = None
        self._again = False  # what the job makes ready is no longer the last
        self._boxes_soon = QTimer(self, singleShot=True, interval=0)
        self._boxes_soon.timeout.connect(self._show_boxes)
        session.section_changed.connect(self._section_changed)
        session.detections_changed.connect(self._boxes_soon.start)
        session.visible_changed.connect(self._boxes_soon.start)
        session.classes.changed.connect(self._boxes_soon.start)
        session.decisions_changed.connect(self._decided)
        session.selection_changed.connect(self._show_selected)
        session.picking.changed.connect(self._show_selected)
        session.picking.changed.connect(self._tell_marks)
        session.layers_changed.connect(self._layers_changed)
        session.calibration.changed.connect(self._layers_changed)
        self._marks: tuple[object, ...] = ()  # what the minimap was told last
        self._show_boxes()

    @property
    def settled(self) -> bool:
        """Whether everything in sight is drawn as the session is now."""
        layers = (self.heat, self.boxes, self.pictures, self.skipped)
        told = self._job is None and not self._boxes_soon.isActive()
        return told and all(layer.settled for layer in layers)

    def settle(self) -> None:
        """Draws everything in sight as the session is now, before it returns: for pictures of the view."""
        if self._boxes_soon.isActive() or self._job is not None:
            self._show_boxes(at_once=True)
        for item in (self.boxes, self.heat.item, self.pictures, self.skipped.item):
            item.settle()

    def close(self) -> None:
        """Ends the painting thread."""
        self.worker.close()
        self.pictures.close()

    def hit(self, x_px: float, y_px: float, zoom: float) -> Detection | None:
        """The detection drawn at a level-0 point."""
        return self.boxes.hit(x_px, y_px, zoom) if self.boxes.isVisible() else None

    def _section_changed(self) -> None:
        self.boxes.show_boxes(box_set((), (), ()), _NOWHERE)  # those of the section before stand in for nothing
        self._job = None
        self._show_boxes()
        self._layers_changed()

    def _layers_changed(self) -> None:
        section, layers = self._session.section, self._session.layers
        if section is None:
            self.grid.set_grid(None, None, layers.grid)
        else:
            self.grid.set_grid(section.info.box, section.info.pixel_size_um, layers.grid)
        self._tell_marks()

    def _tell_marks(self) -> None:
        """Detections that are hidden here are hidden on the minimap too."""
        layers = self._session.layers
        shown = layers.on_minimap and layers.layer("detections").visible
        picked = self._session.picking.picked if shown else None
        marks = (self.boxes.revision if shown else None, picked)
        if marks != self._marks:
            self._marks = marks
            chosen = [one.box.center for one in self._session.picking.detections()] if picked is not None else None
            self.marks_changed.emit(self.boxes.centres if shown else None, chosen)

    def _show_boxes(self, *, at_once: bool = False) -> None:
        self._boxes_soon.stop()
        session, scan = self._session, self._session.scan
        labels, artefacts = session.classes.labels, scan.artefact_labels if scan is not None else ()
        visible = session.visible_detections()
        if at_once or len(visible) <= MANY:
            self._job, self._again = None, False
            self._take_boxes(box_set(visible, labels, artefacts))
        elif self._job is not None:
            self._again = True
        else:
            job = self._job = Job(lambda progress, cancel: box_set(visible, labels, artefacts), "Detections")
            job.finished.connect(lambda boxes: self._take_boxes(boxes) if job is self._job else None)
            job.ended.connect(lambda: self._made(job))
            session.run_io(job)

    def _decided(self, ids: list[int]) -> None:
        """Paints anew only what was decided; all of it where a change of the whole set is on its way anyhow."""
        session, scan, shown = self._session, self._session.scan, self.boxes.boxes
        visible = session.visible_detections()
        rows = [row for row in map(session.visible_row, ids) if row is not None]
        is_same = len(visible) == len(shown.detections) and all(shown.detections[r].id == visible[r].id for r in rows)
        if self._job is not None or self._boxes_soon.isActive() or not is_same or len(rows) > _FEW_DECISIONS:
            self._boxes_soon.start()
        elif rows:
            artefacts = scan.artefact_labels if scan is not None else ()
            self.boxes.restroke(with_decisions(shown, visible, rows, session.classes.labels, artefacts), rows)
            self._show_selected()

    def _made(self, job: Job) -> None:
        """Changes that came meanwhile are gathered into one more job, however fast they come."""
        if job is self._job:
            self._job = None
            if self._again:
                self._again = False
                self._show_boxes()

    def _take_boxes(self, boxes: BoxSet) -> None:
        section = self._session.section
        self.boxes.show_boxes(boxes, section.info.box if section is not None else _NOWHERE)
        self._show_selected()
        self._tell_marks()

    def _show_selected(self, source: str = "") -> None:
        """A selected detection that is hidden or below the threshold has no frame, unless a short list brought it up."""
        selected, picked = self._session.selected, self._session.picking.picked
        is_picked = selected is not None and picked is not None and selected.id in picked.ids
        shown = selected is not None and (is_picked or self._session.visible_row(selected.id) is not None)
        self.boxes.set_selected(selected if shown else None)
