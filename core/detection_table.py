"""Decides how a hundred thousand detections are asked something at once: as numpy columns beside the detections themselves.

A column is made when it is first needed. Tables are values: a change gives another table, which shares what has not changed.
An empty one doesn't load numpy: the window comes up with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from core.detection import STATUS_CODES, Detection

if TYPE_CHECKING:
    from core.section import Array

# What each column holds of a detection: level-0 px and px²; `status` by `STATUS_CODES`.
_COLUMNS: dict[str, tuple[str, Callable[[Detection], Any]]] = {
    "id": ("int64", lambda d: d.id),
    "score": ("float64", lambda d: d.score),
    "severity": ("float64", lambda d: d.severity),
    "area_px": ("float64", lambda d: d.area_px),
    "left": ("float64", lambda d: d.box.x),
    "top": ("float64", lambda d: d.box.y),
    "width": ("float64", lambda d: d.box.w),
    "height": ("float64", lambda d: d.box.h),
    "status": ("int8", lambda d: STATUS_CODES[d.status]),
    "has_note": ("bool", lambda d: bool(d.note)),
    "is_decided": ("bool", lambda d: bool(d.decided_at)),
    "is_drawn": ("bool", lambda d: d.is_drawn),
}
# What follows from those: `x`, `y` the box's middle, `side_px` its longer side.
_FOLLOWING: dict[str, Callable[[Callable[[str], Array]], Array]] = {
    "x": lambda column: column("left") + column("width") / 2,
    "y": lambda column: column("top") + column("height") / 2,
    "side_px": lambda column: column("width").clip(min=column("height")),
}
_NONE_KNOWN: Mapping[str, Array] = {}


class DetectionTable(Sequence[Detection]):
    """Detections in their order, with columns (n,) for questions about all of them. Its list and arrays must not be changed."""

    @classmethod
    def of(cls, detections: Iterable[Detection]) -> DetectionTable:
        """The table itself, where there is one already."""
        return detections if isinstance(detections, cls) else cls(detections)

    def __init__(self, detections: Iterable[Detection] = (), known: Mapping[str, Array] = _NONE_KNOWN) -> None:
        """`known`: some of `_COLUMNS`, where somebody has them already."""
        self.detections = detections if isinstance(detections, list) else list(detections)
        self._columns: dict[str, Array] = dict(known)
        self._labels: tuple[str, ...] | None = None
        self._rows: dict[int, int] | None = None

    # -- one of them --------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.detections)

    @overload
    def __getitem__(self, row: int) -> Detection: ...
    @overload
    def __getitem__(self, row: slice) -> list[Detection]: ...
    def __getitem__(self, row: int | slice) -> Detection | list[Detection]:
        return self.detections[row]

    def __iter__(self) -> Iterator[Detection]:
        return iter(self.detections)

    def row(self, detection_id: int | None) -> int | None:
        """Where the detection with this id stands; None where there is none."""
        if self._rows is None:
            self._rows = {d.id: row for row, d in enumerate(self.detections)}
        return None if detection_id is None else self._rows.get(detection_id)

    # -- all of them --------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes there are, in alphabetical order; `column("label")` counts by it."""
        if self._labels is None:
            self._labels = tuple(sorted({d.label for d in self.detections}))
        return self._labels

    def column(self, name: str) -> Array:
        """One of `_COLUMNS` or `_FOLLOWING`, or "label": the place of each class in `labels`."""
        found = self._columns.get(name)
        if found is None:
            follows = _FOLLOWING.get(name)
            found = self._read(name, self.detections) if follows is None else follows(self.column)
            self._columns[name] = found
        return found

    def read_ahead(self) -> None:
        """Makes every column now, in a thread that nobody waits for."""
        self.row(None)
        for name in ("label", *_COLUMNS, *_FOLLOWING):
            self.column(name)

    def is_of(self, labels: Iterable[str]) -> Array:
        """(n,) bool: whose class is one of these."""
        import numpy as np

        wanted = frozenset(labels)
        return np.array([label in wanted for label in self.labels], bool)[self.column("label")]

    def counts(self, rows: Array) -> dict[str, int]:
        """How many of some rows (their numbers, or a mask) are of each class; classes without any are left out."""
        import numpy as np

        counts = np.bincount(self.column("label")[rows], minlength=len(self.labels)).tolist()
        return {label: count for label, count in zip(self.labels, counts, strict=True) if count}

    def replaced(self, changed: Iterable[Detection]) -> DetectionTable:
        """A table with these in the rows of those with their ids; ids that it doesn't have are left out."""
        new = [(row, d) for d in changed if (row := self.row(d.id)) is not None]
        after = DetectionTable(self.detections.copy())
        for row, detection in new:
            after.detections[row] = detection
        after._rows = self._rows
        if all(d.label in self.labels for _, d in new):
            after._labels = self._labels
        if new:
            rows, values = [row for row, _ in new], [d for _, d in new]
            for name, column in self._columns.items():
                if name not in _FOLLOWING and (name != "label" or after._labels is not None):
                    after._columns[name] = column.copy()
                    after._columns[name][rows] = after._read(name, values)
        return after

    def _read(self, name: str, detections: Sequence[Detection]) -> Array:
        import numpy as np

        if name == "label":
            codes = {label: code for code, label in enumerate(self.labels)}
            return np.fromiter((codes[d.label] for d in detections), np.int32, len(detections))
        kind, value = _COLUMNS[name]
        return np.fromiter(map(value, detections), kind, len(detections))
