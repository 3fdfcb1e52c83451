"""Decides where the divider of a swipe stands: left of it the section is bare, right of it pictures lie over it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject

from app.compare.halves import GRIP, Divider
from app.session import Session
from app.viewer.canvas import Canvas
from app.viewer.laid_layers import LaidLayers

_LEAST = 0.02


class Swipe(QObject):
    """The divider over a canvas, while `session.pictures.swipe` says where."""

    def __init__(self, session: Session, canvas: Canvas, layers: LaidLayers) -> None:
        super().__init__(canvas)
        self._session, self._canvas, self._layers = session, canvas, layers
        self.divider = Divider(canvas.viewport())
        self.divider.setToolTip("Drag to uncover the section, or what lies over it")
        self.divider.hide()
        self.divider.dragged.connect(self._dragged)
        session.pictures.chosen_changed.connect(self.place)
        canvas.camera_changed.connect(self._view_moved)
        canvas.viewport().installEventFilter(self)

    def place(self) -> None:
        share, viewport = self._session.pictures.swipe, self._canvas.viewport()
        self.divider.setVisible(share is not None)
        if share is not None:
            self.divider.setGeometry(round(share * viewport.width() - GRIP / 2), 0, GRIP, viewport.height())
            self.divider.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.place()
        return False

    def _dragged(self, x: float) -> None:
        share = x / max(self._canvas.viewport().width(), 1)
        self._session.pictures.set_swipe(min(max(share, _LEAST), 1 - _LEAST))

    def _view_moved(self) -> None:
        """A scroll takes along what was painted, and the divider."""
        if self._session.pictures.swipe is not None:
            self.place()
            self._layers.swipe_again()
