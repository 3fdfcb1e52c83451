"""Decides how the window records decisions, and how it goes back and forth in the history of all that was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from app.decision_words import joined_text
from core.counting import counted
from core.detection import Detection, Status
from core.errors import SchliffError

if TYPE_CHECKING:
    from app.session import Session
    from core.history import Replayed
    from core.project.decision_log import Decision
    from core.review import Review


class ReviewControl:
    """Decisions of the session's project, and undo and redo of everything in it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.review: Review | None = None
        session.drawings.changed.connect(self.refresh_drawn)

    @property
    def can_undo(self) -> bool:
        return self.review is not None and self.review.can_undo

    @property
    def can_redo(self) -> bool:
        return self.review is not None and self.review.can_redo

    def decide(
        self, status: Status | None, ids: Iterable[int] | None = None, note: str | None = None, label: str | None = None
    ) -> None:
        session = self._session
        if ids is None:
            ids = () if session.selected_id is None else (session.selected_id,)
        chosen = list(ids)
        self._do(chosen, lambda review: review.decide(chosen, status, note, label) and chosen)
        if label is not None and any(one.is_drawn for one in map(session.detection, chosen) if one is not None):
            session.drawings.read_again()

    def join(self, ids: Sequence[int]) -> None:
        """Makes one detection of several, and selects it; says what became of decisions that its parts don't share."""
        session = self._session
        parts = [one for one in map(session.detection, ids) if one is not None]
        changed = self._do(ids, lambda review: review.join(ids))
        if not changed:
            return
        session.select(changed[0], "keys")
        if text := joined_text(parts):
            session.message.emit("info", text)

    def split(self, ids: Sequence[int]) -> None:
        """Takes joined detections apart, and selects the first part."""
        changed = self._do(ids, lambda review: review.split(ids))
        if changed:
            self._session.select(changed[0], "keys")

    def take_over(self) -> None:
        """Gives what nobody judged in the shown scan the decisions of the section's other scans on the same findings."""
        scan = self._session.scan
        if scan is not None:
            changed = self._do([0], lambda review: review.take_over(scan.id))
            if changed is not None:
                found = (
                    f"{counted(len(changed), 'decision')} of other scans taken over."
                    if changed
                    else ("No decision of another scan clearly belongs to what nobody has judged here.")
                )
                self._session.message.emit("info", found)

    def log(self, detection_id: int) -> list[Decision]:
        """All that was said of a detection, the first word first."""
        review = self.review
        if review is None:
            return []
        try:
            return review.log(detection_id)
        except SchliffError:
            return []

    def _do(self, ids: Sequence[int], step: Callable[[Review], list[int]]) -> list[int] | None:
        """What the step says it changed is read again; None where it failed, which is told."""
        if self.review is None or not ids:
            return None
        try:
            changed = step(self.review)
            self.refresh(changed)
        except SchliffError as error:
            self._session.report(error)
            return None
        return changed

    def refresh(self, ids: Sequence[int]) -> None:
        """Reads again what is decided; `ids` are the detections that changed, came or went.

        Raises SchliffError where the project can't be read.
        """
        session = self._session
        if session.project is None or not ids:
            return
        changed = [one for one in session.project.detections_by_id(ids) if self._belongs_here(one)]
        if {one.id for one in changed} == {i for i in ids if session.table.row(i) is not None}:
            session.adopt_decisions(changed)
        else:
            from core.ranking import worst_first

            known, now = set(ids), {one.id: one for one in changed}
            session.adopt_detections(
                worst_first((*(one for one in session.detections if one.id not in known), *now.values()))
            )
        session.decisions_changed.emit(list(ids))

    def refresh_drawn(self) -> None:
        """Reads again what people drew as defects: drawings have changed."""
        session = self._session
        if session.project is None or session.section_record is None:
            return
        try:
            drawn = {one.id: one for one in session.project.drawn(session.section_record.id)}
        except SchliffError as error:
            session.report(error)
            return
        rows = session.table.column("is_drawn").nonzero()[0].tolist()
        shown = {one.id: one for one in (session.table[row] for row in rows)}
        if drawn == shown:
            return
        self.refresh([*dict.fromkeys((*drawn, *shown))])
        here = next((one.id for one in drawn.values() if one.drawing_id == session.drawings.selected_id), None)
        if here is not None:
            session.select(here, "session")

    def _belongs_here(self, one: Detection) -> bool:
        scan, record = self._session.scan, self._session.section_record
        if one.is_drawn:
            return record is not None and one.section_id == record.id
        return scan is not None and one.scan_id == scan.id

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
            if replayed.kind == "pictures":
                session.pictures.refresh(replayed.ids)
                return
            if replayed.kind == "composition":
                session.chemistry.refresh(replayed.ids)
                return
            if replayed.kind == "classes":
                session.classes.show_renamed()
                return
            if replayed.kind == "inspection":
                session.inspection.refresh()
                return
            self.refresh(replayed.ids)
            if replayed.drawings:
                session.drawings.read_again()
        except SchliffError as error:
            session.report(error)
            return
        changed = next((i for i in replayed.ids if session.detection(i) is not None), None)
        if changed is not None:
            session.select(changed, "keys")
        else:
            session.message.emit("info", "That was in another scan or section of this project.")
