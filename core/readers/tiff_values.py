"""Decides what a TIFF's stored numbers become: 8- or 16-bit grey or RGB, and what of that the user must be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.readers.convert import number_scaling

Array = np.ndarray

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_SELF_CONVERTING = {6, 7, 33003, 33004, 33005, 33007, 34712, 34892}  # JPEG kinds decode to RGB by themselves


@dataclass(frozen=True, slots=True)
class Values:
    """`convert` turns (h, w, stored samples) into (h, w, `samples`) of `dtype`, given which channel is wanted.

    `are_stored`: it would change nothing. `is_own_scale`: see `SectionInfo`.
    """

    samples: int
    dtype: np.dtype
    channels: int
    convert: Callable[[Array, int], Array]
    warnings: tuple[str, ...] = ()
    are_stored: bool = False
    is_own_scale: bool = False


def values_of(path: Path, page: Any, palette_is_data: bool, sample: Callable[[], Array]) -> Values:
    """How to read `page`'s numbers. `sample()` gives some of its pixels, asked for only when a range is needed.

    `palette_is_data`: the colour table only tints grey values (ImageJ, OME). Raises InputError for colour spaces that
    aren't grey or RGB.
    """
    photometric = int(page.photometric)
    if photometric == _PALETTE and not palette_is_data and page.colormap is not None:
        return _from_palette(np.asarray(page.colormap))
    if photometric not in (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR) or (
        photometric == _YCBCR and int(page.compression) not in _SELF_CONVERTING
    ):
        name = getattr(page.photometric, "name", str(photometric))
        raise InputError(f"its colour space ({name}) is not grey or RGB", path=path, remedy="Save it as RGB or grey.")
    stored = page.shaped[0] * page.shaped[4]
    colour = photometric in (_RGB, _YCBCR) and stored >= 3
    channels = 1 if colour else max(1, stored - sum(1 for kind in page.extrasamples or () if int(kind) in (1, 2)))
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    scale, dtype, top, warnings, is_own = number_scaling(np.dtype(page.dtype), bits, sample)

    def convert(pixels: Array, channel: int) -> Array:
        numbers = scale(pixels[:, :, :3] if colour else pixels[:, :, channel : channel + 1])
        return (top - np.minimum(numbers, top)).astype(dtype) if photometric == _MINISWHITE else numbers

    samples = 3 if colour else 1
    is_whole = bits == dtype.itemsize * 8 and np.dtype(page.dtype) == dtype and dtype.kind == "u"
    are_stored = is_whole and stored == samples and photometric != _MINISWHITE
    return Values(samples, dtype, channels, convert, warnings, are_stored, is_own)


def _from_palette(table: Array) -> Values:
    """A colour table (3, n) of 16-bit values; tables that hold only greys give grey."""
    wide = table.max(initial=0) > 255
    colours = (table // 257 if wide else table).astype(np.uint8).T
    grey = bool((colours == colours[:, :1]).all())
    kept = np.ascontiguousarray(colours[:, :1] if grey else colours)

    def convert(pixels: Array, channel: int) -> Array:
        return kept[np.minimum(pixels[:, :, 0].astype(np.intp), len(kept) - 1)]

    return Values(1 if grey else 3, np.dtype("uint8"), 1, convert)
