"""Decides how drawings, fiducials and the grid are painted over an exported picture: as on the screen, in proportion to it.

They are painted tile by tile in the thread that writes, from a state that nobody changes any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem

from app.layer_styles import GridStyle
from app.viewer.drawings_item import DrawingsItem
from app.viewer.fiducials_item import FiducialsItem
from app.viewer.overlay_grid import GridItem
from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.drawing import Drawing
from core.section_info import SectionInfo

if TYPE_CHECKING:
    from app.session_registration import RegistrationControl


class ItemPainter:
    """Paints tiles of an item that is in no scene, whose coordinates are level-0 px."""

    def __init__(self, item: QGraphicsItem) -> None:
        self._item = item

    def paint(self, tile: OverlayTile) -> Painted:
        image = QImage(TILE, TILE, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(tile.ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.translate(-tile.column * TILE / tile.ratio, -tile.row * TILE / tile.ratio)
        painter.scale(tile.zoom / tile.ratio, tile.zoom / tile.ratio)
        option, box = QStyleOptionGraphicsItem(), tile.box
        option.exposedRect = QRectF(box.x, box.y, box.w, box.h)
        self._item.paint(painter, option)
        painter.end()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(TILE, TILE, 4)
        return Painted(pixels.copy() if pixels[..., 3].any() else None)


def drawings_painter(drawings: list[Drawing], info: SectionInfo) -> ItemPainter:
    """All of them, none selected."""
    item = DrawingsItem()
    item.set_drawings(list(drawings), info.pixel_size_um, info.box)
    return ItemPainter(item)


def fiducials_painter(registration: RegistrationControl, info: SectionInfo) -> ItemPainter:
    """All of them as they are now, none selected, with the residuals as arrows."""
    item = FiducialsItem()
    item.show_registration(registration, info.box, selected=False)
    return ItemPainter(item)


def grid_painter(style: GridStyle, info: SectionInfo) -> ItemPainter:
    """Lines as far apart as the style says; by themselves as suits the scale of the picture."""
    item = GridItem()
    item.set_grid(info.box, info.pixel_size_um, style)
    return ItemPainter(item)
