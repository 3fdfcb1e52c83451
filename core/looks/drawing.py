"""Decides how a region is drawn for the eye: what must be read for it, and in which order a look's steps are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.look import Look
from core.looks.tones import blended, toned
from core.section import Array, Plane, RegionRequest, SectionInfo

Read = Callable[[RegionRequest], Array]


def draw(read: Read, info: SectionInfo, request: RegionRequest, look: Look) -> Array:
    """A region as the eye sees it: (rows, columns, 1 or 3) uint8, grey or RGB; `read` gives stored pixels.

    Don't write into it: it may be what `read` gave. Two regions drawn apart fit together without a seam.
    """
    parts = [(plane.c, read(replace(request, plane=plane))) for plane in planes_shown(look, request.plane, info)]
    if is_blended(look, info):
        return blended(parts, look, request.shape)
    channel, pixels = parts[0]
    return toned(pixels, look, channel)


def is_blended(look: Look, info: SectionInfo) -> bool:
    """Whether several channels are laid over each other; colour images have only one."""
    return look.blended and info.samples == 1 and len(info.channel_names) > 1


def planes_shown(look: Look, plane: Plane, info: SectionInfo) -> list[Plane]:
    """The planes that are seen at once while `plane` is chosen."""
    if not is_blended(look, info):
        return [plane]
    return [replace(plane, c=c) for c in range(len(info.channel_names)) if look.channel(c).visible]
