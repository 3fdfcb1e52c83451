"""Decides how detections are drawn on the section and which one lies under a point.

A few are lines, drawn as such; many are tiles (`app.viewer.overlay_boxes`). The selected one is framed on top. Which ones
are shown is the session's decision, their colours are `app.class_colours`'.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.class_colours import class_colours
from app.viewer.overlay_boxes import HALO_ALPHA, HALO_PX, MIN_SCREEN_PX, BoxPainter, Stroke, drawn_edges, outlined
from app.viewer.overlay_item import TiledOverlay
from app.viewer.overlay_sheet import Device, View, exposed_parts
from app.viewer.overlay_worker import OverlayWorker
from core.box_index import BoxIndex
from core.detection import Detection
from core.geometry import Box

Array = np.ndarray

FEW = 12  # in sight; drawn as lines, which takes longer than copying tiles
_REACH_PX = 3.0  # on the screen, how far beside a box still hits it
_LINE_PX = 8.0  # on the screen, how far lines may reach beyond a box
_BEYOND = 0.02  # of the section's side, how far small boxes at its border may be drawn beyond it
_edges_of = attrgetter("box.x", "box.y", "box.w", "box.h")


@dataclass(frozen=True)
class BoxSet:
    """Detections made ready to be drawn and found, the first of them on top."""

    detections: Sequence[Detection]
    index: BoxIndex
    painter: BoxPainter
    strokes: Sequence[Stroke]
    stroke_of: Array  # of each detection, its place in `strokes`
    rings: Mapping[int, Array] = field(default_factory=dict)  # outlines by row, of those that have one


def box_set(detections: Sequence[Detection], labels: Sequence[str], artefact_labels: Collection[str]) -> BoxSet:
    """Takes about a millisecond for a thousand; may be called in any thread."""
    index = BoxIndex(_edges(detections))
    strokes, stroke_of = _strokes(detections, labels, artefact_labels)
    rings = {row: np.array(one.outline) for row, one in enumerate(detections) if one.outline}
    return BoxSet(detections, index, BoxPainter(index, strokes, stroke_of, rings), strokes, stroke_of, rings)


def with_decisions(
    boxes: BoxSet, after: Sequence[Detection], rows: Sequence[int], labels: Sequence[str], artefacts: Collection[str]
) -> BoxSet:
    """The same detections, of which those in `rows` have another status: without looking at all the others."""
    new, new_of = _strokes([after[row] for row in rows], labels, artefacts)
    strokes = _in_order({*boxes.strokes, *new})
    moved = np.array([strokes.index(stroke) for stroke in boxes.strokes], np.int64)
    stroke_of = moved[boxes.stroke_of]
    stroke_of[list(rows)] = [strokes.index(new[place]) for place in new_of]
    return BoxSet(after, boxes.index, boxes.painter.restroked(strokes, stroke_of), strokes, stroke_of, boxes.rings)


class BoxesItem(TiledOverlay):
    """Boxes in scene coordinates, which are level-0 px."""

    def __init__(self, worker: OverlayWorker, budget: int) -> None:
        super().__init__(worker, budget)
        self._boxes = box_set((), (), ())
        self._selected: Detection | None = None
        self.revision = 0  # goes up with every other set of detections

    @property
    def centres(self) -> Array:
        """(n, 2) level-0 px of the boxes' middles, the first detection first."""
        edges = self._boxes.index.edges
        return (edges[:, :2] + edges[:, 2:]) / 2

    def show_boxes(self, boxes: BoxSet, section: Box) -> None:
        """Shows these instead of those before, over a section that covers `section`."""
        self._boxes = boxes
        self.revision += 1
        painter = boxes.painter if len(boxes.detections) else None
        self.show_tiles_of(painter, section.grown(_BEYOND * max(section.w, section.h)))

    @property
    def boxes(self) -> BoxSet:
        return self._boxes

    def restroke(self, boxes: BoxSet, rows: Sequence[int]) -> None:
        """The same boxes, of which those in `rows` are drawn differently."""
        self._boxes = boxes
        areas = [Box.from_edges(*each) for each in boxes.index.edges[list(rows)].tolist()]
        self.repaint_in(boxes.painter, areas, _LINE_PX + MIN_SCREEN_PX)

    def set_selected(self, detection: Detection | None) -> None:
        """Frames this one, if it is among those shown."""
        before, self._selected = self._selected, detection
        if (before and before.box) != (detection and detection.box):
            self.update()

    def hit(self, x_px: float, y_px: float, zoom: float) -> Detection | None:
        """The smallest box under a level-0 point, at `zoom` device-independent px per level-0 px."""
        reach = (MIN_SCREEN_PX / 2 + _REACH_PX) / zoom
        index = self._boxes.index
        found = index.touching(x_px - reach, y_px - reach, x_px + reach, y_px + reach)
        edges = drawn_edges(index.edges[found], zoom)
        reach = _REACH_PX / zoom
        inside = (edges[:, 0] - reach <= x_px) & (x_px <= edges[:, 2] + reach)
        inside &= (edges[:, 1] - reach <= y_px) & (y_px <= edges[:, 3] + reach)
        if not inside.any():
            return None
        areas = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
        return self._boxes.detections[int(found[np.argmin(np.where(inside, areas, np.inf))])]

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        zoom = painter.worldTransform().m11()
        if len(self._boxes.detections):
            self._paint_boxes(painter, option, widget, zoom)
        if self._selected is not None:
            _paint_frame(painter, drawn_edges(_edges([self._selected]), zoom)[0], zoom)

    def _paint_boxes(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None, zoom: float
    ) -> None:
        seen = _seen(painter, option, widget)
        box = Box(seen.x(), seen.y(), seen.width(), seen.height())
        if self.needs_tiles(box, zoom):
            super().paint(painter, option, widget)
        else:
            if widget is not None:
                ratio = painter.device().devicePixelRatioF()
                self._look_at(View(box, zoom * ratio, ratio), painter.opacity())
            self._paint_lines(painter, exposed_parts(painter, option.exposedRect), zoom)

    def needs_tiles(self, box: Box, zoom: float) -> bool:
        """A few are drawn as lines."""
        wide = box.grown((_LINE_PX + MIN_SCREEN_PX) / zoom)
        return self._boxes.index.more_than(FEW, wide.x, wide.y, wide.x1, wide.y1)

    def _has_own_picture(self, view: View, area: Box) -> bool:
        return not self.needs_tiles(view.box, view.zoom / view.ratio) or super()._has_own_picture(view, area)

    def _draw_view(self, painter: QPainter, device: Device, view: View, area: Box) -> None:
        zoom = view.zoom / view.ratio
        if self.needs_tiles(view.box, zoom):
            super()._draw_view(painter, device, view, area)
        else:
            painter.setTransform(device.world)
            self._paint_lines(painter, [QRectF(area.x, area.y, area.w, area.h)], zoom)

    def _paint_lines(self, painter: QPainter, areas: Sequence[QRectF], zoom: float) -> None:
        """With a dark edge under every box, so that bright lines stand out on bright metal."""
        touching = [self._boxes.index.touching(*_grown(area, _LINE_PX + MIN_SCREEN_PX, zoom)) for area in areas]
        found = touching[0] if len(touching) == 1 else np.unique(np.concatenate(touching))
        if not found.size:
            return
        stroke_of = self._boxes.stroke_of[found]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(QColor(0, 0, 0, HALO_ALPHA), HALO_PX))
        self._draw_frames(painter, found, zoom)
        for place in np.unique(stroke_of).tolist():
            painter.setPen(_stroke_pen(self._boxes.strokes[place]))
            self._draw_frames(painter, found[stroke_of == place], zoom)

    def _draw_frames(self, painter: QPainter, found: Array, zoom: float) -> None:
        edges = self._boxes.index.edges[found]
        has_ring = outlined(found, edges, self._boxes.rings, zoom)
        painter.drawRects(_rects(drawn_edges(edges[~has_ring], zoom)))
        for number in found[has_ring].tolist():
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in self._boxes.rings[number].tolist()]))


