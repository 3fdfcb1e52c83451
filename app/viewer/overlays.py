"""Decides when heat map and boxes are made anew: it follows the session and hands the items what they draw."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QGraphicsScene

from app.jobs import Job
from app.session import Session
from app.viewer.boxes_item import BoxesItem
from app.viewer.heat_item import HeatItem
from app.viewer.heat_pyramid import HeatPyramid, build_heat
from app.viewer.layer_stack import LayerStack
from core.detection import Detection
from core.geometry import Box

_NOWHERE = Box(0, 0, 0, 0)


class Overlays(QObject):
    """The heat map under the boxes, both over the section."""

    def __init__(self, session: Session, scene: QGraphicsScene) -> None:
        super().__init__(scene)
        self._session = session
        self.heat = HeatItem()
        self.boxes = BoxesItem()
        self.stack = LayerStack(session, scene)
        self.stack.add("heat", "Heat map", self.heat)
        self.stack.add("detections", "Detections", self.boxes)
        self._building: Job | None = None
        self._label_shown: int | None = None
        session.section_changed.connect(self._boxes_changed)
        session.detections_changed.connect(self._boxes_changed)
        session.visible_changed.connect(self._filter_changed)
        session.decisions_changed.connect(self._boxes_changed)
        session.selection_changed.connect(self._selection_changed)
        session.score_map_changed.connect(self._map_changed)
        session.layers_changed.connect(self._layers_changed)
        self._layers_changed()

    def hit(self, x_px: float, y_px: float, zoom: float) -> Detection | None:
        """The detection drawn at a level-0 point."""
        return self.boxes.hit(x_px, y_px, zoom) if self.boxes.isVisible() else None

    def _section_box(self) -> Box:
        section = self._session.section
        return section.info.box if section is not None else _NOWHERE

    def _boxes_changed(self) -> None:
        scan = self._session.scan
        labels, artefacts = (scan.labels, scan.artefact_labels) if scan is not None else ((), ())
        self.boxes.set_detections(self._session.visible_detections(), labels, artefacts, self._section_box())
        self.boxes.set_selected(self._session.selected_id)

    def _filter_changed(self) -> None:
        self._boxes_changed()
        self._style_heat()

    def _selection_changed(self, source: str) -> None:
        self.boxes.set_selected(self._session.selected_id)

    def _layers_changed(self) -> None:
        self._style_heat()
        if self._session.layers.heat.label_index != self._label_shown:
            self._map_changed()

    def _style_heat(self) -> None:
        style = self._session.layers.heat
        self.heat.set_style(self._session.threshold, style.colour_map)

    def _map_changed(self) -> None:
        """Makes the map ready in the IO lane: a large one takes longer than a frame."""
        session = self._session
        score_map, scan = session.score_map, session.scan
        self._label_shown = session.layers.heat.label_index
        if score_map is None or scan is None:
            self._building = None
            self.heat.set_heat(None, self._section_box())
            return
        label, is_probability = self._label_shown, scan.score_unit == "probability"
        job = Job(
            lambda progress, cancel: build_heat(score_map.values, score_map.cell_px, label, is_probability), "Heat map"
        )
        self._building = job
        job.finished.connect(lambda heat: self._built(job, heat))
        session.run_io(job)

    def _built(self, job: Job, heat: HeatPyramid) -> None:
        if job is self._building:
            self._building = None
            self.heat.set_heat(heat, self._section_box())
            self._style_heat()
