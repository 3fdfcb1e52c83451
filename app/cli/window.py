"""Decides what `schliff`, `schliff open` and `schliff demo` do: they end in a window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import ProgressLine, stop_by_signal
from core.disk import disk_errors
from core.errors import UsageError
from core.jobs import CancelToken

if TYPE_CHECKING:
    from core.project import Project
    from core.section import Section
    from core.synthetic import Kind

DEMO_SEED = 7
SMALLEST_DEMO_PX = 1024


def open_window(args: argparse.Namespace) -> int:
    from app.start import run_app

    return run_app(Path(args.path) if args.path else None)


def demo(args: argparse.Namespace) -> int:
    """A sample section scanned by every bundled model that knows its kind, then the window on the result."""
    from app.start import run_app, save_screenshot

    if args.size < SMALLEST_DEMO_PX:
        raise UsageError(
            f"--size must be at least {SMALLEST_DEMO_PX}, not {args.size}", remedy="Leave it out for 6000."
        )
    with stop_by_signal() as cancel:
        project = make_demo(args.kind, args.size, Path(args.project) if args.project else None, cancel)
    if args.screenshot:
        return save_screenshot(project, Path(args.screenshot))
    return run_app(project)


def make_demo(kind: Kind, size: int, folder: Path | None, cancel: CancelToken) -> Path:
    """Writes (or reuses) the sample, scans it (or goes on, or finds it done). Returns the project's folder."""
    from core.project import Project
    from core.readers.base import open_section
    from core.synthetic import default_defects, make_sample, write_sample
    from core.userdirs import data_dir

    project_path = folder or data_dir() / "demo" / f"{kind}-{size}.schliff"
    section_path = project_path.parent / f"{kind}-{size}.czi"
    sample = make_sample(kind, size, default_defects(kind, size), DEMO_SEED)
    if not section_path.exists():
        with disk_errors(section_path.parent), ProgressLine("making the sample") as progress:
            section_path.parent.mkdir(parents=True, exist_ok=True)
            write_sample(sample, section_path, progress, cancel)
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        for model_id in _models_for({truth.label for truth in sample.truth}):
            _scan(project, section, model_id, cancel)
    return project_path


def _models_for(labels: set[str]) -> list[str]:
    """The texture scan first, so that the window opens on what the trained model says, where one knows these defects."""
    from core.models.catalog import list_models

    bundled = [spec for spec in list_models() if spec.source == "bundled"]
    knowing = [spec.id for spec in bundled if labels & (set(spec.labels) - set(spec.artefact_labels))]
    return ["texture", *knowing]


def _scan(project: Project, section: Section, model_id: str, cancel: CancelToken) -> None:
    from core.models.catalog import find_model, load_model
    from core.scan.runner import run_scan

    with ProgressLine(f"scanning with {model_id}") as progress:
        run_scan(project, section, load_model(find_model(model_id)), None, progress, cancel)
