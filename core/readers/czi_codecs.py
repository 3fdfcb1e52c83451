"""Decides how the pixels of one compressed subblock are unpacked. Codecs are imagecodecs' business; that of JPEG-XR crashes
on damaged streams, so it runs elsewhere (`core.decoding`)."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray

RAW, JPEG, LZW, JPEG_XR, ZSTD0, ZSTD1 = 0, 1, 2, 4, 5, 6
KNOWN = frozenset({RAW, JPEG, LZW, JPEG_XR, ZSTD0, ZSTD1})

_PICTURES = frozenset({JPEG, JPEG_XR})


def is_bgr(compression: int) -> bool:
    """Whether colours come in the file's order, blue first. JPEG and JPEG-XR say themselves which is which."""
    return compression not in _PICTURES


def decode(compression: int, data: bytes, shape: tuple[int, int, int], dtype: np.dtype) -> Array:
    """Pixels (h, w, samples), colours as `is_bgr` says. Raises ValueError or the codec's own error.

    Never takes more memory than the pixels need (twice that for packed 16-bit ones), whatever `data` claims.
    """
    if compression in _PICTURES:
        return _picture(compression, data, shape, dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    packed, stream = _zstd1_header(data) if compression == ZSTD1 else (False, memoryview(data))
    plain = _unpack(compression, stream, size)
    if packed:
        if dtype.itemsize != 2:
            raise ValueError("bytes are packed that aren't of 16 bits")
        return _merged(plain).view(dtype).reshape(shape)
    return plain.view(dtype).reshape(shape)


def _picture(compression: int, data: bytes, shape: tuple[int, int, int], dtype: np.dtype) -> Array:
    promised = shape if shape[2] == 3 else shape[:2]
    if compression == JPEG_XR:
        from core.decoding.pool import decode_elsewhere

        return decode_elsewhere({"do": "jpegxr", "shape": promised, "dtype": dtype.str}, data).reshape(shape)
    import imagecodecs

    out = np.empty(promised, dtype)
    if imagecodecs.jpeg8_decode(data, out=out).shape != out.shape:
        raise ValueError(f"not the promised {shape[1]} × {shape[0]} px")
    return out.reshape(shape)


def _unpack(compression: int, data: memoryview, size: int) -> Array:
    import imagecodecs

    out = np.empty(size + 1, np.uint8)  # one byte of room shows data that go on too long
    decoder: Any = imagecodecs.lzw_decode if compression == LZW else imagecodecs.zstd_decode
    found = len(decoder(data, out=out))
    if found != size:
        raise ValueError(f"{found} bytes of pixels instead of {size}")
    return out[:size]


def _zstd1_header(data: bytes) -> tuple[bool, memoryview]:
    """Whether low and high bytes are packed apart, and what follows the header of one or three bytes."""
    if data[:1] == b"\x01":
        return False, memoryview(data)[1:]
    if len(data) >= 3 and data[1] == 1:
        return bool(data[2] & 1), memoryview(data)[3:]
    raise ValueError("its Zstd header is unknown")


def _merged(packed: Array) -> Array:
    """All low bytes, then all high ones → pairs."""
    import cv2

    return cv2.merge((packed[: len(packed) // 2], packed[len(packed) // 2 :])).reshape(-1)
