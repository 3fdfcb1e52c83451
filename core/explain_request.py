"""Decides how an explanation is asked for in words that can be handed to another process, and how it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from core.detection import Detection
from core.errors import InputError
from core.explain import Explanation, explain_detection
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelSpec
from core.models.catalog import load_model, model_of_scan
from core.project import Project
from core.project.records import ScanRecord
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
        """The scan's model. Raises UsageError when it is not here any more or has changed."""
        return replace(model_of_scan(self.model_id, self.model_version, self.model_path), values=dict(self.values))

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
    model = load(request.spec(), "cpu")
    with open_section(request.section) as section:
        if request.project is not None:
            with Project.open(request.project) as project:
                learned = project.maps(request.scan_id).load_learned()
                project.give_scale(section)
            if learned is not None:
                model.restore(learned)
        if cancel is not None:
            cancel.check()
        progress(Step(0, 0, "Asking the model …"))
        return explain_detection(section, request.detection, model, request.plane, request.label)


_PATHS = ("section", "project", "model_path")
