"""Decides what is noted of how a scan came about, so that it can be told and repeated, and keeps it up to date.

`Project.provenance` gives what is noted here:

    schliff       version of the program that began the scan
    versions      python, numpy, opencv, and torch and torchvision where they were loaded
    model         id, version, path, values of its parameters, card, card_hash (of the card as JSON)
    section       path, fingerprint
    parameters    all that makes the result what it is (`core.scan.plan.scan_parameters`)
    options       as they were asked for (`core.scan.options.ScanOptions`)
    foreground    tiles_skipped, skipped_megapixels, skipped_mm2 (None without a scale)
    runs          for each time the scan was started: started, seconds, status ("running" in one that was killed), device
                  (what the model computed on), device_name, threads, schliff, tiles (asked of the model in this run),
                  taken_over (of another scan's answers, in this run), megapixels, busy (share of the time, 0 to 1, in
                  which the device computed; None where it had nothing to do), process (its number, and when it began),
                  ended_by (why it was interrupted, in words, where it could still say so),
                  doubts (what speaks against trusting the model on this section, sentences; once it had a look)
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import cv2
import numpy as np
import psutil

import core
from core.devices import device_name
from core.models.base import Model, ModelSpec
from core.project.records import SectionRecord
from core.project.scan_store import ScanStore
from core.scan.options import ScanOptions
from core.scan.plan import ScanPlan
from core.timing import timestamp


def first_notes(
    spec: ModelSpec, section: SectionRecord, options: ScanOptions, plan: ScanPlan, parameters: Mapping[str, object]
) -> dict[str, Any]:
    """All that is known when a scan begins."""
    card = dict(spec.card)
    skipped, um2 = plan.skipped_area_px, section.um2_per_px2
    return {
        "schliff": core.__version__,
        "versions": versions(),
        "model": {
            "id": spec.id,
            "version": spec.version,
            "path": str(spec.path.absolute()) if spec.path else None,
            "values": dict(spec.values),
            "card": card,
            "card_hash": blake2b(json.dumps(card, sort_keys=True).encode(), digest_size=16).hexdigest(),
        },
        "section": {"path": str(section.path), "fingerprint": section.fingerprint},
        "parameters": dict(parameters),
        "options": asdict(options),
        "foreground": {
            "tiles_skipped": len(plan.skipped),
            "skipped_megapixels": round(skipped / 1e6, 3),
            "skipped_mm2": None if um2 is None else round(skipped * um2 / 1e6, 4),
        },
        "runs": [],
    }


def versions() -> dict[str, str]:
    """Of what computes here; torch only where something needed it."""
    found = {"python": platform.python_version(), "numpy": np.__version__, "opencv": cv2.__version__}
    loaded = {name: sys.modules[name].__version__ for name in ("torch", "torchvision") if name in sys.modules}
    return found | loaded


def doubts_in(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    """What spoke against trusting the model on the section, as the last run that came so far noted it."""
    return tuple(next((run["doubts"] for run in reversed(provenance.get("runs", ())) if "doubts" in run), ()))


def is_running(provenance: Mapping[str, Any]) -> bool:
    """Whether the process that scanned last still does: what was killed could not note its end."""
    run = (provenance.get("runs") or [{}])[-1]
    number, began = run.get("process", (0, 0.0))
    try:
        return run.get("status") == "running" and psutil.Process(number).create_time() == began
    except psutil.Error:
        return False


class RunNotes:
    """What is noted of one run, from its start on."""

    def __init__(self, store: ScanStore, model: Model, taken_over: int) -> None:
        torch = sys.modules.get("torch")
        self._store = store
        self._values: dict[str, Any] = {
            "started": timestamp(),
            "seconds": 0.0,
            "status": "running",
            "device": str(model.device),
            "device_name": device_name(str(model.device)),
            "threads": torch.get_num_threads() if torch is not None else cv2.getNumThreads(),
            "schliff": core.__version__,
            "taken_over": taken_over,
            "process": [os.getpid(), psutil.Process().create_time()],
        }
        self._number: int | None = None
        self.update()

    def update(self, **values: Any) -> None:
        """Notes what changed since."""
        self._values |= values
        scan_id = self._store.record.id
        with self._store.project.database.writing() as db:
            (text,) = db.execute("SELECT provenance FROM scans WHERE id = ?", (scan_id,)).fetchone()
            noted = json.loads(text)
            runs = noted.setdefault("runs", [])  # scans begun by an older version have none
            if self._number is None:
                self._number = len(runs)
                runs.append(None)
            runs[self._number] = self._values
            db.execute("UPDATE scans SET provenance = ? WHERE id = ?", (json.dumps(noted), scan_id))
