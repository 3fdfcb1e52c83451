"""Decides how a region is drawn for the eye: what must be read for it, and in which order a look's steps are taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.look import Look
from core.looks.aids import Aids
from core.looks.sharpening import MARGIN_PX, sharpened
from core.looks.shown import planes_shown, tones_of
from core.section import Array, RegionRequest, SectionInfo

Read = Callable[[RegionRequest], Array]


def draw(read: Read, info: SectionInfo, request: RegionRequest, look: Look, aids: Aids | None = None) -> Array:
    """A region as the eye sees it: (rows, columns, 1 or 3) uint8, grey or RGB; `read` gives stored pixels.

    aids: what is known of the section; without them neither local contrast nor shading is changed. Don't write into the
    answer: it may be what `read` gave. Regions drawn apart fit together without a seam.
    """
    wide = _widened(request, info, margin_px(look))
    parts = []
    for plane in planes_shown(look, request.plane, info):
        part = replace(wide, plane=plane)
        field = aids.flat_field(plane) if aids is not None and look.flat_field else None
        parts.append((plane.c, field.applied(read(part), part) if field is not None else read(part)))
    shown = tones_of(parts, look, info, wide.shape)
    grid = aids.grid(look, request.plane) if aids is not None and look.local_contrast else None
    if grid is not None:
        shown = grid.applied(shown, wide)
    if look.sharpening:
        shown = sharpened(shown, look.sharpening)
    rows, columns = request.shape
    top, left = (request.y - wide.y) // request.downsample, (request.x - wide.x) // request.downsample
    return shown[top : top + rows, left : left + columns]


def margin_px(look: Look) -> int:
    """How far around a region pixels must be read, in px of its own level."""
    return MARGIN_PX if look.sharpening else 0


def _widened(request: RegionRequest, info: SectionInfo, margin: int) -> RegionRequest:
    """With a margin, as far as there is a section."""
    if not margin:
        return request
    d = request.downsample
    rows, columns = request.shape
    x0, y0 = max(request.x - margin * d, min(request.x, 0)), max(request.y - margin * d, min(request.y, 0))
    x1 = min(request.x + (columns + margin) * d, max(request.x + request.width, info.width_px))
    y1 = min(request.y + (rows + margin) * d, max(request.y + request.height, info.height_px))
    return replace(request, x=x0, y=y0, width=x1 - x0, height=y1 - y0)
