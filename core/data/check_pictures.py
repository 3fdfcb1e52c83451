"""Decides what is odd about the pictures of labelled data: the same one twice, unreadable, of another size or scale."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.findings import NAMED, Example, Finding, named
from core.errors import SchliffError
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step
from core.readers.base import open_section
from core.section import Plane, RegionRequest

# Of large sets so many pictures, evenly chosen, are opened, and so many of those decoded.
OPENED, DECODED = 2000, 300
_DECODED_PX = 16 << 20
# Of a larger file its beginning and its end are compared.
_WHOLE_BYTES, _PART_BYTES = 64 << 20, 1 << 20
_SIZE_RATIO, _SCALE_RATIO = 4.0, 1.5


@dataclass(frozen=True, slots=True)
class _Seen:
    example: Example
    width: int
    height: int
    um_per_px: float | None


def odd_pictures(examples: Sequence[Example], progress: Progress, cancel: CancelToken) -> Iterator[Finding]:
    """Raises CancelledError."""
    seen, broken = [], []
    chosen = _evenly(examples, OPENED)
    decoded = {id(example) for example in _evenly(chosen, DECODED)}
    for number, example in enumerate(chosen):
        cancel.check()
        progress(Step(number, len(chosen), "Checking the data"))
        try:
            seen.append(_look(example, id(example) in decoded))
        except SchliffError as error:
            broken.append((example.path, error.what))
    if broken:
        listed = "; ".join(f"{path.name} ({why})" for path, why in broken[:NAMED])
        more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        yield Finding(
            "problem", f"{_count(len(broken), 'picture')} can't be read: {listed}{more}",
            "Copy or export them again, or take them out.", tuple(path for path, _ in broken), stops=True,
        )  # fmt: skip
    yield from _odd_marks(seen)
    yield from _odd_sizes(seen)
    yield from _odd_scales(seen)
    if len(examples) > DECODED:
        opened = f"{min(len(examples), OPENED):,} of {len(examples):,} pictures were opened"
        yield Finding(
            "hint", f"{opened} and {DECODED} decoded", "What the others hold is seen when they are trained on."
        )


def same_pictures(examples: Sequence[Example], is_split: bool, cancel: CancelToken) -> Iterator[Finding]:
    """Files with the same bytes: under several classes, on both sides of a split, or in several groups."""
    classes, sides, groups, others = [], [], [], []
    for same in _same_bytes(examples, cancel):
        if len({frozenset(example.labels) for example in same}) > 1:
            classes.append(same)
        elif len({example.aside for example in same}) > 1:
            sides.append(same)
        elif not is_split and len({example.group for example in same}) > 1:
            groups.append(same)
        else:
            others.append(same)
    for found, level, what, remedy in (
        (
            classes,
            "problem",
            "the same picture under different classes",
            "One of them is mislabelled: keep the right one.",
        ),
        (sides, "problem", "the same picture on both sides of the split", "Figures will be too good: take one away."),
        (groups, "problem", "the same picture in different groups", "It may be trained and judged on: take one away."),
        (others, "hint", "the same picture more than once", "It counts double: take one away."),
    ):
        if found:
            pairs = [" = ".join(_told(example) for example in same[:4]) for same in found]
            files = tuple(example.path for same in found for example in same)
            yield Finding("problem" if level == "problem" else "hint", f"{what}: {named(pairs)}", remedy, files)


def _look(example: Example, decode: bool) -> _Seen:
    """Raises SchliffError for what can't be read."""
    with open_section(example.path) as section:
        info = section.info
        if decode and info.width_px * info.height_px <= _DECODED_PX:
            section.read(RegionRequest(0, 0, info.width_px, info.height_px, 1, Plane()))
        scale = None if info.pixel_size_um is None else (info.pixel_size_um[0] * info.pixel_size_um[1]) ** 0.5
        return _Seen(example, info.width_px, info.height_px, scale)


def _odd_marks(seen: Sequence[_Seen]) -> Iterator[Finding]:
    """Marks that reach beyond their picture, of formats that don't cut them."""
    found = []
    for one in seen:
        whole = Box(0, 0, one.width, one.height).grown(1)
        if any(not _within(mark.box, whole) for mark in one.example.marks):
            found.append(one.example.path)
    if found:
        yield Finding(
            "problem", f"marks reach beyond the picture: {named([path.name for path in found])}",
            "Are they of another picture, or of another scale?", tuple(found),
        )  # fmt: skip


def _odd_sizes(seen: Sequence[_Seen]) -> Iterator[Finding]:
    by_side = sorted(seen, key=lambda one: max(one.width, one.height))
    if by_side and max(by_side[-1].width, by_side[-1].height) > _SIZE_RATIO * max(by_side[0].width, by_side[0].height):
        small, large = (f"{one.example.path.name} ({one.width} × {one.height} px)" for one in (by_side[0], by_side[-1]))
        yield Finding(
            "hint", f"pictures of very different size: {small}, {large}",
            "Where whole images are classified they are brought to one size.",
        )  # fmt: skip


def _odd_scales(seen: Sequence[_Seen]) -> Iterator[Finding]:
    scaled = sorted((one.um_per_px, one.example.path.name) for one in seen if one.um_per_px is not None)
    if scaled and scaled[-1][0] > _SCALE_RATIO * scaled[0][0]:
        small, large = (f"{name} ({scale:.3g} µm per px)" for scale, name in (scaled[0], scaled[-1]))
        yield Finding("hint", f"different scales: {small}, {large}", "They are brought to um_per_px of the training.")
    if 0 < len(scaled) < len(seen):
        without = len(seen) - len(scaled)
        yield Finding(
            "hint", f"{_count(without, 'picture')} of {len(seen)} without a scale", "They are taken as they are."
        )


def _same_bytes(examples: Sequence[Example], cancel: CancelToken) -> Iterator[list[Example]]:
    """Only files of one length are read."""
    by_length: dict[int, list[Example]] = defaultdict(list)
    for example in examples:
        if example.path.is_file():
            by_length[example.path.stat().st_size].append(example)
    for length, alike in by_length.items():
        by_content: dict[bytes, list[Example]] = defaultdict(list)
        for example in alike if len(alike) > 1 else ():
            cancel.check()
            by_content[_digest(example.path, length)].append(example)
        yield from (same for same in by_content.values() if len(same) > 1)


def _digest(path: Path, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            if length <= _WHOLE_BYTES:
                return hashlib.file_digest(file, "blake2b").digest()
            head = file.read(_PART_BYTES)
            file.seek(-_PART_BYTES, 2)
            return hashlib.blake2b(head + file.read(_PART_BYTES)).digest()
    except OSError:  # told by whoever opens it as a picture
        return str(path).encode()


def _evenly(examples: Sequence[Example], most: int) -> Sequence[Example]:
    if len(examples) <= most:
        return examples
    return [examples[index * len(examples) // most] for index in range(most)]


def _within(box: Box, whole: Box) -> bool:
    return box.x >= whole.x and box.y >= whole.y and box.x1 <= whole.x1 and box.y1 <= whole.y1


def _told(example: Example) -> str:
    labels = "/".join(sorted(set(example.labels))) or "nothing marked"
    return f"{example.path.name} ({labels})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
