"""What is skipped belongs to the scan: looked for once, the same on every run, and counted honestly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import CancelledError
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.plan import plan_scan
from core.scan.runner import run_scan
from core.specimen_mask import Mask
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often was looked for the specimen; every look finds less of it than the one before."""
    seen: list[int] = []

    def look(*args, **kwargs) -> Mask:
        seen.append(1)
        specimen = np.zeros((25, 25), bool)
        specimen[:, : 18 - 4 * len(seen)] = True
        return Mask(specimen, 16)

    monkeypatch.setattr("core.scan.preparing.foreground_mask", look)
    return seen


def scan(folder: Path, section_path: Path, cancel: CancelToken | None = None, **options):
    with Project.open_or_create(folder) as project, open_section(section_path) as section:
        progress = (lambda step: cancel.cancel() if step.done > 25 else None) if cancel else (lambda step: None)
        return run_scan(project, section, ToyModel(), ScanOptions(**options), progress, cancel)


def test_a_scan_that_goes_on_keeps_to_the_specimen_it_began_with(tmp_path, section_path, looks):
    with pytest.raises(CancelledError):
        scan(tmp_path / "p", section_path, CancelToken())
    resumed = scan(tmp_path / "p", section_path)
    again = scan(tmp_path / "p", section_path)
    assert len(looks) == 1
    assert resumed.tiles_skipped == again.tiles_skipped == 3 * 7
    assert scan(tmp_path / "p", section_path, restart=True).tiles_skipped > 3 * 7
    assert len(looks) == 2


def test_a_lost_mask_is_looked_for_again(tmp_path, section_path, looks):
    first = scan(tmp_path / "p", section_path)
    with Project.open(tmp_path / "p") as project:
        project.maps(first.scan_id).specimen_path.write_bytes(b"damaged")
    assert scan(tmp_path / "p", section_path).scan_id == first.scan_id
    assert len(looks) == 2


def test_another_caution_is_another_scan_and_none_skips_nothing(tmp_path, section_path, looks):
    first = scan(tmp_path / "p", section_path)
    careful = scan(tmp_path / "p", section_path, foreground=Foreground(caution=0.8))
    everything = scan(tmp_path / "p", section_path, foreground=Foreground(skip=False))
    assert len({first.scan_id, careful.scan_id, everything.scan_id}) == 3
    assert (everything.tiles_skipped, everything.skipped_megapixels) == (0, 0.0)
    assert len(looks) == 2


def test_the_looking_can_be_cancelled(tmp_path, section_path):
    cancel = CancelToken()

    def stop(step: Step) -> None:
        cancel.cancel()

    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        with pytest.raises(CancelledError):
            run_scan(project, section, ToyModel(), progress=stop, cancel=cancel)
        assert project.scans() == []


@pytest.mark.parametrize("regions", [(), (Box(100, 50, 250, 300),), (Box(0, 0, 90, 90), Box(80, 10, 60, 20))])
def test_the_skipped_area_ends_where_the_section_and_the_regions_do(section_path, regions):
    with open_section(section_path) as section:
        nothing = Mask(np.zeros((25, 25), bool), 16)
        plan = plan_scan(section.info, toy_spec(), nothing, regions, None)
    areas = {0: 400 * 400, 1: 250 * 300, 2: 90 * 90 + 60 * 20 - 10 * 20}
    assert len(plan.skipped) == len(plan.tiles)
    assert plan.skipped_area_px == pytest.approx(areas[len(regions)])
