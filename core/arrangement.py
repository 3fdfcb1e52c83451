"""Decides which detections are shown and in which order: filtered, sorted, and grouped by class if that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.detection_table import DetectionTable
from core.filters import Filters
from core.sorting import SORT_FIELDS, Asked, Beside, sorted_rows

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How somebody wants to see detections. `sort`: one of SORT_FIELDS; `of`: the class or element that it needs."""

    sort: str = "severity"
    of: str = ""
    reverse: bool = False
    grouped: bool = False
    filters: Filters = field(default_factory=Filters)

    @property
    def follows_decisions(self) -> bool:
        """Whether a decision may change what is shown, or where."""
        return self.sort in ("status", "decided") or bool({"statuses", "text"} & set(self.filters.active))

    def order_json(self) -> dict[str, Any]:
        return {"sort": self.sort, "of": self.of, "reverse": self.reverse, "grouped": self.grouped}

    def with_order(self, value: object) -> Arrangement:
        """With the order that `order_json` wrote, as far as it can be understood."""
        if not isinstance(value, dict) or value.get("sort") not in SORT_FIELDS:
            return self
        return replace(
            self,
            sort=value["sort"],
            of=str(value.get("of", "")),
            reverse=bool(value.get("reverse")),
            grouped=bool(value.get("grouped")),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The detections of one class, one after the other: from `start` up to `stop` in what is arranged."""

    label: str
    start: int
    stop: int

    @property
    def count(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Rows of a table in their order; its groups, none unless they are wanted."""

    rows: Array
    groups: tuple[Group, ...] = ()


def arrange(table: DetectionTable, rows: Array, wanted: Arrangement, beside: Beside | None = None) -> Arranged:
    """Of some rows of a table, those that pass, in order. Equals keep the order they come in.

    Groups come in the order of their first one: sorted by severity, the class with the worst of all comes first.
    """
    beside = beside or Beside()
    passed = wanted.filters.rows(table, rows, beside.um_per_px)
    order = sorted_rows(Asked(table, passed, rows, beside, wanted.of), wanted.sort, wanted.reverse)
    if not wanted.grouped or not len(order):
        return Arranged(order)
    codes = table.column("label")[order]
    present, first = np.unique(codes, return_index=True)
    rank = np.empty(len(table.labels), np.int64)
    rank[present[np.argsort(first)]] = np.arange(len(present))
    ranks = rank[codes]
    starts = np.concatenate([[0], np.cumsum(np.bincount(ranks))]).tolist()
    labels = [table.labels[code] for code in present[np.argsort(first)]]
    groups = tuple(Group(*one) for one in zip(labels, starts, starts[1:], strict=False))
    return Arranged(order[np.argsort(ranks, kind="stable")], groups)
