"""Decides how grey values along a line are read: which level, how far apart, and what is averaged across the line.

The values are the file's own (of the level's exact area means on very long lines), not what the screen shows. Values
between pixel centres are interpolated linearly; the mean over the width is that of lines parallel to the profile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.drawing import Drawing, Point
from core.geometry import Box
from core.jobs import CancelToken, Progress, Step, no_progress
from core.section_info import Plane, RegionRequest

if TYPE_CHECKING:
    from core.section import Section

Array = np.ndarray

MOST_SAMPLES = 8192
MOST_VALUES = 32 << 20  # read for one profile, all lines across its width together
_PIECE = 256  # samples read at once


@dataclass(frozen=True, slots=True)
class Profile:
    """`distance_px` (n,) from the first point in level-0 px; `distance_um` the same in µm, None without a pixel size.

    `values` (n, curves) float64, NaN outside the section; `names` of the curves: channels, or red, green and blue.
    `downsample`: level-0 px from one sample to the next, about; 1 unless the line is very long.
    """

    distance_px: Array
    distance_um: Array | None
    values: Array
    names: tuple[str, ...]
    downsample: int


def read_profile(
    section: Section,
    drawing: Drawing,
    plane: Plane,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Profile:
    """The grey values along a profile (or any line of two points) of every channel at the plane's focus and time."""
    start, end = drawing.points[:2]
    info, d = section.info, _downsample(drawing)
    long = math.dist(start, end)
    count = max(2, round(long / d) + 1)
    along = np.linspace(0.0, 1.0, count)
    planes, names = _curves(section, plane)
    parts = []
    for first in range(0, count, _PIECE):
        if cancel is not None:
            cancel.check()
        progress(Step(first, count, "Reading the profile"))
        points = _grid(start, end, drawing.width_px, along[first : first + _PIECE], d)
        parts.append(np.concatenate([_sampled(section, points, d, p) for p in planes], axis=1))
    size = info.pixel_size_um
    um = None if size is None else along * math.hypot((end[0] - start[0]) * size[0], (end[1] - start[1]) * size[1])
    return Profile(along * long, um, np.concatenate(parts), names, d)


def as_csv(profile: Profile) -> str:
    """One line per sample: distance in px and, if known, in µm, then a value for each curve."""
    has_um = profile.distance_um is not None
    lines = [",".join(["distance_px", *(["distance_um"] if has_um else []), *(f'"{name}"' for name in profile.names)])]
    columns = [profile.distance_px, *([profile.distance_um] if has_um else []), *profile.values.T]
    lines += [",".join("" if math.isnan(v) else f"{v:.6g}" for v in row) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def _downsample(drawing: Drawing) -> int:
    long, wide, d = math.dist(*drawing.points[:2]), drawing.width_px, 1
    while long / d > MOST_SAMPLES or long * wide / d**2 > MOST_VALUES:
        d *= 2
    return d


def _curves(section: Section, plane: Plane) -> tuple[Sequence[Plane], tuple[str, ...]]:
    """Which planes are read, and what their samples are called."""
    info = section.info
    if info.samples == 3:
        return [plane], ("red", "green", "blue")
    count = len(info.channel_names)
    planes = [Plane(c, plane.z, plane.t) for c in range(count)]
    return planes, tuple(
        name or ("grey" if count == 1 else f"channel {c + 1}") for c, name in enumerate(info.channel_names)
    )


def _grid(start: Point, end: Point, width: float, along: Array, d: int) -> Array:
    """Level-0 points (samples, across, 2): along the line, and beside it as far as its width goes."""
    a, b = np.array(start), np.array(end)
    long = math.dist(start, end)
    normal = np.array([a[1] - b[1], b[0] - a[0]]) / long if long else np.zeros(2)
    lines = max(1, math.ceil(width / d))
    offsets = ((np.arange(lines) + 0.5) / lines - 0.5) * width
    return (a + along[:, None] * (b - a))[:, None, :] + offsets[None, :, None] * normal


def _sampled(section: Section, points: Array, d: int, plane: Plane) -> Array:
    """(samples, values per pixel): the mean over `points` (samples, across, 2) that lie in the section."""
    info = section.info
    inside = ((points >= 0) & (points <= (info.width_px, info.height_px))).all(axis=2)
    out = np.full((len(points), info.samples), np.nan)
    if not inside.any():
        return out
    here = points[inside]
    whole = Box(0, 0, info.width_px, info.height_px)
    low, high = here.min(axis=0), here.max(axis=0)
    box = Box.from_edges(*low, *high).grown(2 * d).intersection(whole) or whole
    x, y = int(box.x // d) * d, int(box.y // d) * d
    request = RegionRequest(x, y, math.ceil(box.x1) - x, math.ceil(box.y1) - y, d, plane)
    values = _interpolated(section.read(request).astype(np.float64), (here - (x, y)) / d - 0.5)
    sums = np.zeros((len(points), info.samples))
    np.add.at(sums, np.nonzero(inside)[0], values)
    counts = inside.sum(axis=1)
    out[counts > 0] = sums[counts > 0] / counts[counts > 0, None]
    return out


def _interpolated(pixels: Array, places: Array) -> Array:
    """Values at `places` (n, 2; x, y from the first pixel's centre), linear between centres, the edge's beyond."""
    rows, columns = pixels.shape[:2]
    x, y = np.clip(places[:, 0], 0, columns - 1), np.clip(places[:, 1], 0, rows - 1)
    i, j = np.minimum(x.astype(int), max(columns - 2, 0)), np.minimum(y.astype(int), max(rows - 2, 0))
    fx, fy = (x - i)[:, None], (y - j)[:, None]
    right, below = np.minimum(i + 1, columns - 1), np.minimum(j + 1, rows - 1)
    upper = pixels[j, i] * (1 - fx) + pixels[j, right] * fx
    lower = pixels[below, i] * (1 - fx) + pixels[below, right] * fx
    return upper * (1 - fy) + lower * fy
