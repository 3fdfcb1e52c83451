"""Decides which images of a TIFF are reductions of its first one, and whether the file was cut off among them, or lists them in
a circle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.readers.file_bytes import FileBytes
from core.readers.levels import is_power_of_two, pyramid_level

_MOST_IMAGES = 1_000_000


def check_chain(path: Path, tiff: Any, file: FileBytes) -> None:
    """Raises InputError where the chain of images leads back into itself: tifffile would follow it for ever."""
    offset, seen = tiff.pages.first.offset, set[int]()
    while 0 < offset < file.size:
        if offset in seen or len(seen) > _MOST_IMAGES:
            raise InputError(
                "its list of images runs in a circle", path=path, remedy="Copy or export it again; it is damaged."
            )
        seen.add(offset)
        offset = _number(tiff, file, _end_of_tags(tiff, file, offset), tiff.tiff.offsetsize)


def levels_of(tiff: Any) -> list[Any]:
    """The first series and its reductions: SubIFDs, reduced pages, or (older OME files) series of their own."""
    series = tiff.series[0]
    levels = list(series.levels)
    if len(levels) == 1 and len(tiff.series) > 1 and tiff.is_ome:
        levels += [other for other in tiff.series[1:] if _is_reduction(other, levels[0])]
    kept = [levels[0]]
    for level in levels[1:]:
        if level.keyframe.shaped[2] < kept[-1].keyframe.shaped[2] and level.axes == kept[0].axes:
            kept.append(level)
    return kept


def _is_reduction(other: Any, base: Any) -> bool:
    full_h, full_w = base.keyframe.shaped[2:4]
    h, w = other.keyframe.shaped[2:4]
    return (
        0 < w < full_w
        and other.axes == base.axes
        and other.dtype == base.dtype
        and is_power_of_two(pyramid_level(w, h, full_w, full_h).downsample)
    )


def is_cut_short(tiff: Any, file: FileBytes) -> bool:
    """Whether a further image is announced (by the chain of images, or as a SubIFD) where the file has ended."""
    last = tiff.pages[-1]
    announced = [
        *(tiff.pages[0].subifds or ()),
        _number(tiff, file, _end_of_tags(tiff, file, last.offset), tiff.tiff.offsetsize),
    ]
    return any(offset and _end_of_tags(tiff, file, offset) > file.size for offset in announced)


def _end_of_tags(tiff: Any, file: FileBytes, offset: int) -> int:
    """Where the list of tags that begins at `offset` ends; beyond the file's end where its length can't be read."""
    layout = tiff.tiff
    count = _number(tiff, file, offset, layout.tagnosize)
    return offset + layout.tagnosize + count * layout.tagsize if count else file.size + 1


def _number(tiff: Any, file: FileBytes, offset: int, size: int) -> int:
    return int.from_bytes(file.read(offset, size), "little" if tiff.byteorder == "<" else "big")
