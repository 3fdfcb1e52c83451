"""Decides where the viewer looks: the level-0 point in its middle and how large a level-0 px is. Knows no widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.geometry import Box

MAX_ZOOM = 64.0  # device px per level-0 px
FIT_MARGIN = 0.96  # share of the viewport that a fitted section fills
MIN_ZOOM_OF_FIT = 0.4


@dataclass(frozen=True, slots=True)
class Camera:
    """`x, y`: level-0 point in the middle; `zoom`: device-independent px per level-0 px."""

    x: float
    y: float
    zoom: float

    def visible(self, width: float, height: float) -> Box:
        """What a viewport of this many device-independent px shows, in level-0 px."""
        w, h = width / self.zoom, height / self.zoom
        return Box(self.x - w / 2, self.y - h / 2, w, h)

    def at(self, view_x: float, view_y: float, width: float, height: float) -> tuple[float, float]:
        """The level-0 point under a point of the viewport."""
        return self.x + (view_x - width / 2) / self.zoom, self.y + (view_y - height / 2) / self.zoom

    def zoomed_at(self, x_px: float, y_px: float, zoom: float) -> Camera:
        """Another zoom, with the level-0 point (x_px, y_px) staying where it is on the screen."""
        ratio = self.zoom / zoom
        return Camera(x_px + (self.x - x_px) * ratio, y_px + (self.y - y_px) * ratio, zoom)

    def moved(self, dx_px: float, dy_px: float) -> Camera:
        return Camera(self.x + dx_px, self.y + dy_px, self.zoom)

    def towards(self, other: Camera, share: float) -> Camera:
        """A view on the way to `other`: zoom grows evenly by factors, around the point that both show at one place."""
        if share >= 1:
            return other
        zoom = self.zoom * (other.zoom / self.zoom) ** share
        if abs(other.zoom / self.zoom - 1) < 1e-3:
            return Camera(self.x + (other.x - self.x) * share, self.y + (other.y - self.y) * share, zoom)
        fixed_x = (self.x * self.zoom - other.x * other.zoom) / (self.zoom - other.zoom)
        fixed_y = (self.y * self.zoom - other.y * other.zoom) / (self.zoom - other.zoom)
        return self.zoomed_at(fixed_x, fixed_y, zoom)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a camera may do over a section in a viewport of `width` × `height` device-independent px."""

    section: Box
    width: float
    height: float
    ratio: float = 1.0

    @property
    def fit_zoom(self) -> float:
        zoom = min(self.width / self.section.w, self.height / self.section.h) * FIT_MARGIN
        return min(max(zoom, 1e-6), MAX_ZOOM / self.ratio)

    @property
    def min_zoom(self) -> float:
        return min(self.fit_zoom * MIN_ZOOM_OF_FIT, 1 / self.ratio)

    def fit(self) -> Camera:
        """The whole section."""
        return Camera(*self.section.center, self.fit_zoom)

    def around(self, box: Box, share: float) -> Camera:
        """`box` in the middle, filling at most `share` of the viewport; never larger than 2 device px per px."""
        zoom = share * min(self.width / max(box.w, 1.0), self.height / max(box.h, 1.0))
        return self.clamped(Camera(*box.center, min(zoom, 2 / self.ratio)))

    def clamped(self, camera: Camera) -> Camera:
        """The nearest allowed camera: its middle inside the section, its zoom between the limits."""
        zoom = min(max(camera.zoom, self.min_zoom), MAX_ZOOM / self.ratio)
        x = min(max(camera.x, self.section.x), self.section.x1)
        y = min(max(camera.y, self.section.y), self.section.y1)
        return Camera(x, y, zoom) if math.isfinite(x + y + zoom) else self.fit()
