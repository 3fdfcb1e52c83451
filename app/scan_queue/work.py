"""Decides what a queued scan does in its thread: it makes sure of its project, then hands the rest to a worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import ResourceError
from core.jobs import CancelToken, Progress, Step

if TYPE_CHECKING:
    from core.scan.options import ScanSummary
    from core.scan.request import ScanRequest


@dataclass(frozen=True, slots=True)
class HomeReady:
    """The project that the scan is written to is there."""

    request: ScanRequest


@dataclass(frozen=True, slots=True)
class TileStored:
    """The scores of one more tile are on the disk."""


Post = Callable[[object], None]


def scan(request: ScanRequest, post: Post, progress: Progress, cancel: CancelToken) -> ScanSummary:
    """Runs in a lane. `post` gets a HomeReady, then lists of detections and a TileStored for each tile.

    Raises what `core.scan.executing.run_request` raises.
    """
    from core.scan.options import Watchers
    from core.worker import supervisor

    progress(Step(0, 0, "Getting ready"))
    request = _with_home(request)
    post(HomeReady(request))
    cancel.check()
    watchers = Watchers(on_detections=post, on_tile=lambda tile: post(TileStored()))
    return supervisor.run_in_worker(request, progress, cancel, watchers)


def _with_home(request: ScanRequest) -> ScanRequest:
    """Makes the project where there is none; in the user's own folder where it was to lie in one that can't be written.

    A section that can't be opened gets none.
    """
    from app.opening import user_project
    from core.project import Project
    from core.readers.base import open_section

    if Project.is_project(request.project):
        return request
    open_section(request.section).close()
    try:
        Project.open_or_create(request.project).close()
        return request
    except ResourceError:
        elsewhere = user_project(request.section)
        if request.project == elsewhere:
            raise
    Project.open_or_create(elsewhere).close()
    return replace(request, project=elsewhere)
