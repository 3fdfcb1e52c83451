"""Decides what a model of normal learns from: windows in which nothing is wrong, as far as anybody knows.

They are held in memory as clips of bounded size (`core.train.normal_clips`), drawn by chance from all there are, so that a
section of 100 GB costs no more than a small one. What is normal is for `core.data.normal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.anomaly.looks import Looks, looks_of
from core.data.normal import NormalData, find_normal
from core.data.opening import open_picture
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.section import Section
from core.seen_range import RANGE, common_range
from core.train.augment import orient
from core.train.dataset import memory_for_pictures
from core.train.normal_clips import STEP_PX, Clip, NormalPlaces, halved
from core.train.regions import no_boxes
from core.train.scales import common_scale

Array = np.ndarray

# Windows at rest lie so far apart, as a share of their side, where there is room.
_APART = 0.5
# Of the memory for pictures; networks of normal hold more beside them than others.
_SHARE_OF_MEMORY = 0.5
_LOOKED_AT = 64  # windows
_NOTHING = 1.0  # grey level, the standard deviation of a window that shows nothing


class NormalWindows:
    """Windows of one size and scale in which nothing is wrong, as far as anybody knows.

    Args:
        side: px; um_per_px: None where nothing says.
        groups: (n,) int, which section, part or image each window is from.
        data: what they were drawn from, for a card's record of it.
        trim: the share of them that may show a defect and is to be left out after a first look; 0 where somebody said
            what is normal.
    """

    def __init__(
        self,
        data: NormalData,
        side: int,
        um_per_px: float | None,
        trim: float,
        places: Sequence[NormalPlaces],
        clips: Sequence[Clip],
        windows: Array,
        known_defects: Array | None,
    ) -> None:
        self.data, self.side, self.um_per_px, self.trim = data, side, um_per_px, trim
        self._places, self._clips, self._windows, self._labels = places, clips, windows, known_defects
        self._pixels: list[Array] = []
        names = sorted({picture.group for picture in data.pictures})
        numbers = {name: number for number, name in enumerate(names)}
        of_picture = np.array([numbers[picture.group] for picture in data.pictures])
        self.groups: Array = of_picture[[clips[one].picture for one in windows[:, 0]]]

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def input_fields(self) -> dict[str, Any]:
        """For the `input` part of a card: how a model has to look at a section to see the same."""
        deep = {RANGE: [self._places[0].shown.low, self._places[0].shown.high]}
        return {"um_per_px": self.um_per_px, **(deep if all(one.is_comparable for one in self._places) else {})}

    @property
    def window_mm2(self) -> float | None:
        """What a window covers; None without a scale."""
        return None if self.um_per_px is None else (self.side * self.um_per_px / 1000) ** 2

    def read(self, index: int) -> Array:
        """(side, side, 3) uint8: the window where it lies at rest."""
        clip, x, y = self._windows[index]
        return self._cut(clip, x, y)

    def batch(self, indices: Sequence[int] | Array, rng: np.random.Generator | None = None) -> Array:
        """(n, side, side, 3) uint8; with `rng` each moved by up to half a window within what is normal, and laid down in
        one of 8 ways."""
        if rng is None:
            return np.stack([self.read(int(index)) for index in indices])
        moved = (self._cut(*self._moved(int(index), rng)) for index in indices)
        return np.stack([orient(pixels, no_boxes(), int(rng.integers(8)))[0] for pixels in moved])

    def around(self, indices: Sequence[int] | Array, margin_px: int) -> Iterator[Array]:
        """Each window at rest with what surrounds it in its picture: (side + 2 · margin, …, 3) uint8, mirrored beyond the
        picture's edge. What a scan shows a model of it; read from the file anew, so for some hundreds at most.
        """
        opened: tuple[int, Section] | None = None
        try:
            for index in indices:
                number, x, y = self._windows[int(index)]
                clip = self._clips[number]
                if opened is None or opened[0] != clip.picture:
                    if opened is not None:
                        opened[1].close()
                    opened = clip.picture, open_picture(self.data.pictures[clip.picture])
                whole = self.side + 2 * margin_px
                left, top = clip.x + int(x) - margin_px, clip.y + int(y) - margin_px
                yield self._places[clip.picture].reader(opened[1]).read(left, top, whole, whole)
        finally:
            if opened is not None:
                opened[1].close()

    def split(self, share: float, seed: int) -> tuple[Array, Array]:
        """Indices learnt from, and about `share` held out, never more than half: whole groups where that comes to at least
        half of `share`, else whole clips, of which those of one picture share no px. Where there is a single clip, all of it
        serves for both."""
        rng = np.random.default_rng(seed)
        aside = _aside(self.groups, share, rng)
        if np.count_nonzero(aside) < share * len(self) / 2:
            aside = _aside(self._windows[:, 0], share, rng)
        if not aside.any():
            return np.arange(len(self)), np.arange(len(self))
        return np.flatnonzero(~aside), np.flatnonzero(aside)

    @property
    def parts(self) -> Array:
        """(n,) int: what of each window shares nothing with others: its group, or of a single group its clip."""
        return self.groups if len(np.unique(self.groups)) > 1 else self._windows[:, 0]

    def looks(self, indices: Array) -> Looks:
        """What some of these windows look like, for a card: what drift is told by."""
        return looks_of(self.read(int(index)) for index in indices[:: max(1, len(indices) // _LOOKED_AT)])

    @property
    def shows_anything(self) -> bool:
        """Whether some window holds more than a grey level's noise. To be asked once they are loaded."""
        return any(float(self.read(index).std()) > _NOTHING for index in range(len(self)))

    def labels(self) -> Array | None:
        """(n,) bool, which windows are known to show a defect; None where none was let in (`contamination`)."""
        return self._labels

    def load(self, progress: Progress, cancel: CancelToken) -> None:
        """Reads the clips. Raises CancelledError, InputError for a picture that can't be read any more."""
        by_picture: dict[int, list[int]] = {}
        for number, clip in enumerate(self._clips):
            by_picture.setdefault(clip.picture, []).append(number)
        pixels: dict[int, Array] = {}
        for picture, numbers in by_picture.items():
            shown = self.data.pictures[picture]
            with open_picture(shown) as section:
                source = self._places[picture].reader(section)
                for number in numbers:
                    cancel.check()
                    progress(Step(len(pixels), len(self._clips), f"Reading {shown.path.name}"))
                    clip = self._clips[number]
                    pixels[number] = source.read(clip.x, clip.y, clip.w, clip.h)
        self._pixels = [pixels[number] for number in range(len(self._clips))]

    def _cut(self, clip: int, x: int, y: int) -> Array:
        return np.ascontiguousarray(self._pixels[clip][y : y + self.side, x : x + self.side])

    def _moved(self, index: int, rng: np.random.Generator) -> tuple[int, int, int]:
        """Another place in the same clip that is as free, not only in whole steps where that leaves it free."""
        number, x, y = (int(v) for v in self._windows[index])
        clip = self._clips[number]
        if clip.at is not None:
            return number, x, y
        reach, row, column = max(1, self.side // (2 * STEP_PX)), y // STEP_PX, x // STEP_PX
        top, left = max(0, row - reach), max(0, column - reach)
        rows, columns = np.nonzero(clip.free[top : row + reach + 1, left : column + reach + 1])
        chosen = int(rng.integers(len(rows)))
        row, column = top + int(rows[chosen]), left + int(columns[chosen])
        around = clip.free[row : row + 2, column : column + 2]
        further = rng.integers(STEP_PX, size=2) if around.shape == (2, 2) and around.all() else (0, 0)
        return number, column * STEP_PX + int(further[0]), row * STEP_PX + int(further[1])


def read_normal(
    data: Path,
    values: Mapping[str, Any],
    side_px: int,
    seed: int = 0,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> NormalWindows:
    """Windows of `side_px` in which nothing is wrong (`core.data.normal` says of what data).

    Args:
        values: at least those of `NORMAL_PARAMETERS`.
    Raises InputError for data that can't be read, says or shows nothing of what is normal, UsageError where no window fits
    into what is normal, or pictures are of several scales; CancelledError.
    """
    cancel, rng = cancel or CancelToken(), np.random.default_rng(seed)
    found = find_normal(data, values["no_defect"])
    entered = {one.path: one.entered_um for one in found.pictures if one.entered_um is not None}
    um_per_px = common_scale((one.path for one in found.pictures), values["um_per_px"], data, entered)
    most = int(values["most"])
    chosen = rng.permutation(len(found.pictures))[:most]
    places: list[NormalPlaces] = []
    for done, number in enumerate(chosen):
        cancel.check()
        picture = found.pictures[number]
        progress(Step(done, len(chosen), f"Looking for what is normal on {picture.path.name}"))
        places.append(NormalPlaces(picture, len(places), um_per_px, side_px))
    common = common_range([one.shown if one.is_comparable else None for one in places])
    for one in places:
        one.shown = common or one.shown
    kept = NormalData(found.source, found.format, tuple(found.pictures[n] for n in chosen), found.is_sure, found.notes)
    clips, windows = _drawn(places, side_px, most, rng, cancel)
    if not len(windows):
        raise UsageError(
            f"no window of {side_px} px fits into what is normal", path=data,
            remedy="Draw larger regions called normal, or choose smaller windows or a finer scale.",
        )  # fmt: skip
    clips, windows, labels = _with_defects(places, clips, windows, values["contamination"], rng)
    trim = 0.0 if kept.is_sure and labels is None else float(values["trim"])
    drawn = NormalWindows(kept, side_px, um_per_px, trim, places, clips, windows, labels)
    drawn.load(progress, cancel)
    if not drawn.shows_anything:
        raise InputError(
            "nothing shows in what is normal: each window is one even grey", path=data,
            remedy="Choose pictures of the specimen itself, or look whether they were exported all black or white.",
        )  # fmt: skip
    return drawn


def _drawn(
    places: Sequence[NormalPlaces], side: int, most: int, rng: np.random.Generator, cancel: CancelToken
) -> tuple[list[Clip], Array]:
    """Clips, and (n, 3) int: clip, x, y of each window. Blocks of all pictures are looked at in an order drawn by chance,
    each as likely, until there are enough windows side by side, or memory has no room for more; where all of them are
    too few, windows between them are taken, too."""
    clips = [clip for place in places for clip in place.around_false_alarms()]
    rng.shuffle(clips)
    del clips[most:]
    rows = [np.array([[number, 0, 0]]) for number in range(len(clips))]
    blocks = [place.blocks() for place in places]
    owners = np.repeat(np.arange(len(places)), [len(one) for one in blocks])
    every = np.concatenate(blocks) if blocks else np.zeros((0, 4), int)
    if len(every) == 1:  # a single one leaves nothing to be held out
        every = halved(every[0], side)
        owners = np.repeat(owners, len(every))
    between: list[Array] = []
    room, count = int(memory_for_pictures() * _SHARE_OF_MEMORY), len(rows)
    for index in rng.permutation(len(every)):
        cancel.check()
        if count >= most or room <= 0:
            break
        clip = places[owners[index]].clip(every[index])
        if clip is not None:
            at, is_beside = _at_rest(clip, side)
            numbered = np.column_stack([np.full(len(at), len(clips)), at])
            rows.append(numbered[is_beside])
            between.append(numbered[~is_beside])
            clips.append(clip)
            room, count = room - clip.nbytes, count + int(is_beside.sum())
    windows = np.concatenate(rows)[:most] if rows else np.zeros((0, 3), int)
    if len(windows) < most and between:
        further = np.concatenate(between)
        windows = np.concatenate([windows, further[rng.permutation(len(further))[: most - len(windows)]]])
    return clips, windows[np.argsort(windows[:, 0], kind="stable")]


def _aside(units: Array, share: float, rng: np.random.Generator) -> Array:
    """(n,) bool: whole units, drawn by chance, until they hold `share` of all; none that would make it more than half."""
    names, of_unit, counts = np.unique(units, return_inverse=True, return_counts=True)
    chosen, held = np.zeros(len(names), bool), 0
    for unit in rng.permutation(len(names)):
        if held < share * len(units) and held + counts[unit] <= len(units) / 2:
            chosen[unit], held = True, held + int(counts[unit])
    return chosen[of_unit]


def _at_rest(clip: Clip, side: int) -> tuple[Array, Array]:
    """(n, 2) int: x, y of windows in a clip, half a window apart, beginning with the first place that is free; and (n,)
    bool, those that lie side by side: the others show nothing new, and are for pictures too small to give enough."""
    apart = max(1, round(_APART * side / STEP_PX))
    rows, columns = np.nonzero(clip.free)
    first = rows[0] % apart, columns[0] % apart
    row, column = np.nonzero(clip.free[first[0] :: apart, first[1] :: apart])
    at = np.column_stack([column * apart + first[1], row * apart + first[0]]) * STEP_PX
    return at, (row - row.min()) % 2 + (column - column.min()) % 2 == 0


def _with_defects(
    places: Sequence[NormalPlaces], clips: list[Clip], windows: Array, share: float, rng: np.random.Generator
) -> tuple[list[Clip], Array, Array | None]:
    """With windows around marked defects in place of others, so many that they are `share` of all; for experiments."""
    if not share:
        return clips, windows, None
    marked = [clip for place in places for clip in place.around_defects()]
    count = min(len(marked), round(share * len(windows)))
    added = [marked[i] for i in rng.permutation(len(marked))[:count]]
    left = np.sort(rng.permutation(len(windows))[count:])
    rows = [[len(clips) + number, 0, 0] for number in range(count)]
    labels = np.arange(len(left) + count) >= len(left)
    return [*clips, *added], np.concatenate([windows[left], np.array(rows, int).reshape(-1, 3)]), labels
