"""Objects longer than a tile in a real project: interrupted, resumed, in a region, found by a detector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import InputError
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.project import Project
from core.project.raw_boxes import MOST_BOXES, packed, unpacked
from core.project.scan_store import ScanStore
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.section import Section
from tests.seam_support import bright_boxes
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

Array = np.ndarray
EVERYTHING = Foreground(skip=False)


class ToyDetector(ToyModel):
    """The box around whatever is bright in a tile with its halo."""

    def __init__(self) -> None:
        super().__init__(toy_spec(output="boxes", halo_px=32))

    def find_boxes(self, pixels: Array) -> Array:
        self.mapped += 1
        return bright_boxes((pixels.mean(axis=2) > 150).astype(np.uint8))


@pytest.fixture(scope="module")
def cracked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Section]:
    """Spots, and two cracks through many tiles which between them leave some of the spots alone."""
    image = spotted_image(spots=6)
    cv2.line(image, (10, 20), (390, 350), (240, 240, 240), 14)
    cv2.line(image, (120, 390), (20, 150), (240, 240, 240), 14)
    with open_section(write_image(tmp_path_factory.mktemp("cracked") / "section.png", image)) as section:
        yield section


def found(project: Project) -> list[tuple]:
    with project.database.reading() as db:
        assert db.execute("SELECT count(*) FROM fragments").fetchone()[0] == 0
    return sorted((d.label, round(d.score, 4), d.box, round(d.area_px, 3)) for d in project.detections())


def scan(path: Path, section: Section, model: ToyModel, **options) -> list[tuple]:
    with Project.open_or_create(path) as project:
        run_scan(project, section, model, ScanOptions(foreground=EVERYTHING, **options))
        return found(project)


@pytest.mark.parametrize("model", [ToyModel, ToyDetector])
def test_a_long_crack_is_one_detection_whatever_the_order(model, cracked, tmp_path: Path):
    rows = scan(tmp_path / "rows", cracked, model())
    assert sum(max(box.w, box.h) > 200 for _, _, box, _ in rows) == 2
    assert scan(tmp_path / "middle", cracked, model(), start_at=(300.0, 100.0)) == rows


@pytest.mark.parametrize("model", [ToyModel, ToyDetector])
@pytest.mark.parametrize("when", ["before", "after"])
def test_interrupted_where_parts_are_open_it_ends_the_same(model, when, cracked, tmp_path, monkeypatch):
    """At every third tile, just before it is stored or just after; each time the scan goes on from what is stored."""
    whole = scan(tmp_path / "whole", cracked, model())
    emit, calls, interruptions = ScanStore.emit, [0], 0

    def interrupted(self, *args):
        calls[0] += 1
        if calls[0] % 6 == 3 and when == "before":
            raise KeyboardInterrupt
        stored = emit(self, *args)
        if calls[0] % 6 == 3:
            raise KeyboardInterrupt
        return stored

    monkeypatch.setattr(ScanStore, "emit", interrupted)
    while True:
        try:
            assert scan(tmp_path / "p", cracked, model()) == whole
            break
        except KeyboardInterrupt:
            interruptions += 1
    assert interruptions >= 8


def test_started_over_where_parts_are_open_leaves_none_behind(cracked, tmp_path: Path, monkeypatch):
    whole = scan(tmp_path / "whole", cracked, ToyModel())
    emit, calls = ScanStore.emit, [0]

    def interrupted(self, *args):
        calls[0] += 1
        if calls[0] == 9:
            raise KeyboardInterrupt
        return emit(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(ScanStore, "emit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            scan(tmp_path / "p", cracked, ToyModel())
    with Project.open(tmp_path / "p") as project, project.database.reading() as db:
        assert db.execute("SELECT count(*) FROM fragments").fetchone()[0] > 0
    assert scan(tmp_path / "p", cracked, ToyModel(), restart=True) == whole


def test_interrupted_when_all_is_mapped_and_little_emitted_it_ends_the_same(cracked, tmp_path, monkeypatch):
    whole = scan(tmp_path / "whole", cracked, ToyDetector())
    with monkeypatch.context() as patch:
        patch.setattr("core.scan.runner._Run._emit_ready", lambda *args: None)
        with Project.create(tmp_path / "p") as project:
            token = CancelToken()

            def stop(step: Step) -> None:
                if step.total and step.done == step.total:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                run_scan(project, cracked, ToyDetector(), ScanOptions(foreground=EVERYTHING), stop, token)
            assert not project.detections()
    model = ToyDetector()
    assert scan(tmp_path / "p", cracked, model) == whole
    assert model.mapped == 0


@pytest.mark.parametrize("model", [ToyModel, ToyDetector])
def test_two_programs_at_the_same_scan_join_each_object_once(model, cracked, tmp_path: Path):
    whole = scan(tmp_path / "whole", cracked, model())

    class Overtaken(model):
        def _compute(self, compute, pixels):
            if self.mapped == 25:
                self.mapped += 1
                scan(tmp_path / "p", cracked, model())
            return compute(pixels)

        def map_tile(self, pixels):
            return self._compute(super().map_tile, pixels)

        def find_boxes(self, pixels):
            return self._compute(super().find_boxes, pixels)

    assert scan(tmp_path / "p", cracked, Overtaken()) == whole


@pytest.mark.parametrize("model", [ToyModel, ToyDetector])
def test_at_the_border_of_a_region_what_is_asked_for_is_joined(model, cracked, tmp_path: Path):
    region = Box(130, 100, 200, 200)
    rows = scan(tmp_path / "p", cracked, model(), regions=(region,))
    assert all(region.contains(*box.center) for _, _, box, _ in rows)
    assert sum(max(box.w, box.h) > 150 for _, _, box, _ in rows) == 1


def test_a_damaged_record_of_boxes_is_told_in_one_line(cracked, tmp_path: Path):
    boxes = np.array([[1, 2, 5, 9, 0.5, 0], [3, 3, 4, 4, 0.9, 1]], np.float32)
    assert unpacked(*packed(boxes), 2, tmp_path).tolist() == boxes[::-1].tolist(), "the surest first"
    for damaged in (None, "text", b"12345", packed(boxes[:, [2, 1, 0, 3, 4, 5]])[0], packed(boxes * np.nan)[0]):
        with pytest.raises(InputError, match="--restart"):
            unpacked(damaged, None, 2, tmp_path)
    with pytest.raises(InputError):
        unpacked(*packed(boxes), 1, tmp_path)
    assert len(unpacked(*packed(np.repeat(boxes, MOST_BOXES, axis=0)), 2, tmp_path)) == MOST_BOXES
