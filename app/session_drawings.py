"""Decides which drawings the open section has, which one is selected, and when they are stored.

A section without a project gets one when the first drawing is stored. What can't be stored yet is shown all the same and
is stored with the next try.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.session_keeping import Retry
from core.drawing import Drawing
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.project.drawing_store import DrawingStore


class Drawings(QObject):
    """The drawings of the session's section, in the order they were made. Those not stored yet have ids below 0."""

    changed = Signal()  # which there are, or what one of them looks like
    selection_changed = Signal(str)  # who selected: "viewer", "panel", "keys", "session"
    wanted = Signal(object)  # a Drawing somebody asked to see in the section
    tool_changed = Signal()  # which tool the mouse holds, or whether it snaps

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._stored: list[Drawing] = []
        self._waiting: list[Drawing] = []
        self._last_waiting = 0
        self.selected_id: int | None = None
        self.tool = "pointer"
        self.label = ""  # of what is drawn with it
        self.snapping = False
        self._retry = Retry(session, "The drawing is", self._store_waiting)
        session.project_changed.connect(self._store_waiting)
        session.project_maker.failed.connect(self._not_saved)

    @property
    def items(self) -> list[Drawing]:
        """All of them. Don't change the list."""
        return self._stored + self._waiting if self._waiting else self._stored

    def get(self, drawing_id: int | None) -> Drawing | None:
        return next((d for d in self.items if d.id == drawing_id), None)

    @property
    def selected(self) -> Drawing | None:
        return self.get(self.selected_id)

    def select(self, drawing_id: int | None, source: str) -> None:
        """Selects one (None: none)."""
        if drawing_id != self.selected_id:
            self.selected_id = drawing_id
            self.selection_changed.emit(source)

    def show(self, drawing_id: int | None) -> None:
        """Asks the viewer to go there."""
        drawing = self.get(drawing_id)
        if drawing is not None:
            self.wanted.emit(drawing)

    def set_tool(self, tool_id: str, label: str = "") -> None:
        """One of `app.tools.table.TOOLS`; it stays in hand until another one is taken. Outlines drawn with it are of class
        `label`."""
        if (tool_id, label) != (self.tool, self.label):
            self.tool, self.label = tool_id, label
            self.tool_changed.emit()

    def set_snapping(self, on: bool) -> None:
        """Whether new points go to the points of other drawings nearby, else to whole px."""
        if on != self.snapping:
            self.snapping = on
            self.tool_changed.emit()

    # -- changing them ----------------------------------------------------------------------------

    def add(self, drawing: Drawing) -> None:
        """Stores a new drawing and selects it; one step of undo."""
        if self._session.section is None:
            return
        self._last_waiting -= 1
        label = drawing.label or (self.label if drawing.is_closed else "")
        self._waiting.append(replace(drawing, id=self._last_waiting, label=label))
        self.changed.emit()
        self.select(self._last_waiting, "viewer")
        self._store_waiting()

    def change(self, drawing: Drawing) -> None:
        """Stores one of them (known by its id) as it is now; one step of undo."""
        if drawing.id < 0:
            self._waiting = [drawing if d.id == drawing.id else d for d in self._waiting]
            self.changed.emit()
            self._store_waiting()
        elif (store := self._store()) is not None:
            try:
                store.change([drawing])
            except SchliffError as error:
                self._session.report(error)
            self.refresh((drawing.id,))

    def remove(self, ids: Iterable[int] | None = None) -> None:
        """Deletes drawings, or the selected one; one step of undo."""
        chosen = [i for i in ((self.selected_id,) if ids is None else tuple(ids)) if i is not None]
        store = self._store()
        self._waiting = [d for d in self._waiting if d.id not in chosen]
        if store is not None and any(i > 0 for i in chosen):
            try:
                store.remove([i for i in chosen if i > 0])
            except SchliffError as error:
                self._session.report(error)
        self._read_again(chosen)

    def refresh(self, ids: Sequence[int]) -> None:
        """Reads again those with these ids, which have changed; the first of them that is here is selected."""
        known = {d.id for d in self.items}
        self._read_again(ids)
        if known.isdisjoint(ids) and all(self.get(i) is None for i in ids):
            self._session.message.emit("info", "That was in another section of this project.")

    def read_again(self) -> None:
        """Reads all of them again: somebody has changed them by what they show."""
        store, record = self._store(), self._session.section_record
        if store is not None and record is not None:
            try:
                self._stored = store.drawings(record.id)
            except SchliffError as error:
                self._session.report(error)
        self.changed.emit()

    def _read_again(self, ids: Sequence[int]) -> None:
        store, record = self._store(), self._session.section_record
        if store is not None and record is not None:
            try:
                changed = store.drawings(record.id, ids)
                self._stored = sorted([d for d in self._stored if d.id not in ids] + changed, key=lambda d: d.id)
            except SchliffError as error:
                self._session.report(error)
        self.changed.emit()
        here = next((i for i in ids if self.get(i) is not None), None)
        if here is not None:
            self.select(here, "keys")
        elif self.selected_id is not None and self.selected is None:
            self.select(None, "session")

    def settle(self) -> None:
        """Stores what waits, now: the section is about to be left."""
        if not self._waiting:
            return
        try:
            self._session.project_maker.make_now()
            self._store_now()
        except SchliffError as error:
            self._retry.lost(error)

    def adopt(self, drawings: Sequence[Drawing]) -> None:
        """Those of another section; call `settle` before the old one goes."""
        self._stored, self._waiting, self.selected_id = list(drawings), [], None
        self._retry.forget()
        self.changed.emit()
        self.selection_changed.emit("session")

    # -- storing them -----------------------------------------------------------------------------

    def _store(self) -> DrawingStore | None:
        from core.project.drawing_store import DrawingStore

        project = self._session.project
        return DrawingStore(project) if project is not None else None

    def _store_waiting(self) -> None:
        if not self._waiting:
            self.changed.emit()  # what can be undone may be another
            return
        if self._session.project is None:
            self._session.project_maker.want()
            return
        try:
            self._store_now()
        except SchliffError as error:
            self._not_saved(error)
        self.changed.emit()

    def _store_now(self) -> None:
        store, record = self._store(), self._session.section_record
        while self._waiting and store is not None and record is not None:
            drawing = self._waiting[0]
            (stored,) = store.add(record.id, [drawing])
            self._stored, self._waiting = [*self._stored, stored], self._waiting[1:]
            if self.selected_id == drawing.id:
                self.selected_id = stored.id
                self.selection_changed.emit("session")
        if not self._waiting:
            self._retry.saved()

    def _not_saved(self, error: SchliffError) -> None:
        if self._waiting:
            self._retry.failed(error)
