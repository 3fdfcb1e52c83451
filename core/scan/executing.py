"""Decides how a scan request is carried out in this process: what is opened for it, and that all is closed again."""

from __future__ import annotations

from collections.abc import Callable

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


def run_request(
    request: ScanRequest,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    watchers: Watchers | None = None,
    load: Callable[[ModelSpec, str], Model] | None = None,
) -> ScanSummary:
    """Scans as asked; makes the project where there is none. Importing what the model needs happens in here.

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
        progress(Step(0, 0, "Loading the model"))
        model = (load or load_model)(request.spec(), request.options.device)
        cancel.check()
        return run_scan(project, section, model, request.options, progress, cancel, watchers)
