"""Decides what becomes of the marks that a format's files hold: cut to their picture, odd ones left out and told.

A set may say in `groups.csv` (columns file, group) which pictures belong together, whatever its format.
A picture that can't be opened is left out and told too, so that one broken file doesn't keep a thousand from use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePath

from core.data.files import Side
from core.data.image_set import groups_of
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.errors import InputError, SchliffError
from core.geometry import Box
from core.readers.base import open_section
from core.tables import parse_rows, table_text

GROUPS_FILE = "groups.csv"
MAX_MARKS = 5_000_000
# What tools round away; a mark that reaches so far beyond its picture is cut without a word.
_ROUNDING_PX = 1.0
# A picture as large as this is a section of its own, however it is called.
_SECTION_PX = 4096
_NAMED = 10

_NO_AREA = "{} without area left out"
_OUTSIDE = "{} beyond the picture left out"
_CUT = "{} cut at the picture's edge"


@dataclass
class Gathering:
    """Pictures of one data set as they are read. `source`, `format`, `declared`: as `LabelledData`."""

    source: Path
    format: str
    _pictures: list[tuple[Side, LabelledPicture]] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)
    _odd: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _notes: list[str] = field(default_factory=list)
    _unreadable: list[tuple[Path, str]] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    _large: set[Path] = field(default_factory=set)
    _count: int = 0

    def size_of(self, path: Path) -> tuple[int, int] | None:
        """Width and height of a picture in px; None for what can't be opened, which is noted."""
        try:
            state = path.stat()
            size = _size_of(path, state.st_mtime_ns, state.st_size)
        except OSError as error:
            self._unreadable.append((path, error.strerror or "can't be read"))
            return None
        except SchliffError as error:
            self._unreadable.append((path, error.what))
            return None
        if max(size) >= _SECTION_PX:
            self._large.add(path)
        return size

    def add(
        self,
        path: Path,
        size: tuple[int, int],
        marks: Iterable[Mark],
        side: Side = "training",
        unknown: Sequence[Box] = (),
        group: str = "",
        known: tuple[Box, ...] | None = None,
        empty: tuple[Box, ...] = (),
    ) -> None:
        """One picture. `unknown`: places of which nothing is said; `group`: "" where the format says nothing of it; `known`,
        `empty`: as of a `LabelledPicture`, from formats that say them.

        Raises InputError for far too many marks, or a picture that was there before.
        """
        if path in self._seen:
            raise InputError(
                f"it speaks of {path.name} twice", path=self.source, remedy="Give the one file that counts as --data."
            )
        self._seen.add(path)
        whole = Box(0, 0, *size)
        fitting = tuple(kept for mark in marks if (kept := self._fitted(mark, whole, path)) is not None)
        self._count += len(fitting)
        if self._count > MAX_MARKS:
            raise InputError(f"more than {MAX_MARKS:,} marks", path=self.source, remedy="Split the set.")
        if unknown:
            crossed = (mark.box for mark in fitting if any(mark.box.intersection(place) for place in unknown))
            known = (*without(whole, unknown), *crossed)
        self._pictures.append((side, LabelledPicture(path, fitting, group, known, empty)))

    def missing(self, name: str) -> None:
        """A picture that the set speaks of and doesn't hold."""
        self._odd["{} that the folder doesn't hold left out"].append(name)

    def note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def finish(self) -> LabelledData:
        """All of it, in groups, sorted by path. Raises InputError where no picture could be used at all."""
        if not self._pictures and (self._odd or self._unreadable):
            why = self._lines() or [f"{self._unreadable[0][0].name} ({self._unreadable[0][1]})"]
            raise InputError(f"no picture of it can be used: {why[0]}", path=self.source, remedy="Check it.")
        sides: dict[Side, list[LabelledPicture]] = {"training": [], "validation": [], "test": []}
        ordered = sorted(self._pictures, key=lambda one: one[1].path)
        told = _told_groups(self.source)
        for (side, picture), guessed in zip(ordered, groups_of([p.path for _, p in ordered]), strict=True):
            own = picture.path.name if picture.path in self._large else guessed
            group = picture.group or told.get(picture.path.name, own)
            sides[side].append(replace(picture, group=group))
        training, validation, test = sides.values()
        if not training:  # it is a part of a set that was given by itself
            training, validation, test = [*validation, *test], [], []
        if test:
            self.note(f"{len(test)} pictures for testing left out: judge with them by their folder")
        return LabelledData(
            self.source,
            self.format,
            tuple(training),
            tuple(validation),
            (*self._notes, *self._lines()),
            tuple(sorted(self.declared)),
            tuple(self._unreadable),
        )

    def _lines(self) -> list[str]:
        lines = []
        for what, names in self._odd.items():
            several = "s" if len(names) > 1 else ""
            noun = "picture" if "that" in what else "mark"
            named = ", ".join(dict.fromkeys(names[:_NAMED])) + (", …" if len(names) > _NAMED else "")
            lines.append(f"{what.format(f'{len(names)} {noun}{several}')}: {named}")
        return lines

    def _fitted(self, mark: Mark, whole: Box, path: Path) -> Mark | None:
        if mark.box.area == 0:
            self._odd[_NO_AREA].append(path.name)
            return None
        inside = mark.box.intersection(whole)
        if inside is None:
            self._odd[_OUTSIDE].append(path.name)
            return None
        beyond = _beyond(whole, [(mark.box.x, mark.box.y), (mark.box.x1, mark.box.y1), *mark.outline])
        if beyond <= 0:
            return mark
        if beyond > _ROUNDING_PX:
            self._odd[_CUT].append(path.name)
        outline = tuple((min(max(x, 0.0), whole.w), min(max(y, 0.0), whole.h)) for x, y in mark.outline)
        return Mark(mark.label, inside, outline)


