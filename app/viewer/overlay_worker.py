"""Decides in which thread tiles of overlays are painted, and in which order: each overlay's turn, nearest tile first."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.viewer.overlay_tiles import TILE, OverlayTile, Painted, TilePainter
from core.priority import lower_this_thread


class Owner(Protocol):
    """Who wants tiles. Called in the window's thread."""

    def take(self, order: Order, made: Made) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """One tile for `owner`, who tells by `ticket` whether the picture still belongs to its present state."""

    owner: Owner
    ticket: int
    tile: OverlayTile
    painter: TilePainter = field(compare=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A painted tile as Qt draws it; None where nothing is to be seen."""

    image: QImage | None
    complete: bool


def made_of(painted: Painted) -> Made:
    """Copies the px into an image of Qt's own; may be called in any thread."""
    if painted.pixels is None:
        return Made(None, painted.complete)
    image = QImage(painted.pixels.data, TILE, TILE, TILE * 4, QImage.Format.Format_ARGB32_Premultiplied)
    return Made(image.copy(), painted.complete)


class OverlayWorker(QObject):
    """One thread for the overlays of one viewer; it starts with the first order."""

    failed = Signal(object)  # Exception

    _made = Signal(object, object)  # Order, Made

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._orders: dict[Owner, list[Order]] = {}
        self._state = threading.Condition()
        self._in_work: Order | None = None
        self._on_the_way = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._made.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def want(self, owner: Owner, orders: Sequence[Order]) -> None:
        """These instead of what the owner wanted before, first things first."""
        with self._state:
            if self._closed:
                return
            self._orders[owner] = [order for order in orders if order != self._in_work]
            if self._thread is None and orders:
                self._thread = threading.Thread(target=self._run, name="overlay-worker", daemon=True)
                self._thread.start()
            self._state.notify()

    @property
    def idle(self) -> bool:
        """Whether everything wanted is painted and delivered."""
        with self._state:
            return self._on_the_way == 0 and self._in_work is None and not any(self._orders.values())

    def close(self) -> None:
        """Ends the thread; nothing is delivered afterwards."""
        with self._state:
            self._closed = True
            self._orders.clear()
            self._state.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        lower_this_thread()
        while (order := self._next()) is not None:
            try:
                made = made_of(order.painter.paint(order.tile))
            except Exception as error:
                made = Made(None, True)
                self.failed.emit(error)
            with self._state:
                self._in_work = None
                if self._closed:
                    return
                self._on_the_way += 1
            self._made.emit(order, made)

    def _next(self) -> Order | None:
        with self._state:
            while not self._closed:
                owner = next((owner for owner, orders in self._orders.items() if orders), None)
                if owner is not None:
                    orders = self._orders.pop(owner)
                    self._in_work = orders.pop(0)
                    self._orders[owner] = orders  # now behind the others
                    return self._in_work
                self._state.wait()
            return None

    def _deliver(self, order: Order, made: Made) -> None:
        with self._state:
            self._on_the_way -= 1
            if self._closed:
                return
        order.owner.take(order, made)
