"""Decides which colours stand for low and high scores: perceptually even scales, dark to bright, safe in greyscale.

Anchors of viridis, inferno and magma (S. van der Walt and N. Smith, 2015, CC0) and of cividis (Nuñez, Anderton and
Renslow 2018, doi:10.1371/journal.pone.0199239), evenly spaced; between them sRGB values are interpolated linearly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_ANCHORS = {
    "inferno": "000004 160b39 420a68 6a176e 932667 bc3754 dd513a f37819 fca50a f6d746 fcffa4",
    "magma": "000004 140e36 3b0f70 641a80 8c2981 b73779 de4968 f7705c fe9f6d fecf92 fcfdbf",
    "viridis": "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725",
    "cividis": "00224e 123570 3b496c 575d6d 707173 8a8779 a59c74 c3b369 e1cc55 fee838",
}
COLOUR_MAPS: tuple[str, ...] = tuple(_ANCHORS)


@lru_cache(maxsize=8)
def colour_table(name: str) -> np.ndarray:
    """(256, 3) uint8 RGB, lowest score first. An unknown name gives the first scale."""
    words = _ANCHORS.get(name, _ANCHORS[COLOUR_MAPS[0]]).split()
    anchors = np.array([[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in words], float)
    at = np.linspace(0, len(words) - 1, 256)
    table = np.stack([np.interp(at, np.arange(len(words)), anchors[:, channel]) for channel in range(3)], axis=1)
    table = np.rint(table).astype(np.uint8)
    table.flags.writeable = False
    return table
