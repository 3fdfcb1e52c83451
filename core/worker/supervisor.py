"""Decides how this process hands a scan to another one, and what it makes of that one's end."""

from __future__ import annotations

from core.jobs import CancelToken, Progress, no_progress
from core.scan.executing import run_request
from core.scan.options import ScanSummary, Watchers
from core.scan.request import ScanRequest


def run_in_worker(
    request: ScanRequest,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    watchers: Watchers | None = None,
) -> ScanSummary:
    """As `core.scan.executing.run_request`, from any thread."""
    return run_request(request, progress, cancel, watchers)
