"""Decides where compressed tiles and strips are decoded: straight into the answer, by tifffile, or by it in a helper process.

Of the codecs that tifffile knows, those of pictures have been seen to crash on damaged streams (`benchmarks/fuzz.py`); all but
ordinary JPEG are left to a helper (`core.decoding`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Decoder = Callable[[bytes, tuple[int, int, int]], Array | None]

_NONE, _LZW, _JPEG, _DEFLATE, _PACKBITS, _OLD_DEFLATE, _ZSTD = 1, 5, 7, 8, 32773, 32946, 50000
_SAFE = frozenset({_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS, _ZSTD})
_ORDINARY_FRAMES = frozenset({0xFFC0, 0xFFC1, 0xFFC2})  # baseline, extended, progressive (ITU-T T.81, table B.1)
_BEFORE_FRAMES = frozenset(
    {0xFFC4, 0xFFDB, 0xFFDD, 0xFFFE, *range(0xFFE0, 0xFFF0)}
)  # tables, comments, what programs add


def is_safe(compression: int, data: bytes) -> bool:
    """Whether a stored tile or strip can be decoded in this process."""
    return compression in _SAFE or (compression == _JPEG and _is_ordinary_jpeg(data))


def _is_ordinary_jpeg(data: bytes) -> bool:
    """Whether the first frame is one of 8 bits that isn't lossless; whatever is odd before it isn't ordinary."""
    at = 2
    while data[:2] == b"\xff\xd8" and at + 5 <= len(data):
        marker, length = struct.unpack_from(">HH", data, at)
        if marker in _ORDINARY_FRAMES:
            return data[at + 4] == 8
        if marker not in _BEFORE_FRAMES:
            return False
        at += 2 + length
    return False


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
