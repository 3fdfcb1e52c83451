"""Decides how an explanation is asked for in words that can be handed to another process, and how it is carried out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.detection import Detection
from core.errors import InputError
from core.explain import Explanation, explain_detection
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelSpec
from core.models.catalog import configure, load_model, model_of_scan
from core.project import Project
from core.project.records import ScanRecord
from core.project.score_map import ScoreMap
from core.readers.base import open_section
from core.section import Plane


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """Why a scan's model called something a defect.

    Args:
        project: where the scan lies, for what its model learned of the section; None when it lies nowhere.
        values: of the model's parameters.
        label: whose reasons are asked for; "": those of the detection's own.
    """

    section: Path
    project: Path | None
    scan_id: str
    model_id: str
    model_version: str
    model_path: Path | None
    detection: Detection
    plane: Plane = field(default_factory=Plane)
    values: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @classmethod
    def of(
        cls, section: Path, project: Path | None, scan: ScanRecord, detection: Detection, label: str = ""
    ) -> ExplainRequest:
        plane, values = Plane(*scan.parameters.get("plane", ())), scan.parameters.get("model", {})
        model = scan.model_id, scan.model_version, scan.model_path
        return cls(section, project, scan.id, *model, detection, plane, values, label)

    def spec(self) -> ModelSpec:
        """The scan's model, run as in the scan. Raises UsageError when it is not here any more or has changed."""
        return configure(model_of_scan(self.model_id, self.model_version, self.model_path), self.values)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` takes them back."""
        paths = {name: str(path) if (path := getattr(self, name)) else None for name in _PATHS}
        return asdict(self) | paths

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ExplainRequest:
        """Raises InputError for what `to_json` didn't write."""
        try:
            paths = {name: Path(stored[name]) if stored[name] else None for name in _PATHS}
            detection = Detection.from_plain(stored["detection"])
            return cls(**{**stored, **paths, "detection": detection, "plane": Plane(**stored["plane"])})
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"a question can't be read ({error})", remedy="Ask again.") from None


def explain_request(
    request: ExplainRequest,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    load: Callable[[ModelSpec, str], Model] = load_model,
) -> Explanation:
    """Computes it in this process, on the processor: a scan may hold the device.

    Raises UsageError when the model is not here any more, InputError when a file can't be read.
    """
    progress(Step(0, 0, "Loading the model …"))
    model, worst = load(request.spec(), "cpu"), None
    with open_section(request.section) as section:
        if request.project is not None:
            with Project.open(request.project) as project:
                learned = project.maps(request.scan_id).load_learned()
                project.give_scale(section)
                worst = worst_place(project.score_map(request.scan_id), request.detection)
            if learned is not None:
                model.restore(learned)
        if cancel is not None:
            cancel.check()
        progress(Step(0, 0, "Asking the model …"))
        return explain_detection(section, request.detection, model, request.plane, request.label, worst)


def worst_place(scores: ScoreMap | None, detection: Detection) -> tuple[float, float] | None:
    """Where within a detection's box the highest score lies, level-0 px; None where no map tells."""
    if scores is None:
        return None
    box = detection.box.scaled(1 / scores.cell_px)
    level = max(0, math.ceil(math.log2(max(box.w, box.h, 1) / _LOOKED_AT)))
    x, y, width, height = box.scaled(1 / 2**level).outer_pixels()
    found = scores.look(level, y, x, height, width).scores
    if not np.isfinite(found).any():
        return None
    row, column = np.unravel_index(np.nanargmax(found), found.shape)
    cell = scores.cell_px * 2**level
    return (x + int(column) + 0.5) * cell, (y + int(row) + 0.5) * cell


_PATHS = ("section", "project", "model_path")
_LOOKED_AT = 256  # cells across
