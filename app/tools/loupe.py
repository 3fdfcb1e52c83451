"""Decides how the surroundings of a point are magnified beside it, so that it can be picked finer than the screen shows it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.jobs import Job
from app.tools.readout import beside
from core.geometry import Box
from core.section_info import RegionRequest

if TYPE_CHECKING:
    from app.session import Session
    from app.viewer.canvas import Canvas

TIMES = 8
SIDE_PX = 144
_TEXT_PX = 20
_GAP_PX = 5.0


class Loupe(QWidget):
    """Lies over the canvas; the mouse goes through it. `TIMES` the view's magnification."""

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__(canvas.viewport())
        self._session, self._canvas = session, canvas
        self.point: tuple[float, float] | None = None  # level-0 px, in its middle
        self._image: QImage | None = None
        self._box = Box(0, 0, 0, 0)  # what the image shows
        self._shown: object = None  # of which section, how
        self._job: Job | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.resize(SIDE_PX, SIDE_PX + _TEXT_PX)
        self.hide()
        canvas.pointer_left.connect(self._put_away)
        canvas.camera_changed.connect(self._camera_changed)
        session.display_changed.connect(self._forget)
        session.leaving.connect(self._put_away)

    @property
    def settled(self) -> bool:
        """Whether it shows all of what it should."""
        return self._job is None and (self.point is None or self._has_all())

    def look_at(self, point: tuple[float, float] | None) -> None:
        """At a level-0 point; None: away with it."""
        self.point = point
        self.setVisible(point is not None)
        if point is None:
            return
        view = QPointF(self._canvas.viewportTransform().map(QPointF(*point)))
        self.move(beside(view, self.size(), self._canvas.viewport().rect()))
        self.raise_()
        self._read()
        self.update()

    @property
    def _zoom(self) -> float:
        """Device-independent px per level-0 px."""
        camera = self._canvas.camera
        return TIMES * camera.zoom if camera is not None else float(TIMES)

    def _put_away(self) -> None:
        self.look_at(None)

    def _camera_changed(self) -> None:
        if self.isVisible():
            self.look_at(self._canvas.pointed)

    def _forget(self) -> None:
        self._image = None
        if self.isVisible():
            self._read()

    def _wanted(self) -> Box:
        """What it shows, in level-0 px."""
        x, y = self.point or (0.0, 0.0)
        side = SIDE_PX / self._zoom
        return Box(x - side / 2, y - side / 2, side, side)

    def _state(self) -> object:
        return self._session.section, self._session.plane, self._session.look, self._zoom

    def _has_all(self) -> bool:
        wanted, have = self._wanted(), self._box
        is_inside = have.x <= wanted.x and have.y <= wanted.y and wanted.x1 <= have.x1 and wanted.y1 <= have.y1
        return self._image is not None and is_inside and self._shown == self._state()

    def _read(self) -> None:
        """Twice as wide as it is shown, so that the next few steps need no reading. One at a time."""
        section = self._session.section
        if self._job is not None or section is None or self._has_all():
            return
        from app.viewer.picture import region_image

        request, look, state = self._request(), self._session.look, self._state()
        job = self._job = Job(lambda progress, cancel: region_image(section, request, look, section.read), "Loupe")
        job.finished.connect(lambda image: self._take(image, request, state))
        job.ended.connect(lambda: self._ended(job))
        self._session.lanes.io.submit(job)  # what can't be read is told by the view

    def _request(self) -> RegionRequest:
        wanted = self._wanted()
        box = wanted.grown(wanted.w / 2)
        downsample = 1 << max(0, math.floor(math.log2(max(1 / self._zoom, 1))))
        x, y = (int(edge // downsample) * downsample for edge in (box.x, box.y))
        side = (math.ceil(box.w / downsample) + 1) * downsample
        return RegionRequest(x, y, side, side, downsample, self._session.plane)

    def _take(self, image: QImage, request: RegionRequest, state: object) -> None:
        self._image, self._shown = image, state
        self._box = Box(request.x, request.y, request.width, request.height)
        self._job = None
        self.update()
        if self.isVisible():
            self._read()

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(12, 14, 16, 225))
        if self.point is None:
            return
        square = QRectF(0, 0, SIDE_PX, SIDE_PX)
        if self._image is not None and self._shown == self._state():
            scale = self._image.width() / self._box.w
            wanted = self._wanted()
            source = QRectF(
                (wanted.x - self._box.x) * scale, (wanted.y - self._box.y) * scale, wanted.w * scale, wanted.h * scale
            )
            painter.drawImage(square, self._image, source)  # not smoothed: the px themselves are to be seen
        middle = square.center()
        for colour, width in ((QColor(0, 0, 0, 170), 3.0), (QColor("#ffd54a"), 1.0)):
            painter.setPen(QPen(colour, width))
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                painter.drawLine(middle + QPointF(dx, dy) * _GAP_PX, middle + QPointF(dx, dy) * (SIDE_PX / 2))
        painter.setPen(QColor("white"))
        text = f"{self.point[0]:,.2f}, {self.point[1]:,.2f} px"
        painter.drawText(QRectF(0, SIDE_PX, SIDE_PX, _TEXT_PX), Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QColor(255, 255, 255, 90))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
