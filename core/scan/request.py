"""Decides how a scan is asked for in words that can be stored, queued and handed to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.geometry import Box
from core.models.base import ModelSpec
from core.models.catalog import model_of_scan
from core.scan.options import Foreground, ScanOptions
from core.scan.plan import regions_of
from core.section import Plane

if TYPE_CHECKING:
    from core.project.records import ScanRecord


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One model over one section into one project.

    Args:
        model_id, model_version, model_path: the very model (see `core.models.catalog.model_of_scan`).
        values: of the model's parameters.
    """

    section: Path
    project: Path
    model_id: str
    model_version: str
    model_path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    options: ScanOptions = field(default_factory=ScanOptions)

    @classmethod
    def of(cls, section: Path, project: Path, spec: ModelSpec, options: ScanOptions) -> ScanRequest:
        return cls(section, project, spec.id, spec.version, spec.path, spec.values, options)

    @classmethod
    def again(cls, record: ScanRecord, section: Path, project: Path, device: str = "auto") -> ScanRequest:
        """What has to be asked for to get the very scan of a record, in this project."""
        parameters = record.parameters
        return cls(
            section, project, record.model_id, record.model_version, record.model_path,
            values=dict(parameters.get("model", {})),
            options=ScanOptions(
                regions=regions_of(parameters["region"]),
                threshold=record.threshold,
                device=device,
                plane=Plane(*parameters["plane"]),
                foreground=Foreground(**parameters.get("foreground", {})),
            ),
        )  # fmt: skip

    def spec(self) -> ModelSpec:
        """The model with its values. Raises UsageError when it is not here any more or has changed."""
        return replace(model_of_scan(self.model_id, self.model_version, self.model_path), values=dict(self.values))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` takes them back."""
        options = asdict(self.options)
        return {
            "section": str(self.section),
            "project": str(self.project),
            "model": {
                "id": self.model_id,
                "version": self.model_version,
                "path": str(self.model_path) if self.model_path else None,
                "values": dict(self.values),
            },
            "options": options,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ScanRequest:
        """Raises InputError for what `to_json` didn't write."""
        try:
            model, options = stored["model"], stored["options"]
            return cls(
                Path(stored["section"]),
                Path(stored["project"]),
                str(model["id"]),
                str(model["version"]),
                Path(model["path"]) if model["path"] else None,
                dict(model["values"]),
                _options(options),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"a stored scan request can't be read ({error})", remedy="Ask for the scan again."
            ) from None


def _options(stored: Mapping[str, Any]) -> ScanOptions:
    start_at = stored["start_at"]
    return ScanOptions(
        regions=tuple(Box(**region) for region in stored["regions"]),
        threshold=stored["threshold"],
        device=stored["device"],
        start_at=(float(start_at[0]), float(start_at[1])) if start_at else None,
        plane=Plane(**stored["plane"]),
        restart=bool(stored["restart"]),
        foreground=Foreground(**stored["foreground"]),
    )
