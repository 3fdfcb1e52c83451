"""Decides what is laid over an exported picture: scale bar, drawings and grid in proportion to it, the rest as on the screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter

from app.viewer.overlay_tiles import TILE, OverlayTile, TilePainter
from core.picture import Overlay
from core.scale_bar import scale_for
from core.section import Array, RegionRequest

_BAR_SHARE, _MOST_BAR_PX = 0.2, 4000.0  # of the picture's width
_SCREEN_UNIT_PX = 8.0  # a hundredth of the height of a usual view
_LEAST_PICTURE_PX = 48  # a smaller one has no room for a bar


@dataclass(frozen=True, slots=True)
class Layer:
    """What paints tiles of an overlay, and how strongly it is laid over.

    `in_proportion`: its lines and labels grow with the picture. `offered`: it is chosen before anybody chooses.
    """

    painter: TilePainter
    opacity: float
    in_proportion: bool = False
    offered: bool = False


@dataclass(frozen=True, slots=True)
class _Stamp:
    """(h, w, 4) uint8 RGBA, straight alpha, at this place of the picture."""

    x: int
    y: int
    pixels: Array


def overlay_for(
    request: RegionRequest, layers: Sequence[Layer], scale_bar: bool, um_per_px: float | None
) -> Overlay | None:
    """What lies over a picture of `request`, the first layer lowest; `um_per_px` at level 0. None: nothing."""
    stamp = _scale_stamp(request, um_per_px) if scale_bar else None
    if not layers and stamp is None:
        return None

    def overlay(x: int, y: int, width: int, height: int) -> Array | None:
        over = np.zeros((height, width, 4), np.float32)  # premultiplied RGBA, 0 to 1
        for layer in layers:
            _lay_over(over, _painted(layer, request, x, y, width, height))
        result = _straight(over)
        if stamp is not None:
            _press(result, stamp, x, y)
        return result if result[..., 3].any() else None

    return overlay


def _painted(layer: Layer, request: RegionRequest, x: int, y: int, width: int, height: int) -> Array:
    """(height, width, 4) float32 premultiplied RGBA. Tiles count from the section's corner, pieces from the picture's."""
    d = request.downsample
    ratio = _label_scale(request) if layer.in_proportion else 1.0
    x0, y0 = request.x // d + x, request.y // d + y
    whole = np.zeros((height, width, 4), np.float32)
    for row in range(y0 // TILE, -(-(y0 + height) // TILE)):
        for column in range(x0 // TILE, -(-(x0 + width) // TILE)):
            pixels = layer.painter.paint(OverlayTile(1 / d, column, row, ratio)).pixels
            if pixels is None:
                continue
            left, top = max(column * TILE, x0), max(row * TILE, y0)
            right, bottom = min((column + 1) * TILE, x0 + width), min((row + 1) * TILE, y0 + height)
            part = pixels[top - row * TILE : bottom - row * TILE, left - column * TILE : right - column * TILE]
            rgba = part[..., [2, 1, 0, 3]].astype(np.float32) * (layer.opacity / 255)
            whole[top - y0 : bottom - y0, left - x0 : right - x0] = rgba
    return whole


def _lay_over(under: Array, over: Array) -> None:
    under *= 1 - over[..., 3:]
    under += over


def _straight(premultiplied: Array) -> Array:
    alpha = premultiplied[..., 3:]
    colour = premultiplied[..., :3] / np.maximum(alpha, 1e-6)
    return np.rint(np.concatenate([colour, alpha], axis=2).clip(0, 1) * 255).astype(np.uint8)


def _press(result: Array, stamp: _Stamp, x: int, y: int) -> None:
    """The stamp replaces what lies under its opaque px and covers the rest in proportion."""
    h, w = stamp.pixels.shape[:2]
    x0, y0 = max(stamp.x, x), max(stamp.y, y)
    x1, y1 = min(stamp.x + w, x + result.shape[1]), min(stamp.y + h, y + result.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = stamp.pixels[y0 - stamp.y : y1 - stamp.y, x0 - stamp.x : x1 - stamp.x].astype(np.float32) / 255
    here = result[y0 - y : y1 - y, x0 - x : x1 - x]
    under = here.astype(np.float32) / 255
    under[..., :3] *= under[..., 3:]
    part[..., :3] *= part[..., 3:]
    _lay_over(under, part)
    here[...] = _straight(under)


def _unit(request: RegionRequest) -> float:
    """A hundredth of the picture, in px of it: what is in proportion is measured by it."""
    return max(min(*request.shape, 5 * _MOST_BAR_PX) / 100, 4.0)


def _label_scale(request: RegionRequest) -> float:
    """px of the picture per device-independent px of a screen: labels are never smaller than on one."""
    return max(_unit(request) / _SCREEN_UNIT_PX, 1.0)


def _scale_stamp(request: RegionRequest, um_per_px: float | None) -> _Stamp | None:
    """In the lower left corner, as on the screen but in proportion to the picture."""
    rows, columns = request.shape
    if min(rows, columns) < _LEAST_PICTURE_PX:
        return None
    scale = scale_for(1 / request.downsample, um_per_px, min(columns * _BAR_SHARE, _MOST_BAR_PX))
    unit = _unit(request)
    font = QFont()
    font.setPixelSize(max(round(2.2 * unit), 9))
    text = QFontMetricsF(font)
    width = math.ceil(max(scale.width, text.horizontalAdvance(scale.text)) + 2 * unit)
    height = math.ceil(text.height() + 2.4 * unit)
    image = QImage(width, height, QImage.Format.Format_RGBA8888)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(12, 14, 16, 170))
    painter.drawRoundedRect(QRectF(0, 0, width, height), unit / 2, unit / 2)
    painter.setPen(QColor("white"))
    painter.setFont(font)
    painter.drawText(QRectF(0, 0.5 * unit, width, text.height()), Qt.AlignmentFlag.AlignCenter, scale.text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    left = round((width - scale.width) / 2)
    painter.fillRect(left, round(height - 1.5 * unit), round(scale.width), max(round(0.7 * unit), 2), QColor("white"))
    painter.end()
    stored = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    margin = round(1.5 * unit)
    pixels = stored[:, : 4 * width].reshape(height, width, 4).copy()
    return _Stamp(margin, rows - height - margin, pixels)
