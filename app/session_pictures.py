"""Decides which pictures lie over the open section and where; what they show is read by whoever draws them.

Every change is one step of undo. What is only looked at (which one is chosen, whether the mouse moves it, the swipe) is
not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.session_keeping import Keeper

if TYPE_CHECKING:
    from app.session import Session
    from core.placement import Placement
    from core.project import Project, SectionRecord
    from core.registration.laid_pictures import LaidPicture

LAYER_PREFIX = "picture "


def layer_of(picture_id: int) -> str:
    return f"{LAYER_PREFIX}{picture_id}"


class Pictures(QObject):
    """The pictures laid over the session's section, in the order they were opened."""

    changed = Signal()  # which there are, or where they lie
    chosen_changed = Signal()  # which one is chosen, whether the mouse moves it, or the swipe

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.items: tuple[LaidPicture, ...] = ()
        self.chosen_id: int | None = None
        self.movable = False
        self.swipe: float | None = None  # share of the view's width that shows none of them; None: all of it shows them
        self._keeper = Keeper(session, "pictures over the section", self._store)
        self._keeper.stored.connect(self.changed)
        session.registration.changed.connect(self._registered)

    def get(self, picture_id: int | None) -> LaidPicture | None:
        return next((one for one in self.items if one.id == picture_id), None)

    @property
    def chosen(self) -> LaidPicture | None:
        return self.get(self.chosen_id)

    def chosen_at(self, x_px: float, y_px: float) -> LaidPicture | None:
        """The chosen one, if it covers a level-0 place."""
        picture = self.chosen
        if picture is None:
            return None
        x, y = self.lies(picture).to_picture(x_px, y_px)
        width, height = picture.size
        return picture if 0 <= x < width and 0 <= y < height else None

    def lies(self, picture: LaidPicture) -> Placement:
        """Where, now."""
        return picture.lies(self._session.registration.fit)

    # -- looking ----------------------------------------------------------------------------------

    def choose(self, picture_id: int | None) -> None:
        if picture_id != self.chosen_id:
            self.chosen_id = picture_id
            self.chosen_changed.emit()

    def set_movable(self, movable: bool) -> None:
        """Whether the mouse moves the chosen one instead of the view."""
        if movable != self.movable:
            self.movable = movable
            self.chosen_changed.emit()

    def set_swipe(self, share: float | None) -> None:
        if share != self.swipe:
            self.swipe = share
            self.chosen_changed.emit()

    # -- changing them ----------------------------------------------------------------------------

    def add(self, picture: LaidPicture) -> None:
        """And chooses it."""
        self._take((*self.items, picture))
        self.choose(picture.id)

    def next_id(self) -> int:
        return max((one.id for one in self.items), default=0) + 1

    def change(self, picture_id: int, **values: Any) -> None:
        """As in `change(1, way="hand")`."""
        self._take(tuple(replace(one, **values) if one.id == picture_id else one for one in self.items))

    def lay_by_hand(self, picture_id: int, placement: Placement) -> None:
        self.change(picture_id, way="hand", placement=placement)

    def add_match(self, shown: tuple[float, float], true: tuple[float, float]) -> None:
        """What the chosen one shows at a level-0 place lies at another; from then on its matches say where it lies."""
        from core.registration.laid_pictures import Match

        picture = self.chosen
        if picture is not None:
            lies = self.lies(picture)
            matches = (*picture.matches, Match(lies.to_picture(*shown), true))
            self.change(picture.id, way="matched", matches=matches, placement=lies)

    def forget_matches(self) -> None:
        """The chosen one stays where it lies, by hand."""
        picture = self.chosen
        if picture is not None:
            self.change(picture.id, way="hand", matches=(), placement=self.lies(picture))

    def remove(self, picture_id: int) -> None:
        self._take(tuple(one for one in self.items if one.id != picture_id))

    def refresh(self, section_ids: Collection[int]) -> None:
        """Reads again what undo or redo has changed."""
        record, project = self._session.section_record, self._session.project
        if record is None or project is None:
            return
        if record.id not in section_ids:
            self._session.message.emit("info", "That was a picture over another section of this project.")
            return
        from core.project.picture_store import PictureStore

        self.adopt(PictureStore(project).pictures(record.id))

    def adopt(self, pictures: Sequence[LaidPicture]) -> None:
        """Those that are stored; call `settle` before another section comes."""
        self.items = tuple(pictures)
        self._keeper.forget()
        self._tell()

    def settle(self) -> None:
        """Stores what waits for its project, now: the section is about to be left."""
        self._keeper.settle()

    def _take(self, items: tuple[LaidPicture, ...]) -> None:
        if items != self.items:
            self.items = items
            self._tell()
            self._keeper.keep()

    def _tell(self) -> None:
        if self.chosen is None:
            self.chosen_id = self.items[-1].id if self.items else None
            self.movable = False
            if not self.items:
                self.swipe = None
            self.chosen_changed.emit()
        self.changed.emit()

    def _registered(self) -> None:
        if any(one.way == "registration" for one in self.items):
            self.changed.emit()

    def _store(self, project: Project, record: SectionRecord) -> None:
        from core.project.picture_store import PictureStore

        PictureStore(project).keep(record.id, self.items)
