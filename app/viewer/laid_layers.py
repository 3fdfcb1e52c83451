"""Decides when pictures over the section are read and drawn, each in a layer of its own, and how a swipe cuts them off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.jobs import Job
from app.session import Session
from app.session_pictures import LAYER_PREFIX, layer_of
from app.viewer.layer_stack import LayerStack
from app.viewer.overlay_item import TiledOverlay
from app.viewer.overlay_picture import PicturePainter, PictureSource, read_picture
from app.viewer.overlay_worker import OverlayWorker
from core.geometry import Box
from core.placement import Placement

if TYPE_CHECKING:
    from core.registration.laid_pictures import LaidPicture

_NOWHERE = Box(0, 0, 0, 0)


class PictureItem(TiledOverlay):
    """A picture; `swipe` is the share of the view's width, from the left, that shows nothing of it."""

    swipe: float | None = None

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self.swipe is None or widget is None:
            super().paint(painter, option, widget)
            return
        left = round(self.swipe * widget.width())
        world = painter.worldTransform().inverted()[0]
        painter.save()
        rest = QRectF(left, 0, widget.width() - left, widget.height())
        painter.setClipRect(world.mapRect(rest))
        super().paint(painter, option, widget)
        painter.restore()


class LaidLayers(QObject):
    """The layers of all pictures of the session, in one scene."""

    def __init__(self, session: Session, worker: OverlayWorker, stack: LayerStack, budget: int) -> None:
        super().__init__(worker)
        self._session, self._worker, self._stack, self._budget = session, worker, stack, budget
        self._layers: dict[int, _Layer] = {}
        pictures = session.pictures
        pictures.changed.connect(self._follow)
        pictures.chosen_changed.connect(self.swipe_again)
        session.section_changed.connect(self._follow)
        self._follow()

    @property
    def settled(self) -> bool:
        return all(layer.settled for layer in self._layers.values())

    def settle(self) -> None:
        for layer in self._layers.values():
            layer.item.settle()

    def close(self) -> None:
        for layer in self._layers.values():
            layer.close()

    def item(self, picture_id: int) -> PictureItem:
        """That of one that there is."""
        return self._layers[picture_id].item

    def place(self, picture_id: int, placement: Placement) -> None:
        """Shows it there; the session is told by whoever moves it."""
        self._layers[picture_id].place(placement)

    def shows(self, picture_id: int) -> bool:
        """Whether it can be seen at all."""
        return picture_id in self._layers and self._layers[picture_id].item.isVisible()

    def swipe_again(self) -> None:
        """The divider or the view has moved: what is cut off is another part."""
        share = self._session.pictures.swipe
        for layer in self._layers.values():
            if share is not None or layer.item.swipe is not None:
                layer.item.swipe = share
                layer.item.update()

    def _follow(self) -> None:
        session = self._session
        wanted = {one.id: one for one in session.pictures.items} if session.section is not None else {}
        for picture_id in [known for known in self._layers if known not in wanted]:
            self._forget(picture_id)
        for picture_id, picture in wanted.items():
            known = self._layers.get(picture_id)
            if known is not None and known.fingerprint != picture.fingerprint:
                self._forget(picture_id)  # that of another section
            if picture_id not in self._layers:
                name, item = Path(picture.path).name, PictureItem(self._worker, self._budget)
                self._layers[picture_id] = _Layer(session, item, picture)
                session.set_layers(session.layers.with_picture(layer_of(picture_id), name))
                self._stack.add(layer_of(picture_id), name, item)
            self._layers[picture_id].place(session.pictures.lies(picture))
        gone = [
            x.id for x in session.layers.stack if x.id.startswith(LAYER_PREFIX) and x.id not in map(layer_of, wanted)
        ]
        session.set_layers(session.layers.without(gone))
        self.swipe_again()

    def _forget(self, picture_id: int) -> None:
        layer = self._layers.pop(picture_id)
        self._stack.remove(layer_of(picture_id))
        self._session.run_io(Job(lambda progress, cancel: layer.close(), "Closing a picture"))


class _Layer:
    """One picture: read in the background, drawn where it lies."""

    def __init__(self, session: Session, item: PictureItem, picture: LaidPicture) -> None:
        self.item, self.fingerprint = item, picture.fingerprint
        self._source: PictureSource | None = None
        self._placement: Placement | None = None
        self._shown: Placement | None = None
        self._closed = False
        assert session.section is not None
        path, beside = picture.path, session.section.info.path.parent
        self._job: Job | None = None
        job = Job(
            lambda progress, cancel: read_picture(path, picture.fingerprint, beside, progress, cancel), Path(path).name
        )
        job.finished.connect(self._take)
        job.ended.connect(self._ended)
        self._job = job
        session.run_io(job)

    @property
    def settled(self) -> bool:
        return self._job is None and self.item.settled

    def place(self, placement: Placement) -> None:
        self._placement = placement
        if self._source is not None and placement != self._shown:
            self._shown = placement
            painter = PicturePainter(self._source, placement)
            self.item.show_tiles_of(painter, painter.bounds)

    def close(self) -> None:
        """What is being read is closed when it comes."""
        self._closed = True
        if self._source is not None:
            self._source.close()

    def _take(self, source: PictureSource) -> None:
        if self._closed:
            source.close()
            return
        self._source = source
        if self._placement is not None:
            self.place(self._placement)

    def _ended(self) -> None:
        self._job = None
