"""Decides what `schliff defects`, `check` and `export` do with a project's results."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from app.cli.pairs import pairs
from core.counting import counted
from core.detection import Detection
from core.export.base import export_detections, find_exporter, usual_frame
from core.export.document import FRAMES
from core.listing import listed_places, rows, sorted_rows
from core.project import Project
from core.top_classes import top_classes

_SHOWN = {
    "id": "id", "class": "class", "score": "score", "severity": "severity", "status": "status",
    "x_px": "x px", "y_px": "y px", "w_px": "w", "h_px": "h", "area_um2": "µm²",
    "stage_x_um": "stage x µm", "stage_y_um": "stage y µm", "section": "section",
}  # fmt: skip


def defects(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        places = listed_places(
            project,
            statuses=_split(args.status),
            classes=_split(args.classes),
            scans=args.scans,
            below_threshold=args.below_threshold,
            every_scan=args.every_scan,
        )
        chosen = [place.detection for place in places]
        listed = rows(project, chosen, {place.detection.id: place.others for place in places})
        if args.top3:
            listed = [{**one, "top3": top} for one, top in zip(listed, _top_classes(project, chosen), strict=True)]
    if args.sort != "severity":  # they come worst first, with ties in order
        listed = sorted_rows(listed, args.sort)
    if args.json:
        print_json(listed)
        return
    for one in listed:
        one["section"] = Path(one["section"]).name
        if args.top3:
            one["top3"] = ", ".join(f"{other['class']} {other['score']:.2f}" for other in one["top3"])
    print_table(listed, {**_SHOWN, "top3": "may be"} if args.top3 else _SHOWN)
    print(counted(len(listed), "detection"))


def _top_classes(project: Project, detections: Iterable[Detection]) -> Iterator[list[dict[str, Any]]]:
    """For each detection, surest first; none where its scan stored no scores of classes."""
    labels = {scan.id: scan.labels for scan in project.scans()}
    for one in detections:
        score_map = project.score_map(one.scan_id) if one.scan_id in labels else None
        found = top_classes(score_map, labels[one.scan_id], one) if score_map is not None else []
        yield [{"class": label, "score": round(score, 5)} for label, score in found]


def check(args: argparse.Namespace) -> None:
    from core.check import check_project

    with Project.open(args.project) as project:
        result = check_project(project, Path(args.truth))
    if args.json:
        print_json(result)
        return
    print_table(_class_rows(result), {"class": "class", **_FIGURES})


_FIGURES = {"truth": "truth", "tp": "found", "fp": "false", "fn": "missed",
            "precision": "precision", "recall": "recall", "f1": "F1", "ap": "AP"}  # fmt: skip


def _class_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    whole = [{"class": "all defects", **result["defects"]}]
    return [{"class": name, **figures} for name, figures in result["classes"].items()] + whole


def export(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project, stop_by_signal() as cancel, ProgressLine(args.format) as progress:
        exporter = find_exporter(args.format)
        frame = args.frame or usual_frame(project, exporter, args.scans)
        count = export_detections(
            project, args.format, args.out, statuses=_split(args.status), scans=args.scans, frame=frame,
            settings=pairs(args.settings), progress=progress, cancel=cancel,
        )  # fmt: skip
    print(f"{args.out}: {counted(count, 'detection')}" + (f", {FRAMES[frame]}" if exporter.purpose == "drive" else ""))


def _split(values: list[str]) -> list[str]:
    """Options may be given several times or separated by commas."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]
