"""Decides which tool gets an event of the canvas: the one that the session says is in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.tools.base import Tool
from app.tools.desk import Desk
from app.tools.table import TOOLS

if TYPE_CHECKING:
    from app.session import Session
    from app.viewer.canvas import Canvas
    from app.viewer.drawings_item import DrawingsItem

_LEFT = Qt.MouseButton.LeftButton


class Toolbox(QObject):
    """The tools of one canvas."""

    def __init__(self, session: Session, canvas: Canvas, item: DrawingsItem) -> None:
        super().__init__(canvas)
        self._session, self._canvas, self._item = session, canvas, item
        self.desk = Desk(session, canvas, item)
        self._tools = {tool_id: make(self.desk) for tool_id, make in TOOLS.items()}
        self._in_hand: Tool = self._tools["pointer"]
        self._pressed = False
        canvas.tool = self
        session.drawings.tool_changed.connect(self._take)
        session.drawings.selection_changed.connect(self._selected)
        session.leaving.connect(self._put_away)
        canvas.focus_lost.connect(self._rest)
        canvas.set_pointer_shape(self._in_hand.cursor)
        self._take()

    def click(self, x_px: float, y_px: float) -> bool:
        """Selects the drawing at a level-0 point; whether there is one."""
        zoom = self.desk.zoom
        hit = self._item.hit(x_px, y_px, zoom) if self._item.isVisible() else None
        self._session.drawings.select(hit.id if hit is not None else None, "viewer")
        return hit is not None

    def handle(self, event: QMouseEvent | QKeyEvent) -> bool:
        if isinstance(event, QKeyEvent):
            return self._key(event)
        return self._mouse(event)

    def _mouse(self, event: QMouseEvent) -> bool:
        at, tool = self.desk.pointed(event), self._in_hand
        if at is None:
            return False
        kind = event.type()
        if kind == QEvent.Type.MouseMove:
            return tool.move(at, held=self._pressed)
        if event.button() != _LEFT:
            return False
        if kind == QEvent.Type.MouseButtonRelease:
            taken, self._pressed = self._pressed, False
            return taken and tool.release(at)
        if tool is not self._tools["pointer"] and not self.desk.may_begin(at):
            return False  # the margin is there to move the view
        self._pressed = tool.press(at) if kind == QEvent.Type.MouseButtonPress else tool.double_click(at)
        return self._pressed

    def _key(self, event: QKeyEvent) -> bool:
        if event.type() == QEvent.Type.KeyRelease:
            return self._in_hand.key_release(event)
        if self._in_hand.key(event):
            return True
        if event.key() == Qt.Key.Key_Escape and self._session.drawings.tool != "pointer":
            self._session.drawings.set_tool("pointer")
            return True
        return False

    def _selected(self, source: str) -> None:
        """What was chosen in the list, or came back by undo, must be seen."""
        drawing, view = self._session.drawings.selected, self._canvas.visible_box()
        if drawing is None or view is None or source not in ("panel", "keys"):
            return
        if drawing.box.grown(1).intersection(view) is None:
            self._canvas.fly_to(drawing.box.grown(16), share=0.5)

    def _take(self) -> None:
        wanted = self._tools[self._session.drawings.tool]
        if wanted is self._in_hand:
            return
        self._put_away()
        self._in_hand = wanted
        self._canvas.set_pointer_shape(self._in_hand.cursor)

    def _rest(self) -> None:
        if not self._pressed:
            self._in_hand.rest()

    def _put_away(self) -> None:
        self._pressed = False
        self._in_hand.put_away()
