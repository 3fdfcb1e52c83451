"""Decides how mistakes, and places of a cell of the confusion, are shown: crops side by side with what was said of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem

from app.theme import SPACE, tokens
from core.geometry import Box

SIDE = 128


@dataclass(frozen=True)
class Shown:
    """One picture: images (the crop, and the reasons over it), what stands below, and more for who points at it."""

    images: tuple[QImage, ...]
    text: str
    tip: str = ""


class PictureList(QListWidget):
    """A grid of pictures that wraps with the width."""

    def __init__(self, name: str, images: int = 1) -> None:
        super().__init__()
        self._icon = QSize(images * SIDE + (images - 1) * SPACE // 2, SIDE)
        self.setAccessibleName(name)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setWordWrap(True)
        self.setFrameShape(self.Shape.NoFrame)
        self.setSpacing(SPACE // 2)
        self.setIconSize(self._icon)
        lines = 3 * self.fontMetrics().lineSpacing()
        self.setGridSize(QSize(self._icon.width() + 3 * SPACE, SIDE + lines + 3 * SPACE))
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)

    def show_pictures(self, pictures: list[Shown]) -> None:
        self.clear()
        for one in pictures:
            self.add(one)

    def add(self, one: Shown) -> None:
        item = QListWidgetItem(QIcon(self._side_by_side(one.images)), one.text)
        item.setToolTip(one.tip or one.text)
        item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.addItem(item)

    def _side_by_side(self, images: tuple[QImage, ...]) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self._icon * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left = (self._icon.width() - len(images) * SIDE - (len(images) - 1) * SPACE // 2) / 2
        for place, image in enumerate(images):
            painter.drawImage(QRectF(left + place * (SIDE + SPACE // 2), 0, SIDE, SIDE), image)
        painter.end()
        return pixmap


def image_of_jpeg(encoded: str) -> QImage:
    """From base64; an empty image for what is none."""
    return QImage.fromData(base64.b64decode(encoded))


def image_of_pixels(pixels: np.ndarray) -> QImage:
    """(h, w, 3) uint8 RGB."""
    height, width = pixels.shape[:2]
    return QImage(np.ascontiguousarray(pixels).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def with_box(image: QImage, shown: Box, box: Box) -> QImage:
    """The image with a box drawn on it; both in level-0 px, `shown` is all of the image."""
    if box == shown or image.isNull() or not shown.area:
        return image
    drawn = image.convertToFormat(QImage.Format.Format_RGB32)
    place = box.moved(-shown.x, -shown.y)
    scale_x, scale_y = drawn.width() / shown.w, drawn.height() / shown.h
    painter = QPainter(drawn)
    for colour, width in ((QColor(0, 0, 0, 110), 4.0), (QColor(tokens().warning), 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawRect(QRectF(place.x * scale_x, place.y * scale_y, place.w * scale_x, place.h * scale_y))
    painter.end()
    return drawn
