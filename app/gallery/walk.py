"""Decides what is judged and where the selection goes next: through the gallery's own order, filter included."""

from __future__ import annotations

from app.gallery.model import GalleryModel
from app.gallery.view import CropView
from app.session import Session
from core.detection import Status

SOURCE = "gallery"


class Walk:
    """The selection's way through the shown crops."""

    def __init__(self, session: Session, model: GalleryModel, view: CropView) -> None:
        self._session, self._model, self._view = session, model, view
        self._place = 0  # row of the selection, or where it was before it left the gallery

    def decide(self, status: Status | None, label: str | None = None, *, go_on: bool) -> None:
        """Judges what is selected, all at once, and selects the crop after it if `go_on`."""
        ids = self.chosen_ids()
        if not ids:
            return
        following = self._id_after(ids)
        self._session.decide(status, ids, label=label)
        if go_on and following is not None:
            self.select(following)

    def step(self, step: int) -> None:
        """Forward or back by `step`, stopping at the ends."""
        count = len(self._model.shown)
        if not count:
            return
        row = self._current_row()
        if row is None:  # it has left the gallery: its successor stands where it was
            row = self._place if step > 0 else self._place - 1
        else:
            row += step
        self.select(self._model.shown[min(max(row, 0), count - 1)].id)

    def next_unreviewed(self) -> None:
        """From the selected one on, then from the top; nothing happens when all are judged."""
        start = self._current_row()
        row = self._model.next_unreviewed(0 if start is None else start + 1)
        if row is not None and row != start:
            self.select(self._model.shown[row].id)

    def select(self, detection_id: int) -> None:
        self._session.select(detection_id, SOURCE)
        self._view.follow(detection_id)
        self.remember_place()

    def chosen_ids(self) -> list[int]:
        """The crops selected in the gallery; what was selected elsewhere if that is not among them."""
        selected = self._session.selected_id
        chosen = self._view.selected_ids()
        return chosen if selected is None or selected in chosen else [selected]

    def remember_place(self) -> None:
        row = self._current_row()
        if row is not None:
            self._place = row

    def _current_row(self) -> int | None:
        return self._model.row_of(self._session.selected_id)

    def _id_after(self, ids: list[int]) -> int | None:
        rows = [row for row in map(self._model.row_of, ids) if row is not None]
        following = self._model.detection(max(rows) + 1) if rows else None
        return following.id if following is not None else None
