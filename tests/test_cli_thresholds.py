"""`schliff thresholds`, and `schliff train` and `scan` where they speak of what is normal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from core.anomaly.calibration import calibrate
from core.project import Project
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image, write_image
from tests.training_support import card_of


@pytest.fixture
def project(tmp_path: Path, quick_disk: None) -> Path:
    path = write_image(tmp_path / "s.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as made, open_section(path) as section:
        run_scan(made, section, ToyModel())
        worst, *_, best = made.detections()
        Review(made, "somebody").decide([worst.id], "defect")
        Review(made, "somebody").decide([best.id], "false_alarm")
    return tmp_path / "p.schliff"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    calibration = calibrate((rng.exponential(1.0, (4, 4)) for _ in range(400)), [], 0.01).to_json()
    card = card_of("mine", kind="memory", family="anomaly", labels=["anomaly"], calibration=calibration)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.json").write_text(json.dumps(card))
    return tmp_path / "mine"


def test_a_model_says_which_thresholds_it_offers(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thresholds", str(model), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model"], told["scan_id"]) == ("mine", None)
    found = {one["id"]: one["threshold"] for one in told["presets"]}
    assert found["per_1000_1"] == pytest.approx(1.0)
    assert found["per_1000_10"] < 1 < found["per_1000_0.1"]
    assert sum(told["distribution"]["normal"]) == pytest.approx(1.0, abs=1e-3)
    assert main(["thresholds", str(model)]) == 0
    assert "of 1,000 windows without a defect" in capsys.readouterr().out


def test_a_scan_says_what_was_judged_and_takes_a_threshold(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thresholds", str(project), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (best,) = (one for one in told["presets"] if one["id"] == "best_f1")
    assert best["shown"] >= 1
    assert set(told["distribution"]["reviewed"]) == {"defect", "false_alarm"}
    assert main(["thresholds", str(project), "--choose", "best_f1"]) == 0
    with Project.open(project) as opened:
        assert opened.scans()[0].threshold == best["threshold"]
    assert main(["thresholds", str(project), "--choose", "0.75"]) == 0
    with Project.open(project) as opened:
        assert opened.scans()[0].threshold == 0.75


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--choose", "nan"], "no preset"), (["--choose", "x"], "no preset"), (["--scan", "y"], "no scan")],
)
def test_what_is_not_there_is_told(
    project: Path, more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["thresholds", str(project), *more]) == 2
    assert said in capsys.readouterr().err


def test_a_model_has_no_scans(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thresholds", str(model), "--scan", "x"]) == 2
    assert "only a project" in capsys.readouterr().err
    assert main(["thresholds", "nothing"]) == 2


def test_what_a_model_of_normal_learns_from_is_told_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    command = ["train", "memory", "--out", str(tmp_path / "model"), "--data"]
    assert main([*command, str(tmp_path / "empty")]) == 3
    assert "says what is normal" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "gone")]) == 3
    small = write_image(tmp_path / "small.png", np.zeros((20, 20, 3), np.uint8))
    assert main([*command, str(small), "--set", "window_px=100"]) == 2
    said = capsys.readouterr().err
    assert "nobody said what is normal" in said
    assert not (tmp_path / "model").exists()