def _edges(detections: Sequence[Detection]) -> Array:
    """(n, 4) x0, y0, x1, y1 in level-0 px."""
    flat = np.fromiter(chain.from_iterable(map(_edges_of, detections)), np.float64, 4 * len(detections)).reshape(-1, 4)
    flat[:, 2:] += flat[:, :2]
    return flat


def _strokes(
    detections: Sequence[Detection], labels: Sequence[str], artefact_labels: Collection[str]
) -> tuple[list[Stroke], Array]:
    """The strokes in use, rejected ones first so that what counts is drawn over them, and each detection's place."""
    colours = {label: colour.name() for label, colour in class_colours(tuple(labels)).items()}
    kinds = [(d.label, d.status) for d in detections]
    stroke_of_kind = {
        (label, status): _stroke(status, colours.get(label, "#f2a516"), label in artefact_labels)
        for label, status in set(kinds)
    }
    strokes = _in_order(set(stroke_of_kind.values()))
    place = {kind: strokes.index(stroke) for kind, stroke in stroke_of_kind.items()}
    return strokes, np.fromiter(map(place.__getitem__, kinds), np.int64, len(kinds))


def _in_order(strokes: Collection[Stroke]) -> list[Stroke]:
    """What counts most last, to be drawn on top."""
    return sorted(strokes, key=lambda s: (s.alpha, s.width, s.colour, not s.dashed))


def _stroke(status: str, colour: str, is_artefact: bool) -> Stroke:
    dashed = is_artefact or status == "artefact"
    if status == "false_alarm":
        return Stroke(colour, 1.0, True, 110)
    return Stroke(colour, 3.0 if status == "defect" else 1.75, dashed, 255)


def _paint_frame(painter: QPainter, edges: Array, zoom: float) -> None:
    """Around the selected box."""
    grow = 4 / zoom
    frame = _rects(edges[None])[0].adjusted(-grow, -grow, grow, grow)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 170), 5.0), (QColor(255, 255, 255), 2.5)):
        painter.setPen(_pen(colour, width))
        painter.drawRect(frame)


def _stroke_pen(stroke: Stroke) -> QPen:
    colour = QColor(stroke.colour)
    colour.setAlpha(stroke.alpha)
    pen = _pen(colour, stroke.width)
    if stroke.dashed:
        pen.setDashPattern([4.0, 3.0])
    return pen


def _pen(colour: QColor, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    return pen


def _rects(edges: Array) -> list[QRectF]:
    return [QRectF(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in edges.tolist()]


def _seen(painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None) -> QRectF:
    """What of the scene the viewport shows; all of it decides, not only what is exposed now."""
    if widget is None:
        return option.exposedRect
    return painter.worldTransform().inverted()[0].mapRect(QRectF(widget.rect()))


def _grown(area: QRectF, margin_px: float, zoom: float) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of an area with a margin of px on the screen."""
    margin = margin_px / zoom
    return area.left() - margin, area.top() - margin, area.right() + margin, area.bottom() + margin
