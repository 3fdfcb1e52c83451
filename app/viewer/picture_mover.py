"""Decides how the mouse moves the chosen picture over the section while that is switched on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QCursor, QMouseEvent
from PySide6.QtWidgets import QGraphicsView

from app.session import Session
from app.viewer.laid_layers import LaidLayers
from core.placement import Placement


class PictureMover(QObject):
    """Takes the left button from the view where that picture lies."""

    def __init__(self, session: Session, layers: LaidLayers, view: QGraphicsView) -> None:
        super().__init__(view)
        self._session, self._layers, self._view = session, layers, view
        self._held: tuple[int, QPointF, Placement] | None = None  # which, where it was taken in the scene, where it lay
        self._laid = Placement()
        self._cursor = QCursor()  # of whatever tool is in hand
        view.viewport().installEventFilter(self)
        session.leaving.connect(self._leave)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QMouseEvent):
            return False
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            return self._take(self._at(event))
        if self._held is None:
            return False
        if kind == QEvent.Type.MouseMove:
            picture_id, taken, lay = self._held
            moved = self._at(event) - taken
            self._laid = lay.moved(moved.x(), moved.y())
            self._layers.place(picture_id, self._laid)
        elif kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
            self._leave()
        return True

    def _at(self, event: QMouseEvent) -> QPointF:
        return self._view.viewportTransform().inverted()[0].map(event.position())

    def _take(self, at: QPointF) -> bool:
        pictures = self._session.pictures
        chosen = pictures.chosen_at(at.x(), at.y()) if pictures.movable else None
        if chosen is None or not self._layers.shows(chosen.id):
            return False
        lies = pictures.lies(chosen)
        self._held, self._laid = (chosen.id, at, lies), lies
        self._cursor = self._view.viewport().cursor()
        self._view.viewport().setCursor(Qt.CursorShape.SizeAllCursor)
        return True

    def _leave(self) -> None:
        """Lets go of the picture, where it is now."""
        if self._held is None:
            return
        picture_id, _, lay = self._held
        self._held = None
        self._view.viewport().setCursor(self._cursor)
        if self._laid != lay:
            self._session.pictures.lay_by_hand(picture_id, self._laid)
