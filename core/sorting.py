"""Decides by what detections can be sorted, and which way round each order is understood.

What "worst" means is for `core.ranking`. Equals keep the order they come in, which is worst first; what has no value (no
decision yet, no chemistry) comes last, also in the reverse order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np

from core.chemistry.composition import Composition
from core.class_colours import class_name
from core.detection_table import DetectionTable

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of detections beside themselves: the section's scale, and chemistry by id."""

    um_per_px: float | None = None
    compositions: Mapping[int, Composition] = field(default_factory=dict)

    @property
    def elements(self) -> tuple[str, ...]:
        """Those that were measured on any of them, in alphabetical order."""
        return tuple(sorted({symbol for one in self.compositions.values() for symbol in one.amounts}))


@dataclass(frozen=True, slots=True)
class Asked:
    """The detections that are to be sorted: `rows` of a table. `of`: the class or the element that the field needs.

    Distances count to all of `among`, what a filter leaves out too: pores near a crack, without the cracks.
    """

    table: DetectionTable
    rows: Array
    among: Array
    beside: Beside
    of: str

    def column(self, name: str) -> Array:
        return self.table.column(name)[self.rows]


@dataclass(frozen=True, slots=True)
class SortField:
    """One way to sort. `first` says what stands at the top; `of` what it needs to be told.

    `keys` gives arrays (n,) that ascend, the first one first; NaN where there is no value. None: the order they come in.
    """

    id: str
    name: str
    first: str
    keys: Callable[[Asked], tuple[Array, ...]] | None
    of: Literal["", "class", "element"] = ""


def sorted_rows(asked: Asked, field_id: str, reverse: bool) -> Array:
    """The rows in the order of a field."""
    keys = SORT_FIELDS[field_id].keys
    if keys is None:
        return asked.rows[::-1] if reverse else asked.rows
    columns = [-column if reverse else column for column in keys(asked)]
    return asked.rows[np.lexsort(columns[::-1])]


def distances_px(table: DetectionTable, rows: Array, among: Array, label: str) -> Array:
    """(n,) from the middle of each of some rows to that of the nearest one of a class among others; NaN if there is none.

    Of its own class, the nearest other one counts.
    """
    from scipy.spatial import cKDTree

    points = np.stack([table.column("x"), table.column("y")], axis=1)
    is_of = table.is_of((label,))
    targets = among[is_of[among]]
    found = np.full(len(rows), np.nan)
    if not len(targets):
        return found
    tree, own = cKDTree(points[targets]), is_of[rows]
    found[~own] = tree.query(points[rows[~own]])[0]
    if len(targets) > 1:
        found[own] = tree.query(points[rows[own]], k=2)[0][:, 1]
    return found


def _by_class(asked: Asked) -> tuple[Array, ...]:
    labels = asked.table.labels
    names = sorted(labels, key=lambda label: (class_name(label).casefold(), label))
    return (np.array([names.index(label) for label in labels], np.int32)[asked.column("label")],)


def _by_decision(asked: Asked) -> tuple[Array, ...]:
    """Seconds, of those that somebody decided something about."""
    when = np.full(len(asked.rows), np.nan)
    stamps: dict[str, float] = {}
    for place in np.flatnonzero(asked.column("is_decided")).tolist():
        stamp = asked.table[int(asked.rows[place])].decided_at
        if stamp not in stamps:
            stamps[stamp] = _seconds(stamp)
        when[place] = -stamps[stamp]
    return (when,)


def _seconds(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return np.nan


def _by_element(asked: Asked) -> tuple[Array, ...]:
    amounts = np.full(len(asked.table), np.nan)
    for detection_id, composition in asked.beside.compositions.items():
        row = asked.table.row(detection_id)
        if row is not None and asked.of in composition.amounts:
            amounts[row] = -composition.amounts[asked.of]
    return (amounts[asked.rows],)


_FIELDS = (
    SortField("severity", "Severity", "worst first", None),
    SortField("score", "Score", "highest first", lambda asked: (-asked.column("score"),)),
    SortField("area", "Area", "largest first", lambda asked: (-asked.column("area_px"),)),
    SortField("class", "Class", "A to Z", _by_class),
    SortField("position", "Position", "top to bottom", lambda asked: (asked.column("y"), asked.column("x"))),
    SortField(
        "distance",
        "Distance to",
        "nearest to one of that class first",
        lambda asked: (distances_px(asked.table, asked.rows, asked.among, asked.of),),
        of="class",
    ),
    SortField("status", "Status", "unreviewed first", lambda asked: (asked.column("status"),)),
    SortField("decided", "Time of decision", "latest first", _by_decision),
    SortField("found", "Time found", "in the order of the scan", lambda asked: (asked.column("id"),)),
    SortField("element", "Element", "most of it first", _by_element, of="element"),
)
SORT_FIELDS: dict[str, SortField] = {field.id: field for field in _FIELDS}
