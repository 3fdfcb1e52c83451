"""Decides what `schliff`, `schliff open` and `schliff demo` do: they end in a window."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.console import ProgressLine, stop_by_signal
from core.errors import UsageError
from core.jobs import CancelToken

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


def make_demo(kind: str, size: int, folder: Path | None, cancel: CancelToken) -> Path:
    """Writes (or reuses) the sample, scans it (or goes on, or finds it done). Returns the project's folder."""
    from core.project import Project
    from core.readers.base import open_section
    from core.synthetic import default_defects, make_sample, write_sample
    from core.userdirs import data_dir

    project_path = folder or data_dir() / "demo" / f"{kind}-{size}.schliff"
    section_path = project_path.parent / f"{kind}-{size}.czi"
    if not section_path.exists():
        with ProgressLine("1/2 making the sample") as progress:
            write_sample(
                make_sample(kind, size, default_defects(kind, size), DEMO_SEED), section_path, progress, cancel
            )
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        for model_id in _models_for(kind):
            _scan(project, section, model_id, cancel)
    return project_path


def _models_for(kind: str) -> list[str]:
    """The texture scan first, so that the window opens on what the trained model says, where one knows the kind."""
    from core.models.catalog import list_models

    known = [spec.id for spec in list_models() if spec.source == "bundled" and kind in spec.card.get("kinds", ())]
    return ["texture", *known]


def _scan(project, section, model_id: str, cancel: CancelToken) -> None:  # type: ignore[no-untyped-def]
    from core.models.catalog import find_model, load_model
    from core.scan.runner import run_scan

    with ProgressLine(f"2/2 scanning with {model_id}") as progress:
        run_scan(project, section, load_model(find_model(model_id)), None, progress, cancel)
