"""Decides which drawings are painted and in which order, and which one lies under a point.

All of them are one item of the scene, whose coordinates are level-0 px. The one that is being drawn or dragged stands
for its stored self.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPolygonF, QTransform
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.measure_text import label_text
from app.viewer.drawing_labels import DrawingLabels, Label, label_for, paint_label
from app.viewer.drawing_strokes import colour_of, octave_of, outline_at, paint_handles, paint_lines, paint_thin
from core.drawing import Drawing
from core.drawing_hits import nearest, nearest_handle, nearest_point
from core.geometry import Box
from core.measure import PixelSize, measure

REACH_PX = 6.0  # on the screen, how far beside a line still hits it
HANDLE_REACH_PX = 8.0
FEW = 24  # in view; beyond, lines are thin so that zooming stays smooth
_VIEW_PX = 1600.0  # about as much of the section as a view shows, on the screen


class _Known(NamedTuple):
    """What is worked out once of a drawing: its edges (x0, y0, x1, y1) and its label."""

    drawing: Drawing
    edges: tuple[float, float, float, float]
    label: Label


class DrawingsItem(QGraphicsItem):
    """The drawings of a section."""

    def __init__(self) -> None:
        super().__init__()
        self._drawings: Sequence[Drawing] = ()
        self._edges = np.zeros((0, 4))  # x0, y0, x1, y1
        self._labels = DrawingLabels()
        self._bounds = QRectF()
        self._known: dict[int, _Known] = {}  # by id
        self._pixel_size: PixelSize | None = None
        self._octave, self._outlines = 0, dict[int, QPolygonF | None]()
        self._area = 0.0  # in which they lie, level-0 px²
        self._selected: int | None = None
        self._draft: Drawing | None = None
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    # -- what is shown ----------------------------------------------------------------------------

    def set_drawings(self, drawings: Sequence[Drawing], pixel_size_um: PixelSize | None, section: Box) -> None:
        """Shows these, the last of them on top."""
        self.prepareGeometryChange()
        self._drawings = drawings
        self._outlines = {}
        looked_at = self._look_at(drawings, pixel_size_um)
        self._edges = np.array([known.edges for known in looked_at], float).reshape(-1, 4)
        self._labels.set_labels([known.label for known in looked_at])
        self._area = float(np.prod(np.ptp(self._edges.reshape(-1, 2), axis=0))) if drawings else 0.0
        margin = 2 * max(section.w, section.h)  # drawings may reach out of the section
        self._bounds = QRectF(section.x, section.y, section.w, section.h).adjusted(-margin, -margin, margin, margin)
        self.update()

    def _look_at(self, drawings: Sequence[Drawing], pixel_size_um: PixelSize | None) -> list[_Known]:
        """Measures those that are new or changed."""
        old = self._known if pixel_size_um == self._pixel_size else {}
        self._pixel_size = pixel_size_um
        found = []
        for drawing in drawings:
            known = old.get(drawing.id)
            if known is None or known.drawing is not drawing:
                box, text = drawing.box, label_text(drawing, measure(drawing, pixel_size_um))
                known = _Known(drawing, (box.x, box.y, box.x1, box.y1), label_for(drawing, text))
            found.append(known)
        self._known = {known.drawing.id: known for known in found}
        return found

    def set_selected(self, drawing_id: int | None) -> None:
        if drawing_id != self._selected:
            self._selected = drawing_id
            self.update()

    def set_draft(self, draft: Drawing | None) -> None:
        """What is being drawn (its id is 0), or how a stored one would look."""
        if draft != self._draft:
            self._draft = draft
            self.update()

    @property
    def draft(self) -> Drawing | None:
        return self._draft

    # -- what is where ----------------------------------------------------------------------------

    def hit(self, x_px: float, y_px: float, zoom: float) -> Drawing | None:
        """The drawing whose line is under a level-0 point, at `zoom` device-independent px per level-0 px."""
        reach = REACH_PX / zoom
        chosen = self._selected_drawing()
        if chosen is not None and nearest([chosen], x_px, y_px, reach) is not None:
            return chosen
        return nearest(self._near(x_px, y_px, reach), x_px, y_px, reach)

    def handle(self, x_px: float, y_px: float, zoom: float) -> int | None:
        """Which handle of the selected drawing is there; none where it is so small that they would hide it."""
        chosen = self._selected_drawing()
        if chosen is None or (max(chosen.box.w, chosen.box.h) * zoom < 3 * HANDLE_REACH_PX and len(chosen.points) > 1):
            return None
        return nearest_handle(chosen, x_px, y_px, HANDLE_REACH_PX / zoom)

    def point_near(self, x_px: float, y_px: float, reach_px: float, without: int = 0) -> tuple[float, float] | None:
        """The nearest point of a drawing other than `without`, within `reach_px` level-0 px."""
        near = (d for d in self._near(x_px, y_px, reach_px) if d.id != without)
        return nearest_point(near, x_px, y_px, reach_px)

    def _near(self, x_px: float, y_px: float, reach: float) -> list[Drawing]:
        e = self._edges
        inside = (e[:, 0] - reach <= x_px) & (x_px <= e[:, 2] + reach)
        inside &= (e[:, 1] - reach <= y_px) & (y_px <= e[:, 3] + reach)
        return [self._drawings[i] for i in np.flatnonzero(inside).tolist()]

    def _selected_drawing(self) -> Drawing | None:
        return next((d for d in self._drawings if d.id == self._selected), None)

    # -- painting ---------------------------------------------------------------------------------

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if not len(self._edges) and self._draft is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        zoom = painter.worldTransform().m11()
        sight = option.exposedRect
        draft = self._draft.id if self._draft is not None else 0
        shown = [(i, self._drawings[i]) for i in self._in_sight(sight, 24 / zoom)]
        plain = [(i, d) for i, d in shown if d.id not in (self._selected, draft)]
        if self._is_crowded(zoom):
            paint_thin(painter, [(d, self._outline(i, zoom)) for i, d in plain], sight)
        else:
            for _, drawing in plain:
                paint_lines(painter, drawing, sight, selected=False)
        chosen = next((d for _, d in shown if d.id == self._selected and d.id != draft), None)
        for on_top in filter(None, (chosen, self._draft)):
            paint_lines(painter, on_top, sight, selected=True)
            paint_handles(painter, on_top, sight)
        self._paint_labels(painter, sight)

    def _is_crowded(self, zoom: float) -> bool:
        """Whether so many may be in view at once that lines are thin; the same for every part of the view."""
        if len(self._drawings) <= FEW:
            return False
        return len(self._drawings) * (_VIEW_PX / zoom) ** 2 / max(self._area, 1.0) > FEW

    def _outline(self, index: int, zoom: float) -> QPolygonF | None:
        """Kept for the octave of the zoom."""
        if octave_of(zoom) != self._octave:
            self._octave, self._outlines = octave_of(zoom), {}
        if index not in self._outlines:
            self._outlines[index] = outline_at(self._drawings[index], zoom)
        return self._outlines[index]

    def _in_sight(self, sight: QRectF, margin: float) -> list[int]:
        e = self._edges
        inside = (e[:, 0] <= sight.right() + margin) & (e[:, 2] >= sight.left() - margin)
        inside &= (e[:, 1] <= sight.bottom() + margin) & (e[:, 3] >= sight.top() - margin)
        return np.flatnonzero(inside).tolist()

    def _paint_labels(self, painter: QPainter, sight: QRectF) -> None:
        """In the viewport's px."""
        view = painter.worldTransform()
        zoom = view.m11()
        seen = QRectF(sight.x() * zoom, sight.y() * zoom, sight.width() * zoom, sight.height() * zoom)
        painter.save()
        painter.setWorldTransform(QTransform())
        draft = self._draft.id if self._draft is not None else 0
        labelled = [i for i in self._labels.in_sight(zoom, seen) if self._drawings[i].id not in (self._selected, draft)]
        chosen = next((i for i, d in enumerate(self._drawings) if d.id == self._selected and d.id != draft), None)
        for index in (*labelled, *([] if chosen is None or not self._labels.texts[chosen] else [chosen])):
            at = self._labels.rect(index, zoom).translated(view.dx(), view.dy())
            paint_label(painter, self._labels.texts[index], at, colour_of(self._drawings[index]))
        painter.restore()
