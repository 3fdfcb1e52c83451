"""The scan engine: same detections whatever the order, the interruptions or the seams; nothing half-written."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import numpy as np
import pytest

from core.disk import disk_errors
from core.errors import CancelledError, ResourceError, UsageError
from core.foreground import Mask
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.project import Project
from core.project.maps import ScanMaps
from core.project.scan_store import ScanStore
from core.readers.base import open_section
from core.scan.options import ScanOptions, Watchers
from core.scan.plan import regions_of
from core.scan.runner import run_scan
from tests.toy import STRIDE, ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")
SPOTS = 12


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image(spots=SPOTS))


def found(project: Project) -> list[tuple]:
    """What was found, without ids, which depend on the order of work."""
    return sorted((d.label, d.score, d.box, d.area_px, d.severity) for d in project.detections())


def scan(project_path: Path, section_path: Path, model: ToyModel | None = None, **options):
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        summary = run_scan(project, section, model or ToyModel(), ScanOptions(**options))
        return summary, found(project)


def test_every_spot_is_found_once_and_in_its_place(tmp_path: Path, section_path: Path):
    summary, detections = scan(tmp_path / "p", section_path)
    assert summary.detections == len(detections) == SPOTS
    assert summary.tiles_done == summary.tiles_total == 49
    assert not summary.resumed
    image = spotted_image(spots=SPOTS).mean(axis=2)
    for _, _, box, _, _ in detections:
        x, y, w, h = box.outer_pixels()
        assert (image[y : y + h, x : x + w] > 200).sum() >= 0.9 * 24 * 24, "the spot lies in its box"
        assert w <= 24 + 4 * STRIDE


def test_the_order_of_work_changes_nothing(tmp_path: Path, section_path: Path):
    _, by_rows = scan(tmp_path / "a", section_path)
    _, from_the_middle = scan(tmp_path / "b", section_path, start_at=(200.0, 200.0))
    assert by_rows == from_the_middle


def test_the_size_of_tiles_changes_nothing(tmp_path: Path, section_path: Path):
    _, small = scan(tmp_path / "a", section_path)
    _, large = scan(tmp_path / "b", section_path, ToyModel(toy_spec(tile_px=512)))
    assert small == large


def test_the_width_of_the_margin_changes_nothing(tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Only what is longer than it is put together from parts, and a spot is not."""
    model = lambda: ToyModel(toy_spec(tile_px=128))  # noqa: E731
    _, whole_tile = scan(tmp_path / "a", section_path, model())
    monkeypatch.setattr("core.scan.map_emitting.MARGIN_CELLS", 7)
    _, narrow = scan(tmp_path / "b", section_path, model())
    assert whole_tile == narrow


def test_a_cancelled_scan_goes_on_and_ends_the_same(tmp_path: Path, section_path: Path):
    _, whole = scan(tmp_path / "whole", section_path)
    token, model = CancelToken(), ToyModel()

    def stop_halfway(step: Step) -> None:
        if step.total and step.done >= 20:
            token.cancel()

    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        with pytest.raises(CancelledError):
            run_scan(project, section, model, progress=stop_halfway, cancel=token)
        (record,) = project.scans()
        assert record.status == "interrupted"
        assert 0 < record.tiles_done < record.tiles_total
        summary = run_scan(project, section, model)
    assert summary.resumed
    assert model.mapped == summary.tiles_total, "no tile was computed twice"
    with Project.open(tmp_path / "p") as project:
        assert found(project) == whole
        assert [record.status for record in project.scans()] == ["done"]


def test_the_same_scan_again_does_nothing_and_restart_starts_over(tmp_path: Path, section_path: Path):
    first, detections = scan(tmp_path / "p", section_path)
    model = ToyModel()
    again, _ = scan(tmp_path / "p", section_path, model)
    assert (again.scan_id, again.resumed, model.mapped) == (first.scan_id, True, 0)
    anew, after = scan(tmp_path / "p", section_path, model, restart=True)
    assert anew.scan_id != first.scan_id
    assert model.mapped == anew.tiles_total
    assert after == detections, "the replaced scan's detections are not counted beside the new ones"


