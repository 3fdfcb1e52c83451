"""Decides what `schliff`, `schliff open` and `schliff demo` do: they end in a window."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import ProgressLine, stop_by_signal
from core.errors import UsageError
from core.jobs import CancelToken

if TYPE_CHECKING:
    from core.project import Project
    from core.section import Section
    from core.synthetic import Kind

SMALLEST_DEMO_PX = 1024


def open_window(args: argparse.Namespace) -> int:
    from app.start import run_app

    return run_app(Path(args.path).absolute() if args.path else None)


def demo(args: argparse.Namespace) -> int:
    """A sample section scanned by every bundled model that knows its kind, then the window on the result."""
    from app.start import run_app, save_screenshot

    if args.size < SMALLEST_DEMO_PX:
        raise UsageError(
            f"--size must be at least {SMALLEST_DEMO_PX}, not {args.size}", remedy="Leave it out for 6000."
        )
    with stop_by_signal() as cancel:
        project = make_demo(args.kind, args.size, Path(args.project) if args.project else None, cancel)
    print(f"The sample and what was found: {project}", flush=True)
    if args.screenshot:
        return save_screenshot(project, Path(args.screenshot))
    return run_app(project)


def make_demo(kind: Kind, size: int, folder: Path | None, cancel: CancelToken) -> Path:
    """Makes (or reuses) the sample, scans it (or goes on, or finds it done). Returns the project's folder."""
    from app.sample import demo_dir, sample_section
    from core.project import Project
    from core.readers.base import open_section

    project_path = folder or demo_dir() / f"{kind}-{size}.schliff"
    with ProgressLine("making the sample", told=True) as progress:
        section_path = sample_section(progress, cancel, kind, size, project_path.parent)
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        for model_id in _models_for(kind):
            _scan(project, section, model_id, cancel)
    return project_path


def _models_for(kind: Kind) -> list[str]:
    """The texture scan first, so that the window opens on what the trained model says, where one knows these defects."""
    from core.models.catalog import list_models
    from core.synthetic import defect_classes

    bundled = [spec for spec in list_models() if spec.source == "bundled"]
    knowing = [spec.id for spec in bundled if set(defect_classes(kind)) & set(spec.labels)]
    return ["texture", *knowing]


def _scan(project: Project, section: Section, model_id: str, cancel: CancelToken) -> None:
    from core.models.catalog import find_model, load_model
    from core.scan.runner import run_scan

    with ProgressLine(f"scanning with {model_id}", told=True) as progress:
        run_scan(project, section, load_model(find_model(model_id)), None, progress, cancel)
