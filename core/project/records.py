"""Decides what the project remembers of a section and of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.frames import StageTransform

ScanStatus = Literal["running", "interrupted", "done"]


@dataclass(frozen=True, slots=True)
class SectionRecord:
    """A section as the project knows it; `path` is where it was last seen, `fingerprint` what it is.

    `scale_by_hand`: a person entered the pixel size, and the stage goes by it (`core.calibration`).
    """

    id: int
    path: Path
    fingerprint: str
    width_px: int
    height_px: int
    pixel_size_um: tuple[float, float] | None
    stage: StageTransform
    scale_by_hand: bool = False

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def entered_um(self) -> tuple[float, float] | None:
        """The pixel size that a person entered, if one did."""
        return self.pixel_size_um if self.scale_by_hand else None

    @property
    def um2_per_px2(self) -> float | None:
        return self.pixel_size_um[0] * self.pixel_size_um[1] if self.pixel_size_um else None


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One model over one section with one set of parameters.

    `cell_px` is the side of a map cell and `context_px` the side of a window, both in level-0 px. `tiles_done` counts
    tiles whose map is stored, so that no model need see them again, and skipped ones. `status` "interrupted": it was
    started and can be resumed.
    """

    id: str
    section_id: int
    key: str
    model_id: str
    model_name: str
    model_version: str
    model_path: Path | None
    family: str
    labels: tuple[str, ...]
    artefact_labels: tuple[str, ...]
    score_unit: str
    status: ScanStatus
    threshold: float
    tiles_total: int
    tiles_done: int
    tiles_skipped: int
    cell_px: float
    context_px: float
    seconds: float
    device: str
    parameters: Mapping[str, Any]
    started: str
    finished: str | None
