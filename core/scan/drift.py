"""Decides what is told of how a section looks beside what a model of normal learnt from: after a scan, and before one."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from core.anomaly.acquaintance import TILES, Acquaintance
from core.anomaly.drift import Finding, looks_in
from core.display import auto_range
from core.foreground import foreground_mask
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import ModelSpec
from core.project import Project
from core.scan.plan import plan_scan
from core.scan.reading import TileSource
from core.section import Plane, Section
from core.seen_range import seen_range
from core.specimen_mask import Mask


def drift_of_scan(project: Project, scan_id: str) -> list[Finding]:
    """In what the section of a scan looks unlike the training of its model, the farthest first; none where it looks alike,
    or nothing is known of it: other models, older scans, one that has not begun. Raises InputError for damaged files."""
    state = project.maps(scan_id).load_learned()
    with suppress(ValueError):
        known = None if state is None else Acquaintance.from_state(state)
        return known.findings if known is not None else []
    return []


def drift_of_section(
    section: Section,
    spec: ModelSpec,
    mask: Mask | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Finding]:
    """The same before a section is scanned with a model, from the tiles that a scan looks at, too. None for a model that tells no looks.

    Args:
        mask: where there is specimen, if that is known already.
    Raises InputError for a card or a section that can't be read, UsageError for one too coarse for the model,
    CancelledError.
    """
    training = looks_in(spec.card, spec.path)
    if training is None:
        return []
    plane, cancel = Plane(), cancel or CancelToken()
    shown = auto_range(section, plane)
    mask = mask or foreground_mask(section, plane, (shown.low, shown.high), cancel=cancel)
    plan = plan_scan(section.info, spec, mask, (), None)
    source = TileSource(section, plane, seen_range(section, plane, spec), plan.grid.scale)
    chosen = plan.by_chance[:TILES]
    seen: list[np.ndarray] = []
    for tile in chosen:
        cancel.check()
        progress(Step(len(seen), len(chosen), "Looking at the section"))
        seen.append(source.read(*plan.grid.model_box(tile, spec.halo_px)))
    return Acquaintance.made(seen, training).findings if seen else []
