"""Decides how COCO's run-length masks are read, whether written as numbers or as pycocotools' text.

Runs go down the columns, off and on in turn, off first. The text holds each run in groups of 5 bits, lowest first, as
characters from "0" on (bit 6 of each says that another group follows); from the fourth run on it is the difference to
the run two before (pycocotools, `maskApi.c`, `rleFrString`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# A mask of more px is no single image's.
MAX_PX = 1 << 28


def decode(counts: str | Sequence[int], height: int, width: int) -> np.ndarray:
    """(height, width) bool. Raises ValueError for runs that don't fill the mask."""
    if not 0 < height * width <= MAX_PX:
        raise ValueError(f"a mask of {width} × {height} px")
    try:
        runs = np.array(_runs_of(counts) if isinstance(counts, str) else [int(c) for c in counts], np.int64)
    except OverflowError:
        raise ValueError("the runs of a mask are longer than any mask") from None
    if not len(runs) or runs.min() < 0 or runs.max() > MAX_PX or runs.sum() != height * width:
        raise ValueError("the runs of a mask don't fill it")
    on = np.arange(len(runs)) % 2 == 1
    return np.repeat(on, runs).reshape(width, height).T


def _runs_of(text: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 30:
            raise ValueError("the runs of a mask can't be read")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:  # negative
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the runs of a mask end in the middle of a number")
    return runs
