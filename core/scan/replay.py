"""Decides how a stored scan is run anew from what the project remembers of it, and what is said of the two together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, UsageError
from core.geometry import Box
from core.jobs import CancelToken, Progress, no_progress
from core.project import Project
from core.project.records import ScanRecord
from core.scan.comparing import Comparison, compare
from core.scan.executing import run_request
from core.scan.options import Foreground, ScanOptions, ScanSummary
from core.scan.request import ScanRequest
from core.section import Plane


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay. `comparison` is over all detections that were kept, those below the threshold too.

    Args:
        shown: how many of the replayed detections reach the stored scan's threshold.
        versions, parameters: what differs, by name: then and now.
    """

    scan_id: str
    summary: ScanSummary
    comparison: Comparison
    shown: int
    device_then: str
    versions: Mapping[str, tuple[Any, Any]]
    parameters: Mapping[str, tuple[Any, Any]]


def replay(
    project: Project,
    scan_id: str,
    device: str = "auto",
    folder: Path | None = None,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Replay:
    """Scans anew, into a project in `folder` (kept; None: nothing is), and compares. The stored scan isn't touched.

    Raises UsageError when there is no such scan, when it is not finished, when its model is not here any more or has
    changed; InputError when its section is gone or has changed, or `folder` holds something else; and as `run_scan`.
    """
    record = _finished(project, scan_id)
    with _kept_or_not(folder, project) as target:
        summary = run_request(replay_request(project, record, target, device), progress, cancel)
        with Project.open(target) as replayed:
            now, provenance = replayed.scan(summary.scan_id), replayed.provenance(summary.scan_id)
            found = replayed.detections(summary.scan_id)
    return Replay(
        scan_id=scan_id,
        summary=summary,
        comparison=compare(project.detections(scan_id), found),
        shown=sum(one.score >= record.threshold for one in found),
        device_then=record.device,
        versions=_differing(_versions(project.provenance(scan_id)), _versions(provenance)),
        parameters=_differing(record.parameters, now.parameters),
    )


def replay_request(project: Project, record: ScanRecord, target: Path, device: str = "auto") -> ScanRequest:
    """What has to be asked for to get the same scan in the project `target`. Raises as `replay`."""
    section = project.section(record.section_id)
    with project.open_section_of(section) as opened:
        path = opened.info.path
    request = ScanRequest(
        section=path,
        project=target,
        model_id=record.model_id,
        model_version=record.model_version,
        model_path=record.model_path,
        values=dict(record.parameters.get("model", {})),
        options=_options(record, device, restart=_is_all_done(target)),
    )
    request.spec()  # before anything is opened for nothing
    return request


def _options(record: ScanRecord, device: str, *, restart: bool) -> ScanOptions:
    """The inverse of `core.scan.plan.scan_parameters`."""
    parameters = record.parameters
    region, plane = parameters["region"], parameters["plane"]
    return ScanOptions(
        region=None if region is None else Box(*region),
        threshold=record.threshold,
        device=device,
        plane=Plane(*plane),
        restart=restart,
        foreground=Foreground(**parameters.get("foreground", {})),
    )


def _finished(project: Project, scan_id: str) -> ScanRecord:
    known = {scan.id: scan for scan in project.scans()}
    if scan_id not in known:
        raise UsageError(
            f"there is no scan {scan_id!r}",
            path=project.path,
            remedy=f"Choose of {', '.join(known)}." if known else "It holds no scans yet.",
        )
    if known[scan_id].status != "done":
        raise UsageError(
            f"the scan {scan_id!r} is not finished", path=project.path, remedy="Finish it first: scan again."
        )
    return known[scan_id]


@contextmanager
def _kept_or_not(folder: Path | None, project: Project) -> Iterator[Path]:
    """Where to scan to: the folder that was asked for, else one that is gone afterwards."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="schliff-replay-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary) / "replay.schliff"
        return
    if folder.resolve() == project.path.resolve():
        raise InputError("that is the project that is replayed", path=folder, remedy="Name another folder.")
    yield folder


def _is_all_done(target: Path) -> bool:
    """An earlier replay that was interrupted goes on; one that is finished is of no use for this one."""
    if not Project.is_project(target):
        return False
    with Project.open(target) as project:
        return all(scan.status == "done" for scan in project.scans())


def _versions(provenance: Mapping[str, Any]) -> dict[str, Any]:
    return {"schliff": provenance.get("schliff"), **provenance.get("versions", {})}


def _differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*then, *(name for name in now if name not in then)]
    return {name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)}
