"""Decides how the rectangle that is to be scanned looks on the section: a dashed outline, while that is what is chosen."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.viewer.layer_stack import LayerStack
from core.geometry import Box

LAYER = "scan_region"
LINE, _RIM = QColor("#ffffff"), QColor(0, 0, 0, 165)
_LINE_PX, _RIM_PX = 1.5, 3.5
_DASHES = [6.0, 4.0]  # line widths


class RegionItem(QGraphicsItem):
    """In scene coordinates, which are level-0 px; the line is as wide at every zoom."""

    def __init__(self) -> None:
        super().__init__()
        self.region: Box | None = None
        self._bounds = QRectF()

    def show_region(self, region: Box | None) -> None:
        self.prepareGeometryChange()
        self.region = region
        # The line reaches beyond: by more px of the section the further away one is.
        self._bounds = QRectF() if region is None else _rect(region.grown(max(region.w, region.h, 64)))
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.region is None:
            return
        ratio = painter.device().devicePixelRatioF()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((_RIM, _RIM_PX), (LINE, _LINE_PX)):
            pen = QPen(colour, width * ratio)
            pen.setCosmetic(True)
            if colour is LINE:
                pen.setDashPattern(_DASHES)
            painter.setPen(pen)
            painter.drawRect(_rect(self.region))


def _rect(box: Box) -> QRectF:
    return QRectF(box.x, box.y, box.w, box.h)


class RegionLayer(QObject):
    """The layer "scan_region" of one scene; it joins the others with the first rectangle that is drawn."""

    def __init__(self, stack: LayerStack) -> None:
        super().__init__(stack)
        self._stack = stack
        self.item: RegionItem | None = None

    def show_region(self, region: Box | None) -> None:
        """`region`: level-0 px; None takes it away."""
        if self.item is None:
            if region is None:
                return
            self.item = RegionItem()
            self._stack.add(LAYER, "Region to scan", self.item)
        self.item.show_region(region)
