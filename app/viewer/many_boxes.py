"""Decides how thousands of boxes in sight are painted: as plain lines into one picture, which takes a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

Array = np.ndarray

_BEYOND = 8  # device px outside the picture where edges out of sight are drawn


def paint_many(painter: QPainter, area: QRectF, groups: Iterable[tuple[Array, QColor]]) -> None:
    """Paints boxes, (n, 4) scene edges x0, y0, x1, y1, each group in its colour; later groups over earlier ones.

    `area` is the part of the scene to paint. The painter's transform must be upright.
    """
    import cv2

    world, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
    on_device = world.mapRect(area)
    left, top = np.floor(on_device.left() * ratio), np.floor(on_device.top() * ratio)
    width = int(np.ceil(on_device.right() * ratio) - left) + 1
    height = int(np.ceil(on_device.bottom() * ratio) - top) + 1
    picture = np.zeros((height, width, 4), np.uint8)
    scale = np.array([world.m11(), world.m22()] * 2) * ratio
    offset = np.array([world.dx(), world.dy()] * 2) * ratio - [left, top, left, top]
    limit = np.array([width, height] * 2) + _BEYOND
    for edges, colour in groups:
        x0, y0, x1, y1 = np.clip(np.rint(edges * scale + offset), -_BEYOND, limit).astype(np.int32).T
        corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2)
        share = colour.alpha() / 255
        paint = tuple(round(v * share) for v in (colour.blue(), colour.green(), colour.red(), 255))
        cv2.polylines(picture, list(corners), True, paint, max(1, round(ratio)))
    image = QImage(picture.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    painter.save()
    painter.resetTransform()
    painter.drawImage(QRectF(left / ratio, top / ratio, width / ratio, height / ratio), image)
    painter.restore()
