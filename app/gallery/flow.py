"""Decides where the rows of a gallery lie: in lines that fill the width, under a heading for each group. No Qt.

Nothing is laid out one by one, so that 100,000 cost as much as 10.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class Flow:
    """`count` equal cells in `columns`; a group begins at each of `starts` (ascending, the first one 0; none: no groups).

    Heights and places in px from the upper edge of it all.
    """

    def __init__(self, count: int, columns: int, cell: int, heading: int = 0, starts: Sequence[int] = ()) -> None:
        self.count, self.columns, self.cell = count, max(columns, 1), max(cell, 1)
        self.heading = heading if starts else 0
        self._starts = list(starts) or [0]
        self._stops = [*self._starts[1:], count]
        self._lines = [0]  # before each group, and in all
        for start, stop in zip(self._starts, self._stops, strict=True):
            self._lines.append(self._lines[-1] + -(-(stop - start) // self.columns))
        self._tops = [lines * self.cell + place * self.heading for place, lines in enumerate(self._lines)]
        self.height = self._tops[-1]

    def place(self, row: int) -> tuple[int, int]:
        """The column and the upper edge of a row's cell."""
        group = bisect_right(self._starts, row) - 1
        line, column = divmod(row - self._starts[group], self.columns)
        return column, self._tops[group] + self.heading + line * self.cell

    def row_at(self, column: int, y: int) -> int | None:
        """The row whose cell is there; None where there is a heading, or nothing."""
        if not 0 <= y < self.height:
            return None
        group = self._group_at(y)
        line, row = (y - self._tops[group] - self.heading) // self.cell, self._starts[group]
        row += line * self.columns + column
        return row if line >= 0 and row < self._stops[group] else None

    def group_at(self, y: int) -> int | None:
        """The group whose heading is there."""
        if not self.heading or not 0 <= y < self.height:
            return None
        group = self._group_at(y)
        return group if y < self._tops[group] + self.heading else None

    def heading_top(self, group: int) -> int:
        return self._tops[group]

    def in_sight(self, top: int, height: int) -> tuple[int, int]:
        """First and last row whose cells touch a stretch; the last one is before the first where there are none."""
        return self._first_below(top), self._first_below(top + height - 1 + self.cell) - 1

    def headings_in_sight(self, top: int, height: int) -> range:
        """The groups whose headings touch a stretch."""
        if not self.heading:
            return range(0)
        last = bisect_right(self._tops, top + height - 1, hi=len(self._starts))
        first = self._group_at(min(max(top, 0), max(self.height - 1, 0)))
        return range(first if self._tops[first] + self.heading > top else first + 1, last)

    def stepped(self, row: int, lines: int) -> int:
        """The row so many lines below (above, if negative) another one, in its column or the nearest to it."""
        group = bisect_right(self._starts, row) - 1
        line, column = divmod(row - self._starts[group], self.columns)
        wanted = self._lines[group] + line + lines
        if wanted < 0 or wanted >= self._lines[-1]:
            return 0 if wanted < 0 else self.count - 1
        group = bisect_right(self._lines, wanted) - 1
        start = self._starts[group] + (wanted - self._lines[group]) * self.columns
        return min(start + column, self._stops[group] - 1)

    def _group_at(self, y: int) -> int:
        return min(bisect_right(self._tops, y) - 1, len(self._starts) - 1)

    def _first_below(self, y: int) -> int:
        """The first row whose cell ends below a height."""
        if y < 0:
            return 0
        if y >= self.height:
            return self.count
        group = self._group_at(y)
        line = max((y - self._tops[group] - self.heading) // self.cell, 0)
        return min(self._starts[group] + line * self.columns, self._stops[group])
