"""Decides when the reference image is read, and how the mouse moves it over the section while that is switched on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QCursor, QMouseEvent
from PySide6.QtWidgets import QGraphicsView

from app.jobs import Job
from app.layer_styles import ReferenceImage
from app.session import Session
from app.viewer.overlay_item import TiledOverlay
from app.viewer.overlay_reference import ReferencePainter, ReferencePicture, read_reference
from app.viewer.overlay_worker import OverlayWorker
from core.geometry import Box
from core.placement import Placement


class ReferenceLayer(QObject):
    """The item of the reference image, following the session."""

    def __init__(self, session: Session, worker: OverlayWorker, budget: int) -> None:
        super().__init__(worker)
        self._session = session
        self.item = TiledOverlay(worker, budget)
        self._picture: ReferencePicture | None = None
        self._shown: tuple[ReferencePicture, Placement] | None = None
        self._job: Job | None = None
        self._asked = ""  # the path that was read last, or tried
        session.layers_changed.connect(self._follow)
        session.section_changed.connect(self._follow)

    @property
    def settled(self) -> bool:
        return self._job is None and self.item.settled

    def place(self, placement: Placement) -> None:
        """Shows it there; the session is told by whoever moves it."""
        if self._picture is not None and self._shown != (self._picture, placement):
            self._shown = (self._picture, placement)
            painter = ReferencePainter(self._picture, placement)
            self.item.show_tiles_of(painter, painter.bounds)

    def covers(self, x_px: float, y_px: float) -> bool:
        """Whether a level-0 point lies on the picture."""
        if self._shown is None or not self.item.isVisible():
            return False
        x, y = self._shown[1].to_picture(x_px, y_px)
        width, height = self._shown[0].size
        return 0 <= x < width and 0 <= y < height

    def _follow(self) -> None:
        reference = self._session.layers.reference
        if reference is None or self._session.section is None:
            self._picture, self._shown, self._job, self._asked = None, None, None, ""
            self.item.show_tiles_of(None, Box(0, 0, 0, 0))
        elif reference.path != self._asked:
            self._read(reference)
        else:
            self.place(reference.placement)

    def _read(self, reference: ReferenceImage) -> None:
        path = self._asked = reference.path
        self._picture = self._shown = None
        self.item.show_tiles_of(None, Box(0, 0, 0, 0))
        job = self._job = Job(lambda progress, cancel: read_reference(path, progress, cancel), Path(path).name)
        job.finished.connect(lambda picture: self._take(job, picture))
        job.ended.connect(lambda: self._ended(job))
        self._session.run_io(job)

    def _take(self, job: Job, picture: ReferencePicture) -> None:
        reference = self._session.layers.reference
        if job is self._job and reference is not None:
            self._picture = picture
            self.place(reference.placement)

    def _ended(self, job: Job) -> None:
        if job is self._job:
            self._job = None


class ReferenceMover(QObject):
    """Takes the left button from the view where the picture lies, while it is movable."""

    def __init__(self, session: Session, layer: ReferenceLayer, view: QGraphicsView) -> None:
        super().__init__(view)
        self._session, self._layer, self._view = session, layer, view
        self._held: tuple[QPointF, Placement] | None = None  # where it was taken, in the scene, and where it lay
        self._laid: Placement | None = None
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
            moved = self._at(event) - self._held[0]
            self._laid = self._held[1].moved(moved.x(), moved.y())
            self._layer.place(self._laid)
        elif kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
            self._leave()
        return True

    def _at(self, event: QMouseEvent) -> QPointF:
        return self._view.viewportTransform().inverted()[0].map(event.position())

    def _take(self, at: QPointF) -> bool:
        reference = self._session.layers.reference
        if reference is None or not reference.movable or not self._layer.covers(at.x(), at.y()):
            return False
        self._held, self._laid = (at, reference.placement), reference.placement
        self._cursor = self._view.viewport().cursor()
        self._view.viewport().setCursor(Qt.CursorShape.SizeAllCursor)
        return True

    def _leave(self) -> None:
        """Lets go of the picture, where it is now."""
        if self._held is None:
            return
        layers, laid = self._session.layers, self._laid
        self._held = self._laid = None
        self._view.viewport().setCursor(self._cursor)
        if layers.reference is not None and laid is not None:
            self._session.set_layers(replace(layers, reference=replace(layers.reference, placement=laid)))
