"""Decides how the camera moves from here to there: at once, or in a short flight that any new wish interrupts."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation, Signal

from app.theme import animations_wanted
from app.viewer.camera import Camera


class Flight(QObject):
    """`moved(Camera)` for every step. `target` is where it will end, or where it is."""

    moved = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.target: Camera | None = None
        self._start: Camera | None = None
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._step)

    @property
    def flying(self) -> bool:
        return self._animation.state() == QVariantAnimation.State.Running

    def go(self, start: Camera, target: Camera, duration_ms: int) -> None:
        """Flies from `start`; a flight on its way ends where it is."""
        self._animation.stop()
        self._start, self.target = start, target
        if duration_ms > 0 and animations_wanted():
            self._animation.setDuration(duration_ms)
            self._animation.start()
        else:
            self.moved.emit(target)

    def stop(self) -> None:
        self._animation.stop()
        self.target = None

    def _step(self, share: float) -> None:
        if self._start is not None and self.target is not None:
            self.moved.emit(self._start.towards(self.target, share))
