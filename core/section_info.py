"""Decides how a section, its planes and levels, and a region of it are named: plain values, no pixels.

Light to import, so that a window can stand before anything that handles pixels is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.frames import NO_STAGE, StageMarker, StageTransform
from core.geometry import Box

if TYPE_CHECKING:
    import numpy as np

NO_PIXEL_SIZE = "It has no pixel size: lengths and areas are in pixels only."  # of a section's warnings


@dataclass(frozen=True, slots=True)
class Plane:
    """Which plane of a file with channels, focus steps or times. 0 where there is no such axis."""

    c: int = 0
    z: int = 0
    t: int = 0


@dataclass(frozen=True, slots=True)
class RegionRequest:
    """A region of one plane at one scale; immutable, so that it is the cache key too.

    `x, y, width, height` are whole level-0 px (they may reach beyond the section). `downsample` is a power of two.
    The answer has ceil(height / downsample) × ceil(width / downsample) pixels; its pixel (row j, column i) is the
    mean over level-0 [x + i·d, x + (i+1)·d) × [y + j·d, y + (j+1)·d).
    """

    x: int
    y: int
    width: int
    height: int
    downsample: int = 1
    plane: Plane = Plane()

    def __post_init__(self) -> None:
        d = self.downsample
        if d < 1 or d & (d - 1):
            raise ValueError(f"downsample must be a power of two, not {d}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"empty region {self.width} × {self.height}")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the answer."""
        return -(-self.height // self.downsample), -(-self.width // self.downsample)

    @property
    def box(self) -> Box:
        return Box(self.x, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class PyramidLevel:
    """One resolution. `downsample` is level-0 px per px of this level; `made`: the file lacks it (see `core.pyramid`)."""

    width_px: int
    height_px: int
    downsample: float
    made: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A separately acquired area of the section, in level-0 px of the section's bounding box."""

    index: int
    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class SemState:
    """How an electron microscope stood when it took an image. None: the file doesn't say.

    `stage_um`: its stage's X and Y of the image's middle. Angles are degrees, as the microscope counts them.
    """

    stage_um: tuple[float, float] | None = None
    stage_z_um: float | None = None
    tilt_deg: float | None = None
    rotation_deg: float | None = None
    scan_rotation_deg: float | None = None
    working_distance_um: float | None = None
    voltage_kv: float | None = None


@dataclass(frozen=True, slots=True)
class SectionInfo:
    """All that is known of a section without reading pixels.

    `samples` is 1 (grey) or 3 (RGB) values per pixel; `dtype` is uint8 or uint16 (readers convert other types and
    say so in `warnings`). `channels`, `z_count`, `t_count` count the planes to choose from; an RGB image is one
    channel. `pixel_size_um` is (x, y) or None when the file doesn't say. `markers` are those of Shuttle & Find.
    `is_own_scale`: its values were spread between this file's own extremes, and mean something else in the next one.
    `as_stated`: where a person has entered another pixel size (`core.calibration`), what the file says.
    """

    path: Path
    format: str
    width_px: int
    height_px: int
    samples: int
    dtype: np.dtype
    levels: tuple[PyramidLevel, ...]
    channel_names: tuple[str, ...] = ("",)
    z_count: int = 1
    t_count: int = 1
    pixel_size_um: tuple[float, float] | None = None
    scenes: tuple[Scene, ...] = ()
    stage: StageTransform = NO_STAGE
    markers: tuple[StageMarker, ...] = ()
    sem: SemState | None = None
    objective: str | None = None
    acquired: str | None = None
    warnings: tuple[str, ...] = ()
    is_own_scale: bool = False
    as_stated: SectionInfo | None = None

    @property
    def um2_per_px2(self) -> float | None:
        """The area of a level-0 px; None without a scale."""
        return self.pixel_size_um[0] * self.pixel_size_um[1] if self.pixel_size_um else None

    @property
    def box(self) -> Box:
        return Box(0, 0, self.width_px, self.height_px)
