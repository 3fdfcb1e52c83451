"""Decides what a tool can do to its surroundings: find out what is pointed at, show a draft, hand over what is finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.measure_text import live_text
from app.tools.readout import Readout
from core.constrain import clamped, shortened
from core.drawing import Drawing, Point
from core.geometry import Box
from core.measure import measure

if TYPE_CHECKING:
    from app.session import Session
    from app.tools.loupe import Loupe
    from app.viewer.canvas import Canvas
    from app.viewer.drawings_item import DrawingsItem

SNAP_PX = 10.0  # on the screen


@dataclass(frozen=True, slots=True)
class Pointed:
    """Where the mouse is: in the viewport, in level-0 px, and there after snapping, never outside the section."""

    view: QPointF
    raw: Point
    point: Point
    shift: bool

    def is_far_from(self, other: Pointed) -> bool:
        """Whether the mouse was dragged from there, not only clicked."""
        return (self.view - other.view).manhattanLength() >= QApplication.startDragDistance()


class Desk:
    """One viewer's."""

    def __init__(self, session: Session, canvas: Canvas, item: DrawingsItem) -> None:
        self._session, self._canvas, self._item = session, canvas, item
        self.drawings, self.registration, self.pictures = session.drawings, session.registration, session.pictures
        self._loupe: Loupe | None = None
        self.readout = Readout(canvas.viewport())

    @property
    def zoom(self) -> float:
        """Device-independent px per level-0 px."""
        return self._canvas.camera.zoom if self._canvas.camera is not None else 1.0

    def pointed(self, event: QMouseEvent) -> Pointed | None:
        """None where there is no section."""
        raw = self._canvas.point_under(event.position())
        if raw is None or self._session.section is None:
            return None
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        return Pointed(event.position(), raw, clamped(self._snapped(raw), self._section_box), shift)

    def may_begin(self, at: Pointed) -> bool:
        """Whether a press there is meant for a drawing: in the margin only for one that was begun inside."""
        return self._item.draft is not None or self._section_box.contains(*at.raw)

    def inside(self, point: Point) -> Point:
        """The point of the section nearest to it, snapped to nothing."""
        return clamped(point, self._section_box)

    def held_inside(self, origin: Point, point: Point) -> Point:
        """A point that is held to an angle from `origin`, no farther than the section reaches."""
        return shortened(origin, point, self._section_box)

    def moved_inside(self, drawing: Drawing, dx: float, dy: float) -> Drawing:
        """A drawing of the section moved, no farther than the section reaches."""
        box, section = drawing.box, self._section_box
        dx = max(min(dx, max(section.x1 - box.x1, 0.0)), min(section.x - box.x, 0.0))
        dy = max(min(dy, max(section.y1 - box.y1, 0.0)), min(section.y - box.y, 0.0))
        return drawing.moved(dx, dy)

    @property
    def _section_box(self) -> Box:
        section = self._session.section
        return section.info.box if section is not None else Box(0, 0, 0, 0)

    def _snapped(self, raw: Point) -> Point:
        """If snapping is on: to the point of a drawing nearby, else to the nearest corner of a px."""
        if not self.drawings.snapping:
            return raw
        draft = self._item.draft
        near = self._item.point_near(*raw, SNAP_PX / self.zoom, without=draft.id if draft is not None else 0)
        return near or (float(round(raw[0])), float(round(raw[1])))

    def hit(self, at: Pointed) -> Drawing | None:
        return self._item.hit(*at.raw, self.zoom) if self._item.isVisible() else None

    def handle(self, at: Pointed) -> int | None:
        """Which handle of the selected drawing is pointed at."""
        return self._item.handle(*at.raw, self.zoom) if self._item.isVisible() else None

    def show(self, draft: Drawing | None, at: Pointed | None = None) -> None:
        """What is being drawn or changed, and its measure beside the pointer."""
        self._item.set_draft(draft)
        section = self._session.section
        if draft is None or at is None or section is None:
            self.readout.say([], QPointF())
        else:
            self.readout.say(live_text(draft, measure(draft, section.info.pixel_size_um)), at.view)

    def finish(self, drawing: Drawing) -> None:
        """A new one is done."""
        self.show(None)
        layers = self._session.layers
        if "drawings" in layers and not layers.layer("drawings").visible:
            self._session.set_layers(layers.styled("drawings", visible=True))
        self.drawings.add(drawing)

    def change(self, drawing: Drawing) -> None:
        """A stored one is changed."""
        self.show(None)
        self.drawings.change(drawing)

    def magnify(self, point: Point | None) -> None:
        """The loupe beside a level-0 point; None: no loupe."""
        if self._loupe is None and point is not None:
            from app.tools.loupe import Loupe

            self._loupe = Loupe(self._session, self._canvas)
        if self._loupe is not None:
            self._loupe.look_at(point)

    @property
    def loupe(self) -> Loupe | None:
        return self._loupe

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        self._canvas.set_pointer_shape(shape)