def _told_groups(source: Path) -> dict[str, str]:
    """By the name of a picture. Raises InputError naming the line for a file that can't be read."""
    path = (source if source.is_dir() else source.parent) / GROUPS_FILE
    if not path.is_file():
        return {}
    remedy = "It needs the columns file,group."
    rows = parse_rows(
        table_text(path, "a table of groups"), ("file", "group"),
        lambda row: (PurePath(row.text("file")).name, row.text("group")), path, remedy,
    )  # fmt: skip
    return dict(rows)


@lru_cache(maxsize=1 << 16)
def _size_of(path: Path, changed_ns: int, length: int) -> tuple[int, int]:
    """Opened once for as long as the file stays as it is: data is checked before it is trained on."""
    with open_section(path) as section:
        return section.info.width_px, section.info.height_px


def without(whole: Box, holes: Iterable[Box]) -> tuple[Box, ...]:
    """A box but for some places, as boxes that don't overlap: above, left, right, below each."""
    parts = [whole]
    for hole in holes:
        parts = [piece for part in parts for piece in _around(part, hole)]
    return tuple(parts)


def _around(box: Box, hole: Box) -> list[Box]:
    common = box.intersection(hole)
    if common is None:
        return [box]
    edges = (
        (box.x, box.y, box.x1, common.y),
        (box.x, common.y, common.x, common.y1),
        (common.x1, common.y, box.x1, common.y1),
        (box.x, common.y1, box.x1, box.y1),
    )
    return [Box.from_edges(x0, y0, x1, y1) for x0, y0, x1, y1 in edges if x1 > x0 and y1 > y0]


def outlined(label: str, points: Sequence[tuple[float, float]]) -> Mark:
    """A mark from the corners of its outline."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Mark(label, Box.from_edges(min(xs), min(ys), max(xs), max(ys)), tuple(points))


def _beyond(whole: Box, points: Iterable[tuple[float, float]]) -> float:
    """How far the farthest of them lies beyond a picture, px."""
    return max(max(-x, -y, x - whole.w, y - whole.h) for x, y in points)
