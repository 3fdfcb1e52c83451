"""Decides how stored values become brightness and colour on the screen: tables of a look's curves, and their sum where
channels are blended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from core.display import DisplayRange, ramp
from core.look import Curve, Look
from core.section import Array


def toned(pixels: Array, look: Look, channel: int) -> Array:
    """One channel's pixels (h, w, samples), uint8 or uint16 → (h, w, 1 or 3) uint8, grey or RGB. May be the very input."""
    size = np.iinfo(pixels.dtype).max + 1
    curves = look.channel(channel).curves
    if len(curves) == 3 and pixels.shape[2] == 3:
        return _by_sample(pixels, [_table(curve, look.inverted, size) for curve in curves])
    curve = curves[0] if curves else Curve(0, size - 1)
    if size == 256 and not look.inverted and curve == Curve(0, 255):
        return pixels
    return _looked_up(pixels, _table(curve, look.inverted, size))


def blended(parts: Sequence[tuple[int, Array]], look: Look, shape: tuple[int, int]) -> Array:
    """Channels' numbers and grey pixels (h, w, 1) → (h, w, 3) uint8 RGB: the sum of all in their colours."""
    total: Array | None = None
    for channel, pixels in parts:
        own = look.channel(channel)
        size = np.iinfo(pixels.dtype).max + 1
        curve = own.curves[0] if own.curves else Curve(0, size - 1)
        coloured = np.take(_coloured_table(curve, own.colour, size), pixels[..., 0], axis=0)
        total = coloured if total is None else cv2.add(total, coloured, dst=total)
    if total is None:
        total = np.zeros((*shape, 3), np.uint8)
    return cv2.bitwise_not(total) if look.inverted else total


def _looked_up(pixels: Array, table: Array) -> Array:
    if pixels.dtype == np.uint8:
        return cv2.LUT(pixels, table).reshape(pixels.shape)
    return np.take(table, pixels)


def _by_sample(pixels: Array, tables: list[Array]) -> Array:
    if pixels.dtype == np.uint8:
        return cv2.LUT(pixels, np.stack(tables, axis=-1)[None])
    return cv2.merge([np.take(table, pixels[..., sample]) for sample, table in enumerate(tables)])


def _shares(curve: Curve, size: int) -> Array:
    """Brightness, 0 to 255, of each stored value."""
    straight = ramp(DisplayRange(curve.low, curve.high), size)
    return straight if curve.gamma == 1.0 else 255.0 * (straight / 255.0) ** curve.gamma


@lru_cache(maxsize=64)
def _table(curve: Curve, inverted: bool, size: int) -> Array:
    shares = _shares(curve, size)
    return _frozen(255.0 - shares if inverted else shares)


@lru_cache(maxsize=32)
def _coloured_table(curve: Curve, colour: str, size: int) -> Array:
    """(size, 3)"""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return _frozen(np.multiply.outer(_shares(curve, size), rgb))


def _frozen(shares: Array) -> Array:
    table = np.rint(shares).astype(np.uint8)
    table.flags.writeable = False
    return table
