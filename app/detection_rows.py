"""Decides how a detection is found among a hundred thousand by its id, and how a few of them change places with others."""

from __future__ import annotations

from collections.abc import Iterable

from core.detection import Detection


class DetectionRows:
    """Rows by id of one list at a time; another list is looked through once. The lists themselves are never changed."""

    def __init__(self) -> None:
        self._list: list[Detection] | None = None
        self._rows: dict[int, int] = {}

    def row(self, detections: list[Detection], detection_id: int | None) -> int | None:
        """Where a detection with this id stands in the list."""
        if detections is not self._list:
            self._list, self._rows = detections, {d.id: row for row, d in enumerate(detections)}
        return None if detection_id is None else self._rows.get(detection_id)

    def replaced(self, detections: list[Detection], changed: Iterable[Detection]) -> list[Detection]:
        """A list with these in the rows of those with their ids; ids that it doesn't have are left out."""
        after = detections.copy()
        for detection in changed:
            row = self.row(detections, detection.id)
            if row is not None:
                after[row] = detection
        if self._list is detections:
            self._list = after  # each stands where it stood
        return after
