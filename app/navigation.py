"""Decides which views Back and Forward go through: those that were looked at for a while, and both ends of a jump."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QMouseEvent

from app.session import Session
from app.session_state import ViewState
from app.viewer.camera import Camera
from app.viewer.crosshair import Crosshair
from app.viewer.viewer import Viewer

RESTED_MS = 800
_MOST = 200
_SAME_SHARE = 0.1  # of the view: a shorter way is no other place


class History:
    """Views in the order they were seen, and which of them is the present one."""

    def __init__(self) -> None:
        self._views: list[ViewState] = []
        self._at = -1

    def __len__(self) -> int:
        return len(self._views)

    def visit(self, view: ViewState, width_px: float) -> None:
        """`view` is looked at, `width_px` level-0 px wide. What lay ahead is forgotten, unless it's the same place."""
        if self._at >= 0 and _same(self._views[self._at], view, width_px):
            self._views[self._at] = view
            return
        del self._views[self._at + 1 :]
        self._views.append(view)
        del self._views[:-_MOST]
        self._at = len(self._views) - 1

    def back(self) -> ViewState | None:
        return self._step(-1)

    def forward(self) -> ViewState | None:
        return self._step(1)

    def clear(self) -> None:
        self._views, self._at = [], -1

    def _step(self, step: int) -> ViewState | None:
        if not 0 <= self._at + step < len(self._views):
            return None
        self._at += step
        return self._views[self._at]


def _same(one: ViewState, other: ViewState, width_px: float) -> bool:
    apart = math.hypot(one.x_px - other.x_px, one.y_px - other.y_px)
    return apart < _SAME_SHARE * width_px and abs(math.log(one.zoom / other.zoom)) < _SAME_SHARE


class Navigator(QObject):
    """Moves the viewer for whoever names a place, and remembers where it has been."""

    def __init__(self, session: Session, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._session, self._canvas = session, viewer.canvas
        self.history = History()
        self.crosshair = Crosshair(viewer.canvas)
        self._rested = QTimer(self, singleShot=True, interval=RESTED_MS)
        self._rested.timeout.connect(self._remember)
        self._canvas.camera_changed.connect(self._rested.start)
        self._canvas.viewport().installEventFilter(self)
        session.section_changed.connect(self._section_changed)

    @property
    def view(self) -> ViewState | None:
        """What is looked at now."""
        camera = self._canvas.camera
        return ViewState(camera.x, camera.y, camera.zoom) if camera is not None else None

    def back(self) -> None:
        self._remember()
        self._fly(self.history.back())

    def forward(self) -> None:
        self._remember()
        self._fly(self.history.forward())

    def go(self, view: ViewState) -> None:
        """Flies there; Back returns to where it was."""
        self._remember()
        self._fly(view)
        self._visit(view)

    def go_to_point(self, x_px: float, y_px: float, *, one_to_one: bool) -> None:
        """A level-0 point to the middle, marked for a moment."""
        here = self.view
        if here is not None:
            zoom = 1 / self._canvas.devicePixelRatioF() if one_to_one else here.zoom
            self.go(ViewState(x_px, y_px, zoom))
            self.crosshair.show_at(x_px, y_px)

    def zoom_to(self, downsample: int) -> None:
        """`downsample` level-0 px on each px of the screen, around the middle."""
        here = self.view
        if here is not None:
            self._fly(ViewState(here.x_px, here.y_px, 1 / (downsample * self._canvas.devicePixelRatioF())))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The side buttons of a mouse, as in a browser."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            if event.button() == Qt.MouseButton.BackButton:
                self.back()
                return True
            if event.button() == Qt.MouseButton.ForwardButton:
                self.forward()
                return True
        return False

    def _remember(self) -> None:
        """The present view, unless it's only on the way to another."""
        view = self.view
        if view is None:
            return
        if self._canvas.moving:
            self._rested.start()
            return
        self._rested.stop()
        self._visit(view)

    def _visit(self, view: ViewState) -> None:
        self.history.visit(view, self._canvas.viewport().width() / view.zoom)

    def _fly(self, view: ViewState | None) -> None:
        if view is not None:
            self._canvas.fly(Camera(view.x_px, view.y_px, view.zoom))

    def _section_changed(self) -> None:
        self.history.clear()
        self.crosshair.hide()
