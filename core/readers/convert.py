"""Decides how pixels that are neither 8- nor 16-bit whole numbers become so. The section's warnings then say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Array = np.ndarray

_TOP = 65535


@dataclass(frozen=True, slots=True)
class ValueRange:
    """`low` becomes 0 and `high` becomes 65535; beyond is cut off, NaN becomes 0. `is_own`: these are the extremes of one
    file, so that the same number says something else in the next one."""

    low: float
    high: float
    is_own: bool = False

    def to_uint16(self, pixels: Array) -> Array:
        span = self.high - self.low
        scaled = (pixels.astype(np.float64) - self.low) * (_TOP / span if span > 0 else 0.0)
        return np.rint(np.nan_to_num(np.clip(scaled, 0, _TOP), nan=0.0)).astype(np.uint16)

    def warning(self, kind: str) -> str:
        return f"Its {kind} values are read as 16-bit: {self.low:g} becomes 0, {self.high:g} becomes 65535."


def value_range(sample: Array) -> ValueRange:
    """A range that keeps the order of all values in `sample`: 0 to 1, 0 to 65535, or the sample's own extremes.

    Whole numbers that fit in 16 bits stay as they are.
    """
    finite = sample[np.isfinite(sample)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= (_TOP if sample.dtype.kind in "ui" else 1):
        return ValueRange(0.0, float(_TOP) if sample.dtype.kind in "ui" else 1.0)
    if low >= 0 and 255 <= high <= _TOP:
        return ValueRange(0.0, float(_TOP))
    return ValueRange(low, high, is_own=True)


def with_samples(pixels: Array, samples: int, dtype: np.dtype) -> Array:
    """Grey repeated to RGB and 8-bit kept as numbers in 16, where planes of one file differ."""
    if pixels.shape[2] != samples:
        pixels = np.repeat(pixels, samples, axis=2) if pixels.shape[2] == 1 else pixels[:, :, :samples]
    return pixels.astype(dtype, copy=False)


class Scaling(NamedTuple):
    """How numbers become `dtype`. `top` stands for full scale; `is_own`: see `ValueRange`."""

    convert: Callable[[Array], Array]
    dtype: np.dtype
    top: int
    warnings: tuple[str, ...] = ()
    is_own: bool = False


def number_scaling(kind: np.dtype, bits: int, sample: Callable[[], Array]) -> Scaling:
    """Numbers → uint8 or uint16, exactly where they fit."""
    byte, word = np.dtype("uint8"), np.dtype("uint16")
    if kind == np.dtype(bool):
        return Scaling(lambda a: a.astype(byte) * np.uint8(255), byte, 255)
    if kind == byte and bits < 8:
        table = np.rint(np.arange(256) * (255 / ((1 << bits) - 1))).clip(0, 255).astype(byte)
        return Scaling(lambda a: table[a], byte, 255, (f"Its {bits}-bit values are spread over 0 to 255.",))
    if kind in (byte, word):
        return Scaling(lambda a: a, kind, (1 << bits) - 1)
    if kind in (np.dtype("int8"), np.dtype("int16")):
        half = 1 << (kind.itemsize * 8 - 1)
        unsigned = byte if kind.itemsize == 1 else word
        told = f"Its signed values are read {half} higher, so that none is negative."
        return Scaling(lambda a: (a.astype(np.int32) + half).astype(unsigned), unsigned, 2 * half - 1, (told,))
    found = value_range(sample())
    return Scaling(found.to_uint16, word, 65535, (found.warning(kind.name),), found.is_own)
