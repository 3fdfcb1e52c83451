"""The bundled model of magnets: what its card promises, and that it finds what is planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models.catalog import find_model, load_model
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.synthetic import make_sample, write_sample
from core.truth import ARTEFACT_CLASSES

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

MODEL = "magnet-edges"


def test_its_folder_is_small_and_says_how_it_was_made() -> None:
    spec = find_model(MODEL)
    assert (spec.source, spec.family, spec.um_per_px) == ("bundled", "anomaly", 0.25)
    assert spec.path is not None
    assert sum(file.stat().st_size for file in spec.path.iterdir()) < 16e6
    assert "synthetic" in spec.description
    assert len(spec.card["training"]["commands"]) == 2
    assert {"looks", "calibration", "metrics"} <= set(spec.card)


def test_it_finds_what_is_planted_in_a_magnet(tmp_path: Path) -> None:
    sample = make_sample("magnet", 1200, 3, 31)
    write_sample(sample, tmp_path / "s.czi")
    with Project.create(tmp_path / "p.schliff") as project, open_section(tmp_path / "s.czi") as section:
        model = load_model(find_model(MODEL), "cpu")
        run_scan(project, section, model)
        found = [one for one in project.detections() if one.score >= model.spec.threshold]
    planted = [one for one in sample.truth if one.label not in ARTEFACT_CLASSES]
    assert len(planted) == 3
    missed = [one for one in planted if not any(one.box.intersection(other.box) for other in found)]
    assert not missed
    nowhere = [one for one in found if not any(one.box.intersection(other.box) for other in sample.truth)]
    assert not nowhere
