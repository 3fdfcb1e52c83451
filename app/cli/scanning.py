"""Decides what `schliff scan` does: one model over any number of sections, into one project."""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from core.errors import CancelledError, SchliffError
from core.jobs import CancelToken
from core.project import Project
from core.readers.base import open_section

if TYPE_CHECKING:
    from core.models.base import Model, ModelSpec


def scan(args: argparse.Namespace) -> int:
    """One section that fails doesn't stop the others; the worst exit code is returned."""
    from core.models.catalog import find_model

    spec = find_model(args.model)
    if len(args.paths) == 1:
        open_section(args.paths[0]).close()  # before a project is made for nothing
    is_new = not Path(args.project).exists()
    try:
        with Project.open_or_create(args.project) as project, stop_by_signal() as cancel:
            summaries, worst = _scan_all(project, spec, args, cancel)
    finally:
        if is_new:
            _remove_if_empty(Path(args.project))
    _show(summaries, single=len(args.paths) == 1, as_json=args.json)
    return worst


def _scan_all(
    project: Project, spec: ModelSpec, args: argparse.Namespace, cancel: CancelToken
) -> tuple[list[dict[str, Any]], int]:
    from core.models.catalog import load_model

    summaries: list[dict[str, Any]] = []
    worst = 0
    for path in args.paths:
        try:
            # A model may have learned what is normal on the section before: a fresh one for each.
            summaries.append(_scan_one(project, Path(path), load_model(spec, args.device), args, cancel))
        except CancelledError as error:
            raise CancelledError(
                "stopped; what was scanned is kept", path=path, remedy="Run the same command again to go on."
            ) from error
        except SchliffError as error:
            if len(args.paths) == 1 or args.debug:
                raise
            print(f"schliff: {error}", file=sys.stderr)
            worst = max(worst, error.exit_code)
    return summaries, worst


def _remove_if_empty(path: Path) -> None:
    """A project made by this command that holds no scanned tile is of no use to anybody."""
    if not Project.is_project(path):
        return
    with Project.open(path) as project:
        in_use = any(one.status == "done" or one.tiles_done > one.tiles_skipped for one in project.scans())
    if not in_use:
        shutil.rmtree(path, ignore_errors=True)


def _scan_one(
    project: Project, path: Path, model: Model, args: argparse.Namespace, cancel: CancelToken
) -> dict[str, Any]:
    from core.scan.options import ScanOptions
    from core.scan.runner import run_scan

    options = ScanOptions(args.region, args.threshold, args.device, restart=args.restart)
    with open_section(path) as section, ProgressLine(path.name) as progress:
        summary = run_scan(project, section, model, options, progress, cancel)
        warnings = list(section.info.warnings)
    if model.spec.um_per_px is not None and section.info.pixel_size_um is None:
        warnings.append(
            f"{model.spec.id} wants {model.spec.um_per_px:g} µm per px and the section doesn't state its own: "
            "what it found may mean nothing."
        )
    for warning in warnings:
        print(f"schliff: {path}: {warning}", file=sys.stderr)
    return asdict(summary)


def _show(summaries: list[dict[str, Any]], *, single: bool, as_json: bool) -> None:
    if as_json:
        print_json(summaries[0] if single else summaries)
        return
    shown = {
        "scan_id": "scan", "section": "section", "detections": "found", "threshold": "threshold", "tiles_done": "tiles",
        "tiles_skipped": "skipped", "megapixels": "Mpx", "seconds": "s", "resumed": "resumed",
    }  # fmt: skip
    print_table([{**s, "section": Path(s["section"]).name} for s in summaries], shown)
