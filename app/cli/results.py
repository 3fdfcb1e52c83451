"""Decides what `schliff defects`, `check` and `export` do with a project's results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.console import print_json, print_table
from app.cli.pairs import pairs
from core.export.base import export_detections
from core.listing import listed_detections, rows, sorted_rows
from core.project import Project

_SHOWN = {
    "id": "id", "class": "class", "score": "score", "severity": "severity", "status": "status",
    "x_px": "x px", "y_px": "y px", "w_px": "w", "h_px": "h", "area_um2": "µm²",
    "stage_x_um": "stage x µm", "stage_y_um": "stage y µm", "section": "section",
}  # fmt: skip


def defects(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        chosen = listed_detections(
            project,
            statuses=_split(args.status),
            classes=_split(args.classes),
            scans=args.scans,
            below_threshold=args.below_threshold,
        )
        listed = rows(project, chosen)
    if args.sort != "severity":  # they come worst first, with ties in order
        listed = sorted_rows(listed, args.sort)
    if args.json:
        print_json(listed)
        return
    print_table([{**one, "section": Path(one["section"]).name} for one in listed], _SHOWN)
    print(f"{len(listed)} detection(s)")


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
    with Project.open(args.project) as project:
        count = export_detections(
            project, args.format, args.out, statuses=_split(args.status), scans=args.scans, frame=args.frame,
            settings=pairs(args.settings),
        )  # fmt: skip
    print(f"{args.out}: {count} detection(s)")


def _split(values: list[str]) -> list[str]:
    """Options may be given several times or separated by commas."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]
