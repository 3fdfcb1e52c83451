"""Every way to train learns from a project: what was judged there, and nothing that wasn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import UsageError
from core.models.catalog import load_model, read_model_folder
from core.project import Project
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.toy import ToyModel, spotted_image, write_image

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

SMALL: dict[str, dict[str, Any]] = {
    "cells": {"steps": 2, "batch": 2, "crop_px": 96, "width": 8, "blocks": 1, "every": 1},
    "windows": {"backbone": "small", "epochs": 1, "input_px": 32, "um_per_px": 1.0},
    "detector": {"steps": 1, "batch": 1, "crop_px": 96, "width": 8, "blocks": 1},
    "classical": {"method": "lbp_boosting", "window_px": 24, "stride_px": 8, "um_per_px": 1.0, "trees": 3},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two sections with 12 spots each, of which 8 were judged."""
    with Project.create(tmp_path / "p.schliff") as made:
        for seed in (0, 1):
            with open_section(write_image(tmp_path / f"s{seed}.png", spotted_image(seed=seed))) as section:
                found = made.detections(run_scan(made, section, ToyModel()).scan_id)
            ids = [one.id for one in found]
            review = Review(made, "somebody")
            review.decide(ids[:4], "defect")
            review.decide(ids[4:6], "artefact")
            review.decide(ids[6:8], "false_alarm")
    return tmp_path / "p.schliff"


@pytest.mark.parametrize("trainer", SMALL)
def test_it_trains_from_a_project_and_the_model_scans(trainer: str, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    run_training(TrainRequest(trainer, project, out, SMALL[trainer], 1, "cpu"))
    spec = read_model_folder(out)
    training = spec.card["training"]
    assert spec.labels == ("anomaly", "preparation_artefact")
    assert spec.artefact_labels == ("preparation_artefact",)
    assert (training["data_format"], training["sections"]) == ("project", ["s0.png", "s1.png"])
    assert training["marked"] == {"anomaly": 8, "preparation_artefact": 4}
    with Project.create(tmp_path / "again.schliff") as again, open_section(tmp_path / "s0.png") as section:
        assert run_scan(again, section, load_model(spec, "cpu")).tiles_done > 0


def test_boxes_are_not_enough_for_outlines(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="instances learns from outlines, not from boxes"):
        run_training(TrainRequest("instances", project, tmp_path / "model"))
    assert not (tmp_path / "model").exists()
