"""Scans of the window's queue for tests: in this process, by models that a test brings along."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.jobs import CancelToken, Progress
from core.models.base import Model, ModelSpec
from core.scan.options import ScanOptions, ScanStep, ScanSummary, Watchers
from core.scan.queue import Entry
from core.scan.request import ScanRequest
from tests.toy import ToyModel, toy_spec


def scan_here(monkeypatch: Any, make: Callable[[ModelSpec], Model] = ToyModel, *specs: ModelSpec) -> None:
    """What the queue runs finds these models (else the toy model), loads them by `make`, and needs no other process."""
    known = {spec.id: spec for spec in specs or (toy_spec(),)}

    def find(model_id: str, version: str, folder: object) -> ModelSpec:
        if model_id not in known:
            raise UsageError(f"the model {model_id!r} is not here any more", remedy="Scan with another one.")
        return known[model_id]

    from core.scan.executing import run_request

    monkeypatch.setattr("core.worker.supervisor.run_in_worker", run_request)
    monkeypatch.setattr("core.scan.request.model_of_scan", find)
    monkeypatch.setattr("core.scan.executing.load_model", lambda spec, device="auto": make(spec))


class FakeWorker:
    """Stands for the worker process: ten tiles, and a gate before the sixth for sections named in `blocked`.

    `began` lists the (section, model) that were started; `fails` gives the error of a section that can't be scanned.
    """

    def __init__(self, monkeypatch: Any) -> None:
        self.began: list[tuple[str, str]] = []
        self.requests: list[ScanRequest] = []
        self.blocked: set[str] = set()
        self.fails: dict[str, Exception] = {}
        monkeypatch.setattr("core.worker.supervisor.run_in_worker", self)

    def __call__(
        self, request: ScanRequest, progress: Progress, cancel: CancelToken, watchers: Watchers
    ) -> ScanSummary:
        name = request.section.name
        self.began.append((name, request.model_id))
        self.requests.append(request)
        for done in range(10):
            cancel.check()
            progress(ScanStep(done, 10, "Scanning", done * 1.0, done * 0.5, 2.0, 0.9, "cpu", done))
            if done == 5:
                while name in self.blocked:
                    cancel.check()
                    time.sleep(0.002)
        if name in self.fails:
            raise self.fails[name]
        progress(ScanStep(10, 10, "Scanning", 10.0, 5.0, 2.0, 0.9))
        return summary_of(request)


def request_of(section: Path, model: str = "toy", **options: Any) -> ScanRequest:
    return ScanRequest(section, section.with_suffix(".schliff"), model, "1", options=ScanOptions(**options))


def entry_of(section: Path | str, model: str = "toy", **values: Any) -> Entry:
    return Entry(request_of(Path(section), model), model.capitalize(), **values)


def summary_of(request: ScanRequest, detections: int = 7) -> ScanSummary:
    return ScanSummary(
        f"scan-{request.section.stem}-{request.model_id}",
        str(request.section),
        request.model_id,
        "cpu",
        0.5,
        10,
        10,
        2,
        detections,
        40.0,
        80.0,
        False,
        20.0,
        3.21,
        0.9,
    )
