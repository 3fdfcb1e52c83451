"""Explanations from a worker process: the same as computed here, and a window that never loads torch for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import CancelledError, ResourceError, UsageError
from core.explain_request import ExplainRequest, explain_request
from core.jobs import CancelToken
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.worker.explaining import ExplainingWorker
from tests.toy import ToyModel, spotted_image, write_image
from tests.worker_support import CONTROL, Control, write_plugin

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def control(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(write_plugin(tmp_path / "plugin")))
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv(CONTROL, str(tmp_path))
    return Control(tmp_path)


@pytest.fixture
def request_(control, tmp_path):
    section = write_image(tmp_path / "section.png", spotted_image())
    with Project.create(tmp_path / "p") as project, open_section(section) as opened:
        summary = run_scan(project, opened, ToyModel())
        scan, detections = project.scan(summary.scan_id), project.detections()
    return ExplainRequest.of(section, tmp_path / "p", scan, detections[0])


@pytest.fixture
def explaining():
    explaining = ExplainingWorker()
    yield explaining
    explaining.close()


def test_it_is_the_same_as_computed_here(request_, explaining, control):
    here, steps = explain_request(request_), []
    for _ in range(2):
        there = explaining.explain(request_, steps.append)
        assert there.box == here.box
        np.testing.assert_array_equal(there.pixels, here.pixels)
        np.testing.assert_array_equal(there.heat, here.heat)
        assert [one.title for one in there.evidence] == ["Negative", "Ähnlich"]
        for one, other in zip(there.evidence, here.evidence, strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
    assert [step.message for step in steps] == 2 * ["Loading the model …", "Asking the model …"]
    assert control.loads == 2, "one here, one there"


def test_a_request_survives_as_it_was(request_):
    assert ExplainRequest.from_json(request_.to_json()) == request_


def test_a_crash_is_told_and_the_next_question_is_answered(request_, explaining, control):
    control.do("crash")
    with pytest.raises(ResourceError, match=r"the explanation's process ended unexpectedly \(signal 11\)"):
        explaining.explain(request_)
    control.do("")
    assert explaining.explain(request_).heat is not None
    os.kill(explaining.worker.pid, signal.SIGKILL)  # while it has nothing to do
    assert explaining.explain(request_).heat is not None


def test_what_can_never_be_answered_starts_no_process(request_, explaining):
    with pytest.raises(UsageError, match="has changed"):
        explaining.explain(ExplainRequest.from_json(request_.to_json() | {"model_version": "0"}))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        explaining.explain(request_, cancel=cancel)
    assert explaining.worker.pid is None


WINDOW = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication
app = QApplication([])
from app.panels.why_panel import WhyPanel
from app.session import Session
from core.models.catalog import find_model
from core.scan.options import ScanOptions
from core.scan.request import ScanRequest
from core.worker.supervisor import run_in_worker
section, project = Path({section!r}), Path({project!r})
summary = run_in_worker(ScanRequest.of(section, project, find_model("battery-windows"), ScanOptions(threshold=0.1)))
session = Session()
panel = WhyPanel(session)
session.path_opened.connect(lambda path: session.select(session.detections[0].id, "gallery"))
session.open_path(project)
while panel.picture.image is None:
    app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
print(summary.detections > 0, panel.blend.isEnabled(), sorted(n for n in sys.modules if n in ("torch", "torchvision")))
panel.shut()
session.close()
"""


@pytest.mark.timeout(300)  # torch is loaded twice, once in a process that gives way to all others
def test_a_window_that_scans_and_explains_never_loads_torch(tmp_path):
    section = write_image(tmp_path / "s.png", spotted_image(600, 20))
    text = WINDOW.format(root=str(ROOT), section=str(section), project=str(tmp_path / "s.schliff"))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=280)
    assert done.stdout.split() == ["True", "True", "[]"], done.stderr
