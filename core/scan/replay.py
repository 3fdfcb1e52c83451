"""Decides how a stored scan is run anew from what the project remembers of it, and what is said of the two together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.project import Project
from core.project.records import ScanRecord
from core.scan.comparing import Comparison, compare
from core.scan.executing import run_request
from core.scan.options import ScanSummary
from core.scan.request import ScanRequest


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay. `comparison` is over all detections that were kept, those below the threshold too.

    Args:
        shown: how many of the replayed detections reach the stored scan's threshold.
        versions, parameters: what differs, by name: then and now. Among versions: what it was computed on.
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
    changed; InputError when its section is gone or has changed, or `folder` holds finished scans or something else; and as `run_scan`.
    """
    record = _finished(project, scan_id)
    with _kept_or_not(folder) as target:
        summary = run_request(replay_request(project, record, target, device), progress, cancel)
        with Project.open(target) as replayed:
            now, provenance = replayed.scan(summary.scan_id), replayed.provenance(summary.scan_id)
            found = replayed.detections(summary.scan_id)
    versions, versions_now = _versions(project.provenance(scan_id)), _versions(provenance)
    # Of versions only what was noted both times: a library that nothing needs may be loaded or not.
    noted = [name for name in versions if name in versions_now]
    return Replay(
        scan_id=scan_id,
        summary=summary,
        comparison=compare(project.found(scan_id), found),
        shown=sum(one.score >= record.threshold for one in found),
        device_then=record.device,
        versions=_differing(versions, versions_now, noted),
        parameters=_differing(record.parameters, now.parameters, {**record.parameters, **now.parameters}),
    )


def replay_request(project: Project, record: ScanRecord, target: Path, device: str = "auto") -> ScanRequest:
    """What has to be asked for to get the same scan in the project `target`. Raises as `replay`."""
    section = project.section(record.section_id)
    with project.open_section_of(section) as opened:
        path = opened.info.path
        if section.scale_by_hand:
            with Project.open_or_create(target) as replayed:
                replayed.add_section(opened)  # with its scale
    request = ScanRequest.again(record, path, target, device)
    request.spec()  # before anything is opened for nothing
    return request


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
def _kept_or_not(folder: Path | None) -> Iterator[Path]:
    """Where to scan to: the folder that was asked for, else one that is gone afterwards."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="schliff-replay-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary) / "replay.schliff"
        return
    if _holds_results(folder):
        raise InputError(
            "it holds finished scans, from which a replay would take", path=folder, remedy="Name a new folder."
        )
    yield folder


def _holds_results(folder: Path) -> bool:
    """An earlier replay that was interrupted may go on; beside one that is finished, nothing would be computed anew."""
    if not Project.is_project(folder):
        return False
    with Project.open(folder) as project:
        return any(scan.status == "done" for scan in project.scans())


def _versions(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """What else may change a score: versions, and what the last run computed on."""
    runs = provenance.get("runs") or [{}]
    machine = {name: runs[-1][name] for name in ("device_name", "threads") if name in runs[-1]}
    return {"schliff": provenance.get("schliff"), **provenance.get("versions", {}), **machine}


def _differing(then: Mapping[str, Any], now: Mapping[str, Any], names: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    return {name: (then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)}
