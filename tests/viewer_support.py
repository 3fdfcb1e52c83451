"""What the tests of the section view share: its pixels on the screen, a turn of the wheel, a section put into it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QRegion, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.session_opening import Opened
from app.session_state import SavedView
from core.look import Look


def show(viewer, section, saved=None, look=None) -> None:
    viewer.session.adopt(Opened(section, saved=saved or SavedView(), look=look or Look()))


def wait_sharp(qtbot, viewer) -> None:
    qtbot.waitUntil(lambda: viewer.is_sharp, timeout=10_000)


def grabbed(viewer) -> np.ndarray:
    """The scene as the viewport shows it, without what lies over it: (rows, columns, 3) uint8, in device px."""
    viewport, ratio = viewer.canvas.viewport(), viewer.devicePixelRatioF()
    image = QImage(viewport.size() * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    viewport.render(image, QPoint(), QRegion(), QWidget.RenderFlag.DrawWindowBackground)
    return rgb(image)


def rgb(image: QImage) -> np.ndarray:
    """(rows, columns, 3) uint8."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def wheel(viewer, position: QPointF, angle: int) -> None:
    event = QWheelEvent(
        position,
        viewer.canvas.viewport().mapToGlobal(position),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewer.canvas.viewport(), event)
