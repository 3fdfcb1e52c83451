"""The fixed path that `pan.py` takes: one action per frame, by the same mouse and wheel events that a hand would send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.viewer.camera import Camera
from app.viewer.canvas import Canvas

Action = Callable[[], None]

STROKE_PX = 480
NOTCH_EVERY = 5  # frames between two notches of the wheel
PLACES = ((0.31, 0.37), (0.62, 0.55), (0.44, 0.71))
JUMPS = ((0.12, 0.83), (0.77, 0.21), (0.35, 0.15), (0.88, 0.66), (0.52, 0.94), (0.07, 0.41), (0.66, 0.79), (0.25, 0.58))


class Path:
    """Segments of actions. A segment begins by placing the camera, which counts as its first frame."""

    def __init__(self, canvas: Canvas, size: int, frames: int) -> None:
        self._canvas, self._size, self._frames = canvas, size, frames

    def segments(self) -> dict[str, Iterator[Action]]:
        return {
            "pan slow, 1:1": self.pan(1.0, 0.30, 4, 3),
            "pan fast, 1:1": self.pan(1.0, 0.45, 40, 20),
            "pan, zoom 0.7": self.pan(0.7, 0.20, 20, -14),
            "pan, zoom 0.3": self.pan(0.3, 0.50, 20, 12),
            "pan, zoom 0.06": self.pan(0.06, 0.35, 10, 8),
            "zoom in and out": self.zoom(),
        }

    def jump(self, share_x: float, share_y: float) -> None:
        self.place(share_x, share_y, 1.0)

    def place(self, share_x: float, share_y: float, zoom: float) -> None:
        self._canvas.fly(Camera(share_x * self._size, share_y * self._size, zoom), 0)

    def pan(self, zoom: float, share: float, dx: int, dy: int) -> Iterator[Action]:
        """Drags from a place (share of the side, both ways) by so many px a frame."""
        yield lambda: self.place(share, share, zoom)
        middle = QPointF(self._canvas.viewport().rect().center())
        grip = QPointF(middle)
        yield lambda: self._mouse(QEvent.Type.MouseButtonPress, middle)
        for _ in range(self._frames):
            if abs(grip.x() - middle.x()) + abs(grip.y() - middle.y()) > STROKE_PX:
                self._mouse(QEvent.Type.MouseButtonRelease, grip)
                self._mouse(QEvent.Type.MouseButtonPress, middle)
                grip = QPointF(middle)
            grip = grip - QPointF(dx, dy)
            at = QPointF(grip)
            yield partial(self._mouse, QEvent.Type.MouseMove, at)
        yield lambda: self._mouse(QEvent.Type.MouseButtonRelease, grip)

    def zoom(self, places: Sequence[tuple[float, float]] = PLACES, notches: int = 12) -> Iterator[Action]:
        for share_x, share_y in places:
            yield partial(self.place, share_x, share_y, 0.1)
            for angle in [120] * notches + [-120] * notches:
                yield partial(self._wheel, angle)
                for _ in range(NOTCH_EVERY - 1):
                    yield lambda: None

    def _mouse(self, kind: QEvent.Type, at: QPointF) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        button = none if kind == QEvent.Type.MouseMove else left
        held = none if kind == QEvent.Type.MouseButtonRelease else left
        viewport = self._canvas.viewport()
        event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)

    def _wheel(self, angle: int) -> None:
        viewport = self._canvas.viewport()
        at = QPointF(viewport.width() * 0.6, viewport.height() * 0.4)
        no = Qt.KeyboardModifier.NoModifier
        none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(at, viewport.mapToGlobal(at), QPoint(), QPoint(0, angle), none, no, phase, False)
        QApplication.sendEvent(viewport, event)
