"""Decides what `schliff precision`, `schliff compare` and `schliff export-data` do with what people decided."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from core.counting import counted
from core.errors import UsageError
from core.inspection import compare, tolerance_in_px
from core.inspection_csv import read_places
from core.precision import draw_sample, latest_sample, precision_of
from core.project import Project, ScanRecord

_COMPARED = {"class": "class", "manual": "by eye", "scan": "by the scan", "agreed": "agreed"}


def precision(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        scan = _scan_of(project, args.scans)
        sample = latest_sample(project, scan.id)
        if args.draw is not None:
            sample = draw_sample(project, scan, args.draw, args.seed)
        if sample is None:
            raise UsageError(
                f"no sample was drawn of {scan.id} yet",
                path=project.path,
                remedy="Draw one with --draw N, and judge it.",
            )
        told = precision_of(project, sample).to_json()
    if args.json:
        print_json(told)
        return
    print(
        f"{told['scan_id']}: {told['sample']} of {told['population']} detections at or above {told['threshold']:g}, seed"
        f" {told['seed']}, drawn by {told['drawn_by']} at {told['drawn_at']}"
    )
    print(
        f"{told['right']} right, {told['wrong']} wrong, {told['unsure']} unsure, {told['unreviewed']} not reviewed yet"
    )
    said = "not known yet" if told["precision"] is None else f"{told['precision']:.1%}"
    print(f"precision {said}, between {told['low']:.1%} and {told['high']:.1%} (95 %, Clopper–Pearson)")


def compared(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        scan = _scan_of(project, args.scans)
        section = project.section(scan.section_id)
        places = read_places(Path(args.positions), section, args.unit, args.origin)
        told = compare(project, scan, places, tolerance_in_px(section, args.tolerance)).to_json()
    told = {"section": str(section.path), **told}
    if args.json:
        print_json(told)
        return
    print_table([{"class": label or "–", **counts} for label, counts in told["classes"].items()], _COMPARED)
    share = "" if told["share_found"] is None else f" ({told['share_found']:.1%} of those by eye)"
    print(
        f"{told['agreed']} agreed{share}, {told['missed']} missed, {told['extra']} extra"
        f" ({told['extra_confirmed']} of them judged defects, {told['extra_rejected']} not)"
    )


def export_data(args: argparse.Namespace) -> None:
    from core.data.writing.base import write_data

    with Project.open(args.project) as project, stop_by_signal() as token, ProgressLine("pictures") as progress:
        written: dict[str, Any] = write_data(project, args.format, Path(args.out), args.tile, progress, token).to_json()
    if args.json:
        print_json(written)
        return
    print_table([{"class": label, "marks": count} for label, count in written["marks"].items()], _MARKS)
    print(
        f"{written['out']}: {counted(written['tiles'], 'picture')}, {written['empty_tiles']} of them without a defect"
    )


_MARKS = {"class": "class", "marks": "marks"}


def _scan_of(project: Project, wanted: list[str]) -> ScanRecord:
    """The one that was asked for, else the latest. Raises UsageError without one, or for several."""
    if len(wanted) > 1:
        raise UsageError("several scans", remedy="Give one --scan.")
    scans = project.scans()
    if wanted:
        scan = project.scan(wanted[0])
        if scan not in scans:
            remedy = "Choose another; `schliff scans` lists them."
            raise UsageError(f"{scan.id} was started over, or is none that a model made", remedy=remedy)
        return scan
    if not scans:
        raise UsageError("nothing was scanned in it", path=project.path, remedy="Run `schliff scan` first.")
    if len({scan.section_id for scan in scans}) > 1:
        raise UsageError(
            "it holds scans of several sections",
            path=project.path,
            remedy="Say which one by --scan; `schliff scans` lists them.",
        )
    return scans[-1]
