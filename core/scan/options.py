"""Decides what can be chosen for a scan, what is told while it runs, and what it has to say at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from core.detection import Detection
from core.geometry import Box
from core.jobs import Step
from core.section import Plane


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What can be chosen for a scan. `regions` and `start_at` are level-0 px; the order of work starts at `start_at`.

    Without `regions` the whole section is scanned; they may overlap.

    `device` is for whoever loads the model; the scan takes the model as it is. `foreground`: what counts as specimen.
    """

    regions: tuple[Box, ...] = ()
    threshold: float | None = None
    device: str = "auto"
    start_at: tuple[float, float] | None = None
    plane: Plane = field(default_factory=Plane)
    restart: bool = False
    foreground: Foreground = field(default_factory=lambda: Foreground())


@dataclass(frozen=True, slots=True)
class Foreground:
    """Which part of a section is scanned.

    Args:
        skip: leave out what shows no specimen; otherwise every tile is scanned.
        caution: 0 to 1, how little a place must look like specimen to be scanned; more is slower and surer.
    """

    skip: bool = True
    caution: float = 0.5


@dataclass(frozen=True, slots=True)
class ScanStep(Step):
    """How far a scan is: `done` and `total` are tiles, skipped ones among both.

    Args:
        megapixels: level-0 megapixels of what is asked for, scanned so far in this run.
        mm2: their area; None where the section has no scale.
        megapixels_per_s: over the last seconds; None before there is a figure.
        busy: share of the time, 0 to 1, in which the device computed; None before there is a figure.
        device: what the model computes on.
        found: detections above the scan's threshold that are stored so far, by earlier runs too.
    """

    megapixels: float = 0.0
    mm2: float | None = None
    megapixels_per_s: float | None = None
    busy: float | None = None
    device: str = ""
    found: int | None = None


@dataclass(frozen=True, slots=True)
class TileDone:
    """One more tile is finished and its scores are stored: its core in level-0 px."""

    box: Box


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told of results while a scan runs; called from the scan's threads, one at a time."""

    on_detections: Callable[[list[Detection]], None] | None = None
    on_tile: Callable[[TileDone], None] | None = None


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What a finished scan has to say. `seconds`: work in all runs.

    `megapixels`: level-0, of the tiles scanned; as with skipped ones, their part inside the section and the regions.

    `skipped_megapixels` and `skipped_mm2`: what lies inside the regions and was left out as showing no specimen.

    `doubts`: what speaks against trusting the model on this section, sentences for people.

    `sound_parts`: things that the model looks at one by one and found to be no defect.
    """

    scan_id: str
    section: str
    model: str
    device: str
    threshold: float
    tiles_total: int
    tiles_done: int
    tiles_skipped: int
    detections: int
    seconds: float
    megapixels: float
    resumed: bool
    skipped_megapixels: float = 0.0
    skipped_mm2: float | None = None
    busy: float | None = None
    sound_parts: int = 0
    doubts: tuple[str, ...] = ()

    @classmethod
    def from_plain(cls, told: Mapping[str, Any]) -> ScanSummary:
        """From what `dataclasses.asdict` and JSON made of one; only what this version knows of it."""
        names = {f.name for f in fields(cls)}
        known = {name: value for name, value in told.items() if name in names}
        return cls(**{**known, "doubts": tuple(known.get("doubts", ()))})
