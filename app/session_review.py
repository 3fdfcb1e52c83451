"""Decides how the window records decisions, and how it goes back and forth in the history of all that was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from core.detection import Status
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.history import Replayed
    from core.review import Review


class ReviewControl:
    """Decisions of the session's project, and undo and redo of everything in it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.review: Review | None = None

    @property
    def can_undo(self) -> bool:
        review = self.review
        return review is not None and _asked(lambda: review.can_undo)

    @property
    def can_redo(self) -> bool:
        review = self.review
        return review is not None and _asked(lambda: review.can_redo)

    def decide(self, status: Status, ids: Iterable[int] | None = None, note: str | None = None) -> None:
        session = self._session
        if ids is None:
            ids = () if session.selected_id is None else (session.selected_id,)
        chosen = list(ids)
        if self.review is None or not chosen:
            return
        try:
            self.review.decide(chosen, status, note)
            session.refresh_decisions(chosen)
        except SchliffError as error:
            session.report(error)

    def undo(self) -> None:
        if self.review is not None:
            self._replay(self.review.history.undo)

    def redo(self) -> None:
        if self.review is not None:
            self._replay(self.review.history.redo)

    def _replay(self, step: Callable[[], Replayed | None]) -> None:
        """Goes one gesture back or forth and selects the first that it changed of what is shown."""
        session = self._session
        try:
            replayed = step()
            if replayed is None:
                return
            if replayed.kind == "drawing":
                session.drawings.refresh(replayed.ids)
                return
            if replayed.kind == "registration":
                session.registration.refresh(replayed.ids)
                return
            if replayed.kind == "calibration":
                session.calibration.refresh(replayed.ids)
                return
            if replayed.kind == "composition":
                session.message.emit("info", "The chemistry of the detections is another one again.")
                return
            session.refresh_decisions(list(replayed.ids))
        except SchliffError as error:
            session.report(error)
            return
        changed = next((i for i in replayed.ids if session.detection(i) is not None), None)
        if changed is not None:
            session.select(changed, "keys")
        else:
            session.message.emit("info", "That was in another scan or section of this project.")


def _asked(question: Callable[[], bool]) -> bool:
    """No when the project can't be read: whatever is done next will say why."""
    try:
        return question()
    except SchliffError:
        return False
