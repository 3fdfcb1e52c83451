"""What is noted of how a scan came about, whichever way its runs end."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import core
from core.errors import CancelledError
from core.jobs import CancelToken, Step
from core.project import Project
from core.readers.base import open_section
from core.readers.fingerprint import fingerprint
from core.scan.options import ScanOptions
from core.scan.provenance import is_running
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")


def test_a_scan_says_how_each_of_its_runs_went(tmp_path: Path):
    path = write_image(tmp_path / "section.png", spotted_image())
    token = CancelToken()

    def stop(step: Step) -> None:
        if step.total and step.done >= 20:
            token.cancel()

    card = {"kind": "toy", "labels": ["anomaly"]}
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        model = ToyModel(toy_spec(card=card))
        with pytest.raises(CancelledError):
            run_scan(project, section, model, ScanOptions(threshold=0.4), stop, token)
        summary = run_scan(project, section, model)
        noted = project.provenance(summary.scan_id)
        record = project.scan(summary.scan_id)
    assert noted["schliff"] == core.__version__
    assert noted["versions"]["numpy"] == np.__version__
    assert noted["versions"]["opencv"] == cv2.__version__
    assert noted["model"]["id"] == "toy"
    assert noted["model"]["card"] == card
    assert len(noted["model"]["card_hash"]) == 32
    assert noted["section"] == {"path": str(path.absolute()), "fingerprint": fingerprint(path)}
    assert noted["parameters"] == json.loads(json.dumps(dict(record.parameters)))
    assert noted["options"]["threshold"] == 0.4
    assert noted["foreground"] == {"tiles_skipped": 0, "skipped_megapixels": 0, "skipped_mm2": None}
    first, second = noted["runs"]
    assert (first["status"], second["status"]) == ("interrupted", "done")
    assert first["tiles"] + second["tiles"] == 49
    assert first["megapixels"] + second["megapixels"] == pytest.approx(0.16, abs=0.002)
    assert 0 < second["busy"] <= 1
    assert second["threads"] >= 1
    assert second["device"] == "cpu"
    assert second["device_name"]
    assert first["seconds"] + second["seconds"] == pytest.approx(record.seconds, abs=0.01)


def test_a_killed_run_is_noted_as_one_that_never_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_image(tmp_path / "section.png", spotted_image())
    monkeypatch.setattr("core.scan.runner.NOTE_EVERY_S", 0.0)
    tiles = [0]

    class Killed(ToyModel):
        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            with Project.open(tmp_path / "p") as other:
                run = other.provenance("toy-1")["runs"][0]
                tiles[0] = max(tiles[0], run.get("tiles", 0))
                assert run["status"] == "running"
                assert is_running(other.provenance("toy-1"))
            return super().map_tile(pixels)

    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        run_scan(project, section, Killed())
        noted = project.provenance("toy-1")
    assert tiles[0] > 10
    assert not is_running(noted)
    noted["runs"][-1]["status"] = "running"
    assert is_running(noted)
    noted["runs"][-1]["process"][1] -= 1
    assert not is_running(noted), "another process that got its number later"
    assert not is_running({})


def test_what_came_from_another_scan_is_counted(tmp_path: Path):
    path = write_image(tmp_path / "section.png", spotted_image())
    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        run_scan(project, section, ToyModel())
        summary = run_scan(project, section, ToyModel(), ScanOptions(regions=(section.info.box.grown(-100),)))
        (run,) = project.provenance(summary.scan_id)["runs"]
    assert (run["tiles"], run["taken_over"], run["busy"]) == (0, summary.tiles_total, None)


def test_a_scan_of_an_older_version_gets_its_runs(tmp_path: Path):
    path = write_image(tmp_path / "section.png", spotted_image())
    token = CancelToken()

    def stop(step: Step) -> None:
        if step.total:
            token.cancel()

    with Project.create(tmp_path / "p") as project, open_section(path) as section:
        with pytest.raises(CancelledError):
            run_scan(project, section, ToyModel(), progress=stop, cancel=token)
        with project.database.writing() as db:
            db.execute("""UPDATE scans SET provenance = '{"schliff": "0.0.1"}'""")
        summary = run_scan(project, section, ToyModel())
        noted = project.provenance(summary.scan_id)
    assert noted["schliff"] == "0.0.1"
    assert [run["status"] for run in noted["runs"]] == ["done"]