def test_a_region_is_scanned_alone_and_alike(tmp_path: Path, section_path: Path):
    _, whole = scan(tmp_path / "whole", section_path)
    region = Box(60, 60, 250, 250)
    summary, part = scan(tmp_path / "p", section_path, regions=(region,))
    assert summary.tiles_total < 49
    inside = [row for row in whole if region.grown(-40).contains(*row[2].center)]
    assert inside
    assert set(inside) <= set(part)
    assert all(region.contains(*row[2].center) for row in part)
    with pytest.raises(UsageError, match="outside the section"):
        scan(tmp_path / "q", section_path, regions=(Box(5000, 5000, 10, 10),))


def test_several_regions_are_scanned_as_one(tmp_path: Path, section_path: Path):
    """They may overlap; what is found in any of them is kept, once."""
    regions = (Box(0, 0, 150, 400), Box(100, 200, 300, 150))
    _, all_of_it = scan(tmp_path / "whole", section_path)
    summary, found_there = scan(tmp_path / "p", section_path, regions=regions)
    inside = [row for row in all_of_it if any(region.contains(*row[2].center) for region in regions)]
    assert found_there == inside
    assert 0 < len(inside) < len(all_of_it)
    with Project.open(tmp_path / "p") as project:
        assert regions_of(project.scan(summary.scan_id).parameters["region"]) == regions
    again, _ = scan(tmp_path / "p", section_path, regions=regions)
    assert again.resumed


