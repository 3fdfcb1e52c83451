"""Decides which planes are seen at once, and how their stored values become one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.look import Look
from core.looks.tones import blended, toned
from core.section import Array, Plane, SectionInfo


def is_blended(look: Look, info: SectionInfo) -> bool:
    """Whether several channels are laid over each other; colour images have only one."""
    return look.blended and info.samples == 1 and len(info.channel_names) > 1


def planes_shown(look: Look, plane: Plane, info: SectionInfo) -> list[Plane]:
    """The planes that are seen at once while `plane` is chosen."""
    if not is_blended(look, info):
        return [plane]
    return [replace(plane, c=c) for c in range(len(info.channel_names)) if look.channel(c).visible]


def tones_of(parts: Sequence[tuple[int, Array]], look: Look, info: SectionInfo, shape: tuple[int, int]) -> Array:
    """Channels' numbers and stored pixels (h, w, samples) → (h, w, 1 or 3) uint8, `shape` (h, w). May be the very input."""
    if is_blended(look, info):
        return blended(parts, look, shape)
    channel, pixels = parts[0]
    return toned(pixels, look, channel)
