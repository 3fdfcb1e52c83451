"""The first command of the README, at a small size: a sample is made, scanned, opened and drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parents[1]


def ran(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *map(str, words)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run


def schliff(*words: object) -> str:
    return ran(*words).stdout


def test_demo_scans_a_sample_and_draws_the_window(tmp_path: Path):
    project, picture = tmp_path / "demo.schliff", tmp_path / "window.png"
    told = ran("demo", "--size", 1536, "--project", project, "--screenshot", picture).stderr.splitlines()
    models = ["texture", "battery-detector", "battery-windows"]
    assert told[:4] == ["making the sample", *(f"scanning with {model}" for model in models)]
    listed = json.loads(schliff("defects", project, "--json"))
    assert {row["model"] for row in listed} == set(models)
    window = cv2.imread(str(picture))
    assert window is not None
    assert window.shape == (1000, 1600, 3)
    boxes_and_text = len({tuple(pixel) for pixel in window[::7, ::7].reshape(-1, 3).tolist()})
    assert boxes_and_text > 500, "a window full of section, boxes and crops has many colours"
    assert (project.parent / "battery-1536.truth.csv").is_file()
