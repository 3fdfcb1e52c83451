"""Decides where on marked pictures windows are cut to learn from, and which class a window shows.

A window shows the class of the mark whose middle is nearest to its own, if that lies in its inner part. It shows no
defect where no mark touches it. Everything else shows too little of a mark to say, and is not learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.train.regions import IGNORED, LabelledSection

Array = np.ndarray

NO_DEFECT = 0
# Half the side of a window's inner part, as a share of its side: a mark whose middle lies outside is only partly seen.
_INNER = 0.4
# Of the windows without a defect that no person pointed at, how many lie right beside a mark.
_BESIDE = 0.3
_BESIDE_GAP = 0.5
_TRIES = 30
_KNOWN_GRID = np.linspace(-0.45, 0.45, 5)


@dataclass(frozen=True, slots=True)
class Window:
    """A square to cut from one of several sections.

    Args:
        section: which one; x, y: its middle in px of that section.
        shows: the class, 1 and up, or `NO_DEFECT`.
        is_anywhere: it stands for any place without a defect of its section, not for what is right there.
    """

    section: int
    x: float
    y: float
    shows: int
    is_anywhere: bool = False


def shown(section: LabelledSection, x: float, y: float, side: float) -> int:
    """The class that the window of `side` px around (x, y) shows, `NO_DEFECT`, or `IGNORED` where that can't be said."""
    if not len(section.boxes):
        return NO_DEFECT
    apart = np.abs(section.boxes[:, :2] + section.boxes[:, 2:] / 2 - np.array([x, y]))
    inside = (apart <= _INNER * side).all(1)
    if inside.any():
        return int(section.classes[np.where(inside, (apart**2).sum(1), np.inf).argmin()])
    touches = (apart < side / 2 + section.boxes[:, 2:] / 2).all(1)
    return IGNORED if touches.any() else NO_DEFECT


def shows_nothing(section: LabelledSection, x: float, y: float, side: float) -> bool:
    """Whether it is known of a whole window that there is no defect in it."""
    if shown(section, x, y, side) != NO_DEFECT:
        return False
    height, width = section.pixels.shape[:2]
    xs, ys = (np.clip(at + _KNOWN_GRID * side, 0, n - 1) for at, n in ((x, width), (y, height)))
    return section.known is None or all(section.knows(at_x, at_y) for at_x in xs for at_y in ys)


def anywhere(section: LabelledSection, side: float, rng: np.random.Generator) -> tuple[float, float] | None:
    """The middle of a window without a defect, by chance; None where none was found."""
    height, width = section.pixels.shape[:2]
    known = np.array([[0, 0, width, height]], float) if section.known is None else section.known
    areas = known[:, 2] * known[:, 3]
    if not areas.sum():
        return None
    for chosen in rng.choice(len(known), _TRIES, p=areas / areas.sum()):
        x, y, w, h = known[chosen]
        at_x, at_y = float(x + rng.random() * w), float(y + rng.random() * h)
        if shows_nothing(section, at_x, at_y, side):
            return at_x, at_y
    return None


def windows_on(
    sections: Sequence[LabelledSection], side: float, negatives: float, rng: np.random.Generator
) -> list[Window]:
    """A window around the middle of each mark, and `negatives` for each of those that show no defect.

    First of these come places that somebody looked at and found nothing in (`LabelledSection.empty`), as many as are
    asked for; of the others some lie right beside a mark. There are fewer where fewer places are known.
    """
    marked = [
        Window(number, float(x + w / 2), float(y + h / 2), shown(section, x + w / 2, y + h / 2, side))
        for number, section in enumerate(sections)
        for x, y, w, h in section.boxes
    ]
    wanted = round(negatives * len(marked))
    looked_at = [
        Window(number, x + w / 2, y + h / 2, NO_DEFECT)
        for number, section in enumerate(sections)
        for x, y, w, h in section.empty.tolist()
        if shown(section, x + w / 2, y + h / 2, side) == NO_DEFECT
    ]
    pointed_at = [looked_at[i] for i in rng.permutation(len(looked_at))[:wanted]]
    left = wanted - len(pointed_at)
    beside = list(_beside_marks(sections, side, round(_BESIDE * left), rng))
    return [*marked, *pointed_at, *beside, *_anywhere_on(sections, side, left - len(beside), rng)]


def _beside_marks(
    sections: Sequence[LabelledSection], side: float, count: int, rng: np.random.Generator
) -> Iterator[Window]:
    """Near misses: windows that end shortly before a mark begins."""
    marks = [(number, box) for number, section in enumerate(sections) for box in section.boxes.tolist()]
    for index in rng.integers(0, max(1, len(marks)), count if marks else 0):
        number, (x, y, w, h) = marks[index]
        for _ in range(_TRIES):
            direction, gap = rng.uniform(-1, 1, 2), side * rng.uniform(0, _BESIDE_GAP)
            away = direction / np.abs(direction).max() * (np.array([w, h]) / 2 + side / 2 + gap)
            at_x, at_y = float(x + w / 2 + away[0]), float(y + h / 2 + away[1])
            if _lies_on(sections[number], at_x, at_y) and shows_nothing(sections[number], at_x, at_y, side):
                yield Window(number, at_x, at_y, NO_DEFECT)
                break


def _anywhere_on(
    sections: Sequence[LabelledSection], side: float, count: int, rng: np.random.Generator
) -> Iterator[Window]:
    areas = np.array([_known_area(section) for section in sections])
    if not areas.sum():
        return
    for number in rng.choice(len(sections), count, p=areas / areas.sum()):
        place = anywhere(sections[number], side, rng)
        if place is not None:
            yield Window(int(number), *place, NO_DEFECT, is_anywhere=True)


def _known_area(section: LabelledSection) -> float:
    """px²; what known boxes share counts twice, which only makes such sections a little likelier."""
    whole = section.pixels.shape[0] * section.pixels.shape[1]
    return float(whole if section.known is None else (section.known[:, 2] * section.known[:, 3]).sum())


def _lies_on(section: LabelledSection, x: float, y: float) -> bool:
    height, width = section.pixels.shape[:2]
    return 0 <= x < width and 0 <= y < height
