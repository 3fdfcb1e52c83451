"""Decides how a section's grey levels are brought to those a model learnt from: one table for the whole section.

A table, since each px must become the same wherever it lies: it is made once, of a sample of the section, and kept with
the scan. It can undo another lamp, exposure or camera; nothing brings back sharpness or scale.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.anomaly.looks import LEVELS, Looks
from core.parameters import Parameter

Array = np.ndarray

NONE, GREY, HISTOGRAM = "none", "grey", "histogram"
MATCHING = Parameter(
    "matching", str, NONE, "brings another lamp or camera to what the model learnt from: brightness, contrast and colour "
    "(grey), or each tone (histogram), which also changes how much there seems to be of each phase",
    choices=(NONE, GREY, HISTOGRAM),
)  # fmt: skip

_AROUND = (0.125, 0.875)  # of the px, between which grey matching goes by
_FLATTEST, _STEEPEST = 0.25, 4.0


def lookup(how: str, section: Looks, training: Looks) -> Array | None:
    """(256, 3) uint8, what each value of red, green and blue becomes; None for no matching."""
    if how == NONE:
        return None
    table = _stretched if how == GREY else _by_tones
    found = [table(own, wanted) for own, wanted in zip(section.tones, training.tones, strict=True)]
    return np.rint(np.clip(found, 0, 255)).astype(np.uint8).T.copy()


def matched(pixels: Array, table: Array | None) -> Array:
    """(h, w, 3) uint8 by a table of `lookup`; as they are without one."""
    return pixels if table is None else cv2.LUT(pixels, table[None])


def _stretched(own: Array, wanted: Array) -> Array:
    """A straight line, so that the middle and most of the range agree (Gonzalez and Woods, §3.2)."""
    share = (_AROUND[0], 0.5, _AROUND[1])
    (low, middle, high), (least, centre, most) = (np.interp(share, LEVELS, tones) for tones in (own, wanted))
    slope = np.clip((most - least) / max(high - low, 1.0), _FLATTEST, _STEEPEST)
    return centre + slope * (np.arange(256.0) - middle)


def _by_tones(own: Array, wanted: Array) -> Array:
    """Each value becomes the one that as many px of the training lie below (histogram specification, ibid. §3.3)."""
    values = np.unique(own)
    return np.interp(np.arange(256.0), values, [wanted[own == value].mean() for value in values])
