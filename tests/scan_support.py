"""Scans of the window's queue for tests: in this process, by models that a test brings along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import UsageError
from core.models.base import Model, ModelSpec
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
