"""Decides how the place under the pointer is shown in the other view of a comparison."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject

from app.viewer.canvas import Canvas
from app.viewer.crosshair import Crosshair


class Pairs(Protocol):
    """Who knows what lies beside what."""

    def counterpart(self, x_px: float, y_px: float, of_left: bool) -> tuple[float, float] | None: ...


class Marks(QObject):
    """A crosshair in each view, which follows the pointer in the other one and goes when that rests or leaves."""

    def __init__(self, pairs: Pairs, left: Canvas, right: Canvas) -> None:
        super().__init__(right)
        self._pairs = pairs
        self.left, self.right = Crosshair(left), Crosshair(right)
        left.pointer_moved.connect(lambda x, y: self._show(self.right, x, y, of_left=True))
        right.pointer_moved.connect(lambda x, y: self._show(self.left, x, y, of_left=False))
        left.pointer_left.connect(self.right.hide)
        right.pointer_left.connect(self.left.hide)

    def hide(self) -> None:
        self.left.hide()
        self.right.hide()

    def _show(self, mark: Crosshair, x_px: float, y_px: float, *, of_left: bool) -> None:
        point = self._pairs.counterpart(x_px, y_px, of_left)
        if point is None:
            mark.hide()
        else:
            mark.show_at(*point)
