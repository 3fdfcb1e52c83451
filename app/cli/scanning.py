"""Decides what `schliff scan` does: any number of models over any number of sections, into one project.

One scan that fails doesn't stop the others; it has its line in the summary, and the worst exit code is returned.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import print_json, stop_by_signal
from app.cli.pairs import pairs
from app.cli.replaying import replay
from app.cli.scan_inputs import sections_of
from app.cli.scan_progress import ScanProgress
from app.cli.scan_table import Row, failed_row, finished_row, print_summary
from app.cli.trouble import told
from core.compute_process import compute_threads, keep_memory, use_threads
from core.errors import CancelledError, UsageError
from core.jobs import CancelToken
from core.project import Project
from core.readers.base import open_section

if TYPE_CHECKING:
    from core.models.base import ModelSpec
    from core.scan.options import ScanOptions


def scan(args: argparse.Namespace) -> int:
    if args.replay:
        return replay(args)
    sections = sections_of(_wanted(args.paths, "a section", "A file, a folder or a pattern."), _note)
    models = _models(_wanted(args.models, "--model", "`schliff models` lists them."), pairs(args.settings))
    _check_beforehand(args)
    is_new = not Path(args.project).exists()
    try:
        with stop_by_signal() as cancel:
            bulk = _Bulk(args, list(product(sections, models)), cancel)
            stopped = bulk.go()
    finally:
        if is_new:
            _remove_if_empty(Path(args.project))
    _show(bulk, as_json=args.json)
    if stopped is not None:
        raise stopped
    return bulk.worst


class _Bulk:
    """All scans of one command, one after the other."""

    def __init__(self, args: argparse.Namespace, jobs: Sequence[tuple[Path, ModelSpec]], cancel: CancelToken) -> None:
        from core.worker.kept_model import KeptModel

        self._args, self._jobs, self._cancel = args, jobs, cancel
        self._options = _options(args)
        self._model = KeptModel()
        self._progress = ScanProgress(len(jobs))
        self._warned: set[str] = set()
        self.is_single = len(jobs) == 1
        self.rows: list[Row] = []
        self.worst = 0

    def go(self) -> CancelledError | None:
        """Scans until all is done; returns what is to be raised when it was stopped before.

        A scan that is the only one raises what went wrong; of several, each that fails is told and gets its row.
        """
        keep_memory()
        use_threads(compute_threads(beside_window=False))
        for path, spec in self._jobs:
            try:
                self.rows.append(self._scan(path, spec))
            except CancelledError as error:
                stopped = CancelledError(
                    "stopped; what was scanned is kept", path=path, remedy="Run the same command again to go on."
                )
                if self.is_single:
                    raise stopped from error
                self.rows.append(failed_row(path, spec.id, "stopped"))
                return stopped
            except Exception as error:
                if self.is_single or self._args.debug:
                    raise
                self._failed(path, spec, error)
        return None

    def _failed(self, path: Path, spec: ModelSpec, error: Exception) -> None:
        line, exit_code = told(error)
        _note(line)
        self.rows.append(failed_row(path, spec.id, line))
        self.worst = max(self.worst, exit_code)

    def _scan(self, path: Path, spec: ModelSpec) -> Row:
        from core.scan.executing import run_request
        from core.scan.request import ScanRequest

        doubts = _doubts(path, spec, Path(self._args.project))
        request = ScanRequest.of(path, Path(self._args.project), spec, self._options)
        self._progress.begin(f"{path.name} · {spec.id}")
        try:
            summary = run_request(request, self._progress, self._cancel, load=self._model.load)
        finally:
            self._progress.clear()
        self._progress.found(summary.detections)
        self._warn(f"{path}: {doubt}" for doubt in (*doubts, *summary.doubts))
        return finished_row(summary)

    def _warn(self, lines: Iterable[str]) -> None:
        """Each only once: several models may have the same to say of a section."""
        for line in lines:
            if line not in self._warned:
                _note(line)
            self._warned.add(line)


def _doubts(path: Path, spec: ModelSpec, home: Path) -> list[str]:
    """What is doubtful about scanning this section with this model. Raises InputError where it can't be opened."""
    from core.scan.plan import scale_doubt

    with open_section(path) as section:
        if Project.is_project(home):
            with Project.open(home) as project:
                project.give_scale(section)
        return [doubt for doubt in (*section.info.warnings, scale_doubt(section.info, spec)) if doubt]


def _wanted(given: list[str], what: str, remedy: str) -> list[str]:
    if not given:
        raise UsageError(f"{what} is missing", remedy=remedy)
    return given


def _models(wanted: Sequence[str], values: dict[str, str]) -> list[ModelSpec]:
    """The models, each with those of the values that it knows. Raises UsageError for a value that none of them knows."""
    from core.models.catalog import configure, find_model

    specs = {(spec.id, spec.version): spec for spec in map(find_model, wanted)}.values()
    known = [{parameter.name for parameter in spec.parameters} for spec in specs]
    for name in values:
        if not any(name in names for names in known):
            offered = ", ".join(sorted(set().union(*known))) or "none"
            raise UsageError(f"there is no parameter {name!r}", remedy=f"Known: {offered}.")
    return [
        configure(spec, {name: value for name, value in values.items() if name in names})
        for spec, names in zip(specs, known, strict=True)
    ]


def _options(args: argparse.Namespace) -> ScanOptions:
    from core.scan.options import Foreground, ScanOptions

    foreground = Foreground(skip=args.background == "skip", caution=args.caution)
    return ScanOptions(tuple(args.regions), args.threshold, args.device, restart=args.restart, foreground=foreground)


def _check_beforehand(args: argparse.Namespace) -> None:
    """What would fail for every scan fails once."""
    if args.device not in ("auto", "cpu"):
        from core.devices import choose_device

        choose_device(args.device)
    if Project.is_project(Path(args.project)):
        Project.open(args.project).close()


def _remove_if_empty(path: Path) -> None:
    """A project made by this command that holds no scanned tile, and into which nobody else scans, is of no use."""
    from core.scan.provenance import is_running

    if not Project.is_project(path):
        return
    with Project.open(path) as project:
        scans = project.scans()
        holds_tiles = any(one.status == "done" or one.tiles_done > one.tiles_skipped for one in scans)
        is_in_use = any(is_running(project.provenance(one.id)) for one in scans)
    if not holds_tiles and not is_in_use:
        shutil.rmtree(path, ignore_errors=True)


def _show(bulk: _Bulk, *, as_json: bool) -> None:
    if as_json:
        print_json(bulk.rows[0] if bulk.is_single else bulk.rows)
    else:
        print_summary(bulk.rows)


def _note(line: str) -> None:
    print(f"schliff: {line}", file=sys.stderr)
