"""Decides what `schliff scans` and `schliff scan --replay` say: what a scan was made with, and whether it comes out again."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from core.counting import counted
from core.errors import CancelledError, UsageError
from core.project import Project

if TYPE_CHECKING:
    from core.project import ScanRecord
    from core.scan.replay import Replay

_SHOWN = {
    "scan_id": "scan", "section": "section", "state": "state", "tiles_done": "tiles", "tiles_skipped": "skipped",
    "detections": "found", "threshold": "threshold", "device": "device", "seconds": "s", "started": "started",
    "settings": "settings",
}  # fmt: skip


def scans(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        rows = [_row(project, record) for record in project.scans()]
    if args.json:
        print_json(rows)
        return
    print_table([{**row, "section": Path(row["section"]).name, "settings": _settings(row)} for row in rows], _SHOWN)
    print(counted(len(rows), "scan"))


def _row(project: Project, record: ScanRecord) -> dict[str, Any]:
    from core.scan.provenance import is_running

    section, provenance = project.section(record.section_id), project.provenance(record.id)
    state = "interrupted" if record.status == "running" and not is_running(provenance) else record.status
    return {
        "scan_id": record.id,
        "section": str(section.path),
        "fingerprint": section.fingerprint,
        "model": record.model_id,
        "model_version": record.model_version,
        "state": state,
        "tiles_total": record.tiles_total,
        "tiles_done": record.tiles_done,
        "tiles_skipped": record.tiles_skipped,
        "detections": len(project.detections(record.id, record.threshold)),
        "threshold": record.threshold,
        "device": record.device,
        "started": record.started,
        "finished": record.finished,
        "seconds": round(record.seconds, 3),
        "parameters": dict(record.parameters),
        "provenance": provenance,
    }


def _settings(row: dict[str, Any]) -> str:
    """What of the parameters was chosen, as "region=[0, 0, 500, 500] window=256"."""
    parameters = row["parameters"]
    chosen = {name: parameters.get(name) for name in ("region", "foreground") if parameters.get(name)}
    return " ".join(f"{name}={value}" for name, value in {**chosen, **parameters.get("model", {})}.items())


def replay(args: argparse.Namespace) -> int:
    """Always exit code 0 when the scan could be run anew: what came of it is in the words, and in `identical`."""
    from core.scan.replay import replay as run_anew

    _check(args)
    folder = Path(args.out) if args.out else None
    with Project.open(args.project) as project, stop_by_signal() as cancel, ProgressLine(args.replay) as progress:
        try:
            result = run_anew(project, args.replay, args.device, folder, progress, cancel)
        except CancelledError as error:
            raise CancelledError(
                "stopped; the stored scan is as it was", remedy="Run the same command again."
            ) from error
    if args.json:
        print_json(_document(result))
    else:
        print("\n".join(_lines(result)))
    return 0


def _check(args: argparse.Namespace) -> None:
    """Sections, models and options come from the stored scan."""
    given = {
        "PATH": args.paths, "--model": args.models, "--set": args.settings, "--region": args.regions,
        "--threshold": args.threshold is not None, "--restart": args.restart, "--background": args.background == "keep",
    }  # fmt: skip
    for name in (name for name, is_given in given.items() if is_given):
        raise UsageError(f"--replay takes no {name}", remedy="Everything but the device comes from the stored scan.")


def _document(result: Replay) -> dict[str, Any]:
    then_and_now = {"versions": result.versions, "parameters": result.parameters}
    return {
        "scan_id": result.scan_id,
        "section": result.summary.section,
        "model": result.summary.model,
        "identical": result.comparison.identical,
        **asdict(result.comparison),
        "detections": result.shown,
        "threshold": result.summary.threshold,
        "device": {"then": result.device_then, "now": result.summary.device},
        **{
            what: {name: {"then": then, "now": now} for name, (then, now) in differing.items()}
            for what, differing in then_and_now.items()
        },
        "seconds": result.summary.seconds,
        "replayed_scan_id": result.summary.scan_id,
    }


def _lines(result: Replay) -> list[str]:
    found = result.comparison
    lines = [f"{result.scan_id}: {_verdict(result)}"]
    if not found.identical:
        lines.append(
            f"{found.equal} equal, {found.changed} changed (score by up to {found.largest_score_difference:.3g}, edges by"
            f" up to {found.largest_box_difference_px:.3g} px), {found.gone} gone, {found.new} new"
        )
    if result.device_then != result.summary.device:
        lines.append(f"device: {result.device_then} then, {result.summary.device} now")
    for name, (then, now) in {**result.versions, **result.parameters}.items():
        lines.append(f"{name}: {_spoken(then)} then, {_spoken(now)} now")
    return lines


def _verdict(result: Replay) -> str:
    found = result.comparison
    below = found.now - result.shown
    shown = counted(result.shown, "detection") + (f" (and {below} below the threshold)" if below else "")
    return (
        f"identical: {shown}"
        if found.identical
        else f"not identical: {counted(found.before, 'detection')} then, {found.now} now"
    )


def _spoken(value: Any) -> str:
    return "unknown" if value is None else str(value)
