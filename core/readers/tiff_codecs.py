"""Decides which compressed tiles and strips are decoded straight into the answer; all others are for tifffile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Decoder = Callable[[bytes, tuple[int, int, int]], Array | None]

_DEFLATE, _OLD_DEFLATE, _ZSTD = 8, 32946, 50000


def direct_decoder(page: Any) -> Decoder | None:
    """A function from stored bytes and (rows, columns, samples) to new pixels, for whole native numbers without predictor.

    It gives None where the bytes are not what they should be: tifffile then says what is wrong, or knows better.
    """
    dtype = np.dtype(page.dtype)
    bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
    is_native = dtype.itemsize == 1 or dtype.newbyteorder(page.parent.byteorder).isnative
    is_simple = page.predictor == 1 and page.fillorder == 1 and not page.is_subsampled and is_native
    if not is_simple or dtype.kind not in "uif" or bits != dtype.itemsize * 8:
        return None
    if page.compression not in (_DEFLATE, _OLD_DEFLATE, _ZSTD):
        return None

    def decode(data: bytes, shape: tuple[int, int, int]) -> Array | None:
        import imagecodecs

        decompress: Any = imagecodecs.zstd_decode if page.compression == _ZSTD else imagecodecs.deflate_decode
        pixels = np.empty(shape, dtype)
        try:
            filled = decompress(data, out=pixels.reshape(-1).view(np.uint8))
        except Exception:  # each codec has errors of its own
            return None
        return pixels if len(filled) == pixels.nbytes else None

    return decode