def test_the_stored_map_says_what_the_detections_say(tmp_path: Path, section_path: Path):
    summary, _ = scan(tmp_path / "p", section_path)
    with Project.open(tmp_path / "p") as project:
        scores = project.score_map(summary.scan_id)
        assert scores is not None
        assert (scores.labels, scores.rows, scores.columns) == (1, 50, 50)
        values = scores.look(0, 0, 0, 50, 50).scores
        assert not np.isnan(values).any()
        for d in project.detections():
            x, y = (int(v // scores.cell_px) for v in d.box.center)
            around = values[y - 2 : y + 3, x - 2 : x + 3]
            assert around.max() == d.score


def test_detections_arrive_while_it_runs(tmp_path: Path, section_path: Path):
    arrived: list[tuple[int, int]] = []
    done = [0]

    def watch(step: Step) -> None:
        done[0] = step.done

    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        watchers = Watchers(on_detections=lambda ds: arrived.append((done[0], len(ds))))
        run_scan(project, section, ToyModel(), progress=watch, watchers=watchers)
    assert sum(count for _, count in arrived) == SPOTS
    assert arrived[0][0] < 49


def test_a_model_that_gives_nan_stops_the_scan_with_a_clear_error(tmp_path: Path, section_path: Path):
    class Broken(ToyModel):
        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            return super().map_tile(pixels) * (np.nan if self.mapped > 5 else 1)

    with pytest.raises(ResourceError, match="not numbers"):
        scan(tmp_path / "p", section_path, Broken())
    summary, _ = scan(tmp_path / "p", section_path)
    assert summary.resumed


def test_a_full_disk_stops_the_scan_and_nothing_is_lost(
    tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, whole = scan(tmp_path / "whole", section_path)
    written = [0]
    write = ScanMaps.write

    def fill_up(self: ScanMaps, *args) -> None:
        written[0] += 1
        with disk_errors(self.folder):
            if written[0] > 30:
                raise OSError(errno.ENOSPC, "No space left on device")
        write(self, *args)

    monkeypatch.setattr(ScanMaps, "write", fill_up)
    with pytest.raises(ResourceError, match="disk is full"):
        scan(tmp_path / "p", section_path)
    monkeypatch.undo()
    summary, after = scan(tmp_path / "p", section_path)
    assert summary.resumed
    assert after == whole


def test_two_programs_at_the_same_scan_store_each_detection_once(tmp_path: Path, section_path: Path):
    _, whole = scan(tmp_path / "whole", section_path)

    class Overtaken(ToyModel):
        """In the middle of its scan another program does all of it."""

        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            if self.mapped == 20:
                scan(tmp_path / "p", section_path)
            return super().map_tile(pixels)

    _, detections = scan(tmp_path / "p", section_path, Overtaken())
    assert detections == whole
    model = ToyModel()
    _, again = scan(tmp_path / "p", section_path, model)
    assert (again, model.mapped) == (whole, 0)


def test_of_two_programs_that_begin_the_same_scan_one_joins_in(
    tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The other one was first, while this one still looked for the specimen."""
    _, whole = scan(tmp_path / "whole", section_path)
    looked: list[bool] = []

    def look(*args, **kwargs) -> Mask:
        if not looked:
            looked.append(True)
            scan(tmp_path / "p", section_path)
        return Mask(np.ones((25, 25), bool), 16)

    monkeypatch.setattr("core.scan.preparing.foreground_mask", look)
    model = ToyModel()
    summary, after = scan(tmp_path / "p", section_path, model)
    assert (after, model.mapped, summary.detections) == (whole, 0, SPOTS)
    with Project.open(tmp_path / "p") as project:
        assert [one.status for one in project.scans()] == ["done"]


def test_a_scan_whose_files_could_not_be_made_is_none(
    tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*args) -> None:
        raise ResourceError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ScanMaps, "create", full)
        with pytest.raises(ResourceError):
            scan(tmp_path / "p", section_path)
    with Project.open(tmp_path / "p") as project:
        assert project.scans() == []
    assert scan(tmp_path / "p", section_path)[1] == scan(tmp_path / "whole", section_path)[1] != []


def test_what_one_program_has_finished_stays_finished_when_another_is_stopped(tmp_path: Path, section_path: Path):
    token = CancelToken()

    class Overtaken(ToyModel):
        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            if self.mapped == 20:
                scan(tmp_path / "p", section_path)
                token.cancel()
            return super().map_tile(pixels)

    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        with pytest.raises(CancelledError):
            run_scan(project, section, Overtaken(), cancel=token)
        (record,) = project.scans()
    assert record.status == "done"
    assert record.finished is not None


def test_killed_before_its_skipped_tiles_were_noted_it_loses_nothing(
    tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch
):
    specimen = np.zeros((25, 25), bool)
    specimen[:, :14] = True
    monkeypatch.setattr("core.scan.preparing.foreground_mask", lambda *args, **kwargs: Mask(specimen, 16))
    whole, detections = scan(tmp_path / "whole", section_path)
    with monkeypatch.context() as killed:
        killed.setattr(ScanStore, "skip", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            scan(tmp_path / "p", section_path)
    summary, after = scan(tmp_path / "p", section_path)
    assert after == detections != []
    assert summary.tiles_skipped == whole.tiles_skipped


def test_what_lies_beside_the_specimen_is_no_detection(
    tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, whole = scan(tmp_path / "whole", section_path)
    specimen = np.zeros((25, 25), bool)
    specimen[:, :14] = True  # up to x = 224, in the middle of a tile
    monkeypatch.setattr("core.scan.preparing.foreground_mask", lambda *args, **kwargs: Mask(specimen, 16))
    summary, part = scan(tmp_path / "p", section_path)
    assert summary.tiles_skipped == 3 * 7
    assert [row for row in part if row[2].x1 < 200] == [row for row in whole if row[2].x1 < 200] != []
    assert all(row[2].x1 <= 224 for row in part)


def test_a_paused_scan_waits_and_then_goes_on(tmp_path: Path, section_path: Path):
    token, steps = CancelToken(), []

    def go_on() -> None:
        steps.append(-1)
        token.go_on()

    def watch(step: Step) -> None:
        steps.append(step.done)
        if step.done == 20 and not token.paused:
            token.pause()
            threading.Timer(0.2, go_on).start()

    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        summary = run_scan(project, section, ToyModel(), progress=watch, cancel=token)
    assert summary.detections == SPOTS
    held = steps.index(-1)
    assert 0 < held < len(steps) - 1
    assert max(steps[:held]) < 49


def test_a_cancelled_pause_ends():
    token = CancelToken()
    token.pause()
    token.cancel()
    with pytest.raises(CancelledError):
        token.check()
    token.pause()
    assert not token.paused
