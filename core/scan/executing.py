"""Decides how a scan request is carried out in this process: what is opened for it, and that all is closed again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.compute_memory import TooLittleMemoryError, free_memory, memory_told
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.base import Model, ModelSpec
from core.models.catalog import load_model
from core.overview_cache import OverviewCache
from core.project import Project
from core.pyramid import with_overviews
from core.readers.base import open_section
from core.scan.options import ScanSummary, Watchers
from core.scan.request import ScanRequest
from core.scan.runner import run_scan
from core.section import Section

Load = Callable[[ModelSpec, str], Model]


def run_request(
    request: ScanRequest,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    watchers: Watchers | None = None,
    load: Load | None = None,
) -> ScanSummary:
    """Scans as asked; makes the project where there is none. Importing what the model needs happens in here.

    Where a graphics card has too little memory for a single tile, the processor goes on with what is left.

    `load`: another way to a loaded model than `core.models.catalog.load_model`.
    Raises as `core.scan.runner.run_scan`, and what opening raises: InputError for the section, the project or the
    weights, UsageError for a model that has changed or a device that isn't here.
    """
    cancel = cancel or CancelToken()
    # Overviews that are built already spare looking for the specimen in the whole file.
    with (
        with_overviews(open_section(request.section), OverviewCache()) as section,
        Project.open_or_create(request.project) as project,
    ):
        scan = partial(_scan, request, load or load_model, project, section, progress, cancel, watchers)
        try:
            return scan(request.options.device)
        except TooLittleMemoryError as error:
            if "cpu" in (request.options.device, error.device):
                raise
            told = f"{error.what[0].upper()}{error.what[1:]}: going on with the processor"
        free_memory()
        progress(Step(0, 0, told))
        return scan("cpu")


def _scan(
    request: ScanRequest,
    load: Load,
    project: Project,
    section: Section,
    progress: Progress,
    cancel: CancelToken,
    watchers: Watchers | None,
    device: str,
) -> ScanSummary:
    progress(Step(0, 0, "Loading the model"))
    with memory_told(device, request.model_id):
        model = load(request.spec(), device)
    cancel.check()
    return run_scan(project, section, model, request.options, progress, cancel, watchers)
