"""Decides how wheel, mouse and keys move the view over the scene, whose coordinates are level-0 px.

What is drawn there is for the items; where the camera may go is for `app.viewer.camera`.
"""

from __future__ import annotations

import math
from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsScene, QGraphicsView, QRubberBand, QWidget

from app.theme import FLY_MS
from app.viewer.camera import Camera, Limits
from app.viewer.flight import Flight
from core.geometry import Box

WHEEL_STEP = 1.25  # zoom by one notch of a wheel
KEY_STEP = 2**0.5
WHEEL_MS = 110
PAN_SHARE = 0.12  # of the viewport, by an arrow key
_NOTCH = 120  # eighths of a degree


class CanvasTool(Protocol):
    """What the pointer does instead of moving the view."""

    def handle(self, event: QMouseEvent | QKeyEvent) -> bool:
        """True if the event was for the tool; else the canvas deals with it."""


class Canvas(QGraphicsView):
    """A view that zooms at the pointer, pans by drag, flies, and tells where it is."""

    camera_changed = Signal()
    clicked = Signal(float, float)  # level-0 px
    pointer_moved = Signal(float, float)  # level-0 px
    pointer_left = Signal()
    region_drawn = Signal(float, float, float, float)  # level-0 px: left, top, right, bottom; drawn with Shift held
    tip_wanted = Signal(float, float, QPoint)  # level-0 px, global position
    focus_lost = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setViewport(QWidget())  # for one made by Qt, PySide6 would load every widget there is to find out its type
        scene = QGraphicsScene(self)
        scene.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)
        self.setScene(scene)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)  # the window takes drops
        self._camera: Camera | None = None
        self._section: Box | None = None
        self._ratio = 1.0  # device px per device-independent px, when the camera was placed
        self._fitted = False  # the whole section is shown; it stays so when the window changes its size
        self._pointer_at: QPointF | None = None  # in the viewport; None while it is elsewhere
        self._pressed: QPointF | None = None
        self._dragging = False
        self._band: QRubberBand | None = None
        self.tool: CanvasTool | None = None
        self._space = False  # held: the mouse moves the view, whatever tool is in hand
        self._tool_pressed = False  # a tool has taken the press of a button, so the release is its own too
        self._cursor = Qt.CursorShape.ArrowCursor
        self._flight = Flight(self)
        self._flight.moved.connect(self._place)

    # -- where it looks ---------------------------------------------------------------------------

    @property
    def camera(self) -> Camera | None:
        return self._camera

    @property
    def moving(self) -> bool:
        return self._dragging or self.flying

    @property
    def flying(self) -> bool:
        """Whether it is on its way to where a wish has sent it."""
        return self._flight.flying

    @property
    def limits(self) -> Limits | None:
        if self._section is None:
            return None
        size = self.viewport().size()
        return Limits(self._section, max(size.width(), 1), max(size.height(), 1), self.devicePixelRatioF())

    def set_section(self, box: Box | None, camera: Camera | None = None) -> None:
        """A section of this size, looked at as `camera` says, or as a whole. None: nothing to look at."""
        self._flight.stop()
        self._section, self._camera = box, None
        limits = self.limits
        if box is None or limits is None:
            self.setSceneRect(QRectF(0, 0, 1, 1))
            self.camera_changed.emit()
            return
        margin = 4 * max(box.w, box.h)
        self.setSceneRect(QRectF(box.x, box.y, box.w, box.h).adjusted(-margin, -margin, margin, margin))
        self._place(camera or limits.fit())

    def visible_box(self) -> Box | None:
        """What of the plane is in sight, in level-0 px (it may reach beyond the section)."""
        size = self.viewport().size()
        return self._camera.visible(size.width(), size.height()) if self._camera is not None else None

    def section_point(self, position: QPointF) -> tuple[float, float] | None:
        """The level-0 point under a point of the viewport."""
        if self._camera is None:
            return None
        point = self.viewportTransform().inverted()[0].map(position)
        return point.x(), point.y()

    @property
    def pointed(self) -> tuple[float, float] | None:
        """The level-0 point under the pointer as the view is now; None while the pointer is not over it."""
        return self.point_under(self._pointer_at) if self._pointer_at is not None else None

    def point_under(self, position: QPointF) -> tuple[float, float] | None:
        """The level-0 point under the middle of the px that a mouse event names by its corner."""
        half = 0.5 / self.devicePixelRatioF()
        return self.section_point(position + QPointF(half, half))

    # -- moving -----------------------------------------------------------------------------------

    def fit(self) -> None:
        if (limits := self.limits) is not None:
            self.fly(limits.fit())

    def one_to_one(self) -> None:
        """One px of the section on each px of the screen, around the middle."""
        if self._camera is not None:
            self.fly(Camera(self._camera.x, self._camera.y, 1 / self.devicePixelRatioF()))

    def zoom_by(self, factor: float) -> None:
        """Around the middle."""
        goal = self._goal()
        if goal is not None:
            self.fly(Camera(goal.x, goal.y, goal.zoom * factor))

    def fly_to(self, box: Box, share: float = 0.25) -> None:
        """`box` (level-0 px) to the middle, filling about `share` of the view."""
        if (limits := self.limits) is not None:
            self.fly(limits.around(box, share))

    def fly(self, target: Camera, duration_ms: int = FLY_MS) -> None:
        limits = self.limits
        if self._camera is not None and limits is not None:
            self._flight.go(self._camera, limits.clamped(target), duration_ms)

    def look_at(self, x_px: float, y_px: float) -> None:
        """At once, with the same zoom."""
        if self._camera is not None:
            self._flight.stop()
            self._place(Camera(x_px, y_px, self._camera.zoom))

    def _goal(self) -> Camera | None:
        return self._flight.target if self._flight.flying else self._camera

    def _zoom_at(self, position: QPointF, factor: float, duration_ms: int) -> None:
        goal, limits = self._goal(), self.limits
        if goal is None or limits is None:
            return
        size = self.viewport().size()
        x_px, y_px = goal.at(position.x(), position.y(), size.width(), size.height())
        zoom = limits.clamped(Camera(goal.x, goal.y, goal.zoom * factor)).zoom
        self.fly(goal.zoomed_at(x_px, y_px, zoom), duration_ms)

    def _pan(self, dx_view: float, dy_view: float) -> None:
        if self._camera is not None:
            self._flight.stop()
            self._place(self._camera.moved(dx_view / self._camera.zoom, dy_view / self._camera.zoom))

    def _place(self, camera: Camera) -> None:
        limits = self.limits
        if limits is None:
            return
        camera = limits.clamped(camera)
        self._fitted = camera == limits.fit()
        if self._camera is None or camera.zoom != self.transform().m11():
            self.setTransform(QTransform.fromScale(camera.zoom, camera.zoom))
        self._camera, self._ratio = camera, self.devicePixelRatioF()
        size, step = self.viewport().size(), self._scroll_step()
        self.horizontalScrollBar().setValue(step * round((camera.x * camera.zoom - size.width() / 2) / step))
        self.verticalScrollBar().setValue(step * round((camera.y * camera.zoom - size.height() / 2) / step))
        self.camera_changed.emit()

    def _scroll_step(self) -> int:
        """The smallest scroll that is a whole number of device px; scroll bars know only device-independent ones."""
        ratio = self.devicePixelRatioF()
        return next((n for n in (1, 2, 4) if math.isclose(n * ratio, round(n * ratio), abs_tol=1e-3)), 1)

    # -- what Qt tells ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        limits = self.limits
        if self._camera is not None and limits is not None:
            self._place(limits.fit() if self._fitted else self._camera)

    def _ratio_changed(self) -> None:
        """The window is on another screen, or that screen was set differently: 1:1 stays 1:1, all else its size."""
        camera, ratio = self._camera, self.devicePixelRatioF()
        if camera is None or ratio == self._ratio:
            return
        was_one_to_one = math.isclose(camera.zoom * self._ratio, 1)
        self._flight.stop()
        self._place(Camera(camera.x, camera.y, 1 / ratio) if was_one_to_one else camera)
        self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        angle = event.angleDelta().y() or event.angleDelta().x()
        if angle:
            duration = WHEEL_MS if abs(angle) >= _NOTCH else 0  # a touchpad's fractions are smooth by themselves
            self._zoom_at(event.position(), WHEEL_STEP ** (angle / _NOTCH), duration)
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_at(event.position(), 1 + event.value(), 0)
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            point = self.section_point(QPointF(event.pos()))
            if point is not None:
                self.tip_wanted.emit(*point, event.globalPos())
            return True
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._ratio_changed()
        if event.type() in (QEvent.Type.Leave, QEvent.Type.Hide):
            self._pointer_at = None
            self.pointer_left.emit()
        return super().viewportEvent(event)

    def set_pointer_shape(self, shape: Qt.CursorShape) -> None:
        """How the pointer looks while it doesn't move the view."""
        if shape != self._cursor:
            self._cursor = shape
            self._show_cursor()

    def _show_cursor(self) -> None:
        if self._dragging:
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor if self._space else self._cursor)

    def _tool_takes(self, event: QMouseEvent | QKeyEvent) -> bool:
        """The view is moved by the middle button and with Space held while any tool is in hand."""
        moving = (self._space or self._pressed is not None) and not self._tool_pressed
        return self.tool is not None and not moving and self.tool.handle(event)

    def _hold_space(self, held: bool) -> None:
        self._space = held
        self._show_cursor()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._tool_takes(event):
            self._tool_pressed = True
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._flight.stop()
            self._pressed, self._dragging = event.position(), False
            wants_band = event.button() == Qt.MouseButton.LeftButton and not self._space
            if wants_band and event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._camera is not None:
                self._band = QRubberBand(QRubberBand.Shape.Rectangle, self.viewport())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        inside = self.viewport().rect().contains(event.position().toPoint())
        self._pointer_at = event.position() if inside else None  # a drag may leave the view
        self._tool_takes(event)
        if self._pressed is not None and self._band is not None:
            self._band.setGeometry(QRect(self._pressed.toPoint(), event.position().toPoint()).normalized())
            self._band.show()
        elif self._pressed is not None:
            moved = self._pressed - event.position()
            if not self._dragging and moved.manhattanLength() >= QApplication.startDragDistance():
                self._dragging = True
                self._show_cursor()
            if self._dragging:
                self._pan(moved.x(), moved.y())
                self._pressed = event.position()
        point = self.point_under(event.position())
        if point is not None:
            self.pointer_moved.emit(*point)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        taken = self._tool_takes(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._tool_pressed = False
        if taken or self._pressed is None:
            return
        if self._band is not None:
            self._finish_band(event.position())
            return
        point = self.point_under(event.position())
        if not self._dragging and event.button() == Qt.MouseButton.LeftButton and point is not None:
            self.clicked.emit(*point)
        self._pressed, self._dragging = None, False
        self._show_cursor()
        self.camera_changed.emit()

    def _finish_band(self, position: QPointF) -> None:
        start, end = self.section_point(self._pressed or position), self.section_point(position)
        if self._band is not None:
            self._band.deleteLater()
        self._band = self._pressed = None
        if start is not None and end is not None and start[0] != end[0] and start[1] != end[1]:
            (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
            self.region_drawn.emit(x0, y0, x1, y1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._tool_takes(event):
            self._tool_pressed = True
            return
        if event.button() == Qt.MouseButton.LeftButton:
            self._zoom_at(event.position(), 2.0, FLY_MS)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(False)
        elif not self._tool_takes(event):
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._hold_space(False)
        self.focus_lost.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._hold_space(True)
            return
        if self._tool_takes(event):
            return
        size = self.viewport().size()
        steps = {
            Qt.Key.Key_Left: (-size.width(), 0),
            Qt.Key.Key_Right: (size.width(), 0),
            Qt.Key.Key_Up: (0, -size.height()),
            Qt.Key.Key_Down: (0, size.height()),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()
            return
        goal = self._goal()
        if goal is not None:
            dx, dy = step[0] * PAN_SHARE / goal.zoom, step[1] * PAN_SHARE / goal.zoom
            self.fly(goal.moved(dx, dy), WHEEL_MS)
