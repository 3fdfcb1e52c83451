"""Nothing is computed twice: scans that differ only in how maps are read share what the model said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.errors import CancelledError
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.models.base import ModelSpec, TileReader
from core.parameters import Parameter
from core.project import Project, taking_over
from core.project.scan_store import ScanStore
from core.readers.base import open_section
from core.review import Review
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from tests.seam_support import bright_boxes
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")
REGION = Box(60, 60, 250, 250)
WHOLE = 49


def spec(**values: Any) -> ModelSpec:
    parameters = (
        Parameter("smooth", int, 3, "Cells that are averaged.", rereads=True),
        Parameter("inverted", bool, False, "Whether dark is unusual."),
    )
    given = {"smooth": 3, "inverted": False} | values
    return toy_spec(parameters=parameters, values=given, learns=bool(given.pop("learns", False)))


class Tuned(ToyModel):
    """Averages over as many cells as it is told."""

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        return super().map_tile(255 - pixels if self.spec.values["inverted"] else pixels)

    def scores(self, maps: np.ndarray) -> np.ndarray:
        side = (self.spec.values["smooth"],) * 2
        return cv2.blur(maps[0], side, borderType=cv2.BORDER_REPLICATE)[None]


class Learning(Tuned):
    """Takes the brightness of the first offered tiles for normal."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(spec)
        self.learned = 0
        self.offset = np.float32(0)

    def learn(self, tiles: int, read: TileReader, progress: Any = None, cancel: Any = None) -> dict[str, np.ndarray]:
        self.learned += 1
        return {"offset": np.array([read(index).mean() / 2550 for index in range(min(tiles, 3))])}

    def restore(self, state: Any) -> None:
        self.offset = np.float32(state["offset"].mean())

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        return super().map_tile(pixels) - self.offset


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


def scan(
    project_path: Path, section_path: Path, model: ToyModel, progress: Any = None, cancel: Any = None, **options: Any
):
    with Project.open_or_create(project_path) as project, open_section(section_path) as section:
        summary = run_scan(project, section, model, ScanOptions(**options), progress or (lambda step: None), cancel)
        found = sorted((d.label, d.score, d.box, d.area_px) for d in project.detections(summary.scan_id))
        return summary, found


def alone(tmp_path: Path, section_path: Path, model: ToyModel, **options: Any) -> list[tuple]:
    """What a scan from scratch finds."""
    return scan(tmp_path / f"alone-{len(list(tmp_path.iterdir()))}", section_path, model, **options)[1]


def test_another_way_of_reading_the_map_asks_the_model_nothing(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    model = Tuned(spec(smooth=1))
    summary, found = scan(tmp_path / "p", section_path, model)
    assert model.mapped == 0
    assert summary.tiles_done == summary.tiles_total == WHOLE
    assert found == alone(tmp_path, section_path, Tuned(spec(smooth=1)))
    assert found != alone(tmp_path, section_path, Tuned(spec()))


def test_a_part_of_what_was_scanned_asks_the_model_nothing(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    model = Tuned(spec())
    _, found = scan(tmp_path / "p", section_path, model, regions=(REGION,))
    assert model.mapped == 0
    assert found == alone(tmp_path, section_path, Tuned(spec()), regions=(REGION,)) != []


def test_more_than_what_was_scanned_asks_for_the_rest(tmp_path: Path, section_path: Path):
    part, _ = scan(tmp_path / "p", section_path, Tuned(spec()), regions=(REGION,))
    model = Tuned(spec())
    _, found = scan(tmp_path / "p", section_path, model)
    assert model.mapped == WHOLE - part.tiles_total
    assert found == alone(tmp_path, section_path, Tuned(spec()))


def test_another_foreground_asks_only_for_what_was_left_out(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    model = Tuned(spec())
    _, found = scan(tmp_path / "p", section_path, model, foreground=Foreground(skip=False))
    assert model.mapped == 0
    assert found == alone(tmp_path, section_path, Tuned(spec()), foreground=Foreground(skip=False))


class Detector(ToyModel):
    """The box around whatever is bright."""

    def __init__(self) -> None:
        super().__init__(toy_spec(output="boxes", halo_px=32))

    def find_boxes(self, pixels: np.ndarray) -> np.ndarray:
        self.mapped += 1
        return bright_boxes((pixels.mean(axis=2) > 150).astype(np.uint8))


def test_boxes_are_taken_over_as_maps_are(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Detector(), regions=(REGION,))
    part, whole, again = Detector(), Detector(), Detector()
    _, found = scan(tmp_path / "p", section_path, whole)
    assert 0 < whole.mapped < WHOLE
    assert found == alone(tmp_path, section_path, Detector()) != []
    other = Box(0, 0, 250, 130)
    _, found = scan(tmp_path / "p", section_path, part, regions=(other,))
    assert found == alone(tmp_path, section_path, again, regions=(other,)) != []
    assert part.mapped == 0 < again.mapped


def test_what_changes_the_model_is_computed_anew(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    for other in (spec(inverted=True), toy_spec(version="2", values=spec().values)):
        model = Tuned(other)
        scan(tmp_path / "p", section_path, model)
        assert model.mapped == WHOLE


def test_starting_over_computes_everything_anew(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    scan(tmp_path / "p", section_path, Tuned(spec(smooth=1)))
    token, model = CancelToken(), Tuned(spec())

    def stop(step: Step) -> None:
        if step.total and step.done > 10:
            token.cancel()

    with pytest.raises(CancelledError):
        scan(tmp_path / "p", section_path, model, stop, token, restart=True)
    assert 0 < model.mapped < WHOLE
    summary, found = scan(tmp_path / "p", section_path, model)
    assert summary.resumed
    assert model.mapped == WHOLE, "when it goes on, too"
    assert found == alone(tmp_path, section_path, Tuned(spec()))


def test_what_an_unfinished_scan_computed_is_taken_too(tmp_path: Path, section_path: Path):
    token, first = CancelToken(), Tuned(spec())

    def stop(step: Step) -> None:
        if step.total and step.done > 20:
            token.cancel()

    with pytest.raises(CancelledError):
        scan(tmp_path / "p", section_path, first, stop, token)
    second = Tuned(spec(smooth=1))
    _, found = scan(tmp_path / "p", section_path, second)
    assert first.mapped + second.mapped == WHOLE
    assert found == alone(tmp_path, section_path, Tuned(spec(smooth=1)))


def test_a_damaged_or_missing_map_is_computed_anew(tmp_path: Path, section_path: Path):
    first, _ = scan(tmp_path / "p", section_path, Tuned(spec()))
    chunks = sorted((tmp_path / "p" / "maps" / f"{first.scan_id}.zarr" / "model").glob("c/0/*/*"))
    chunks[7].unlink()
    model = Tuned(spec(smooth=1))
    _, found = scan(tmp_path / "p", section_path, model)
    assert model.mapped == 1
    assert found == alone(tmp_path, section_path, Tuned(spec(smooth=1)))


def test_what_was_learned_goes_along(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Learning(spec(learns=True)))
    model = Learning(spec(learns=True, smooth=1))
    _, found = scan(tmp_path / "p", section_path, model)
    assert (model.learned, model.mapped) == (0, 0)
    assert model.offset > 0
    assert found == alone(tmp_path, section_path, Learning(spec(learns=True, smooth=1)))


def test_what_was_learned_elsewhere_is_not_shared(tmp_path: Path, section_path: Path):
    scan(tmp_path / "p", section_path, Learning(spec(learns=True)), regions=(REGION,))
    model = Learning(spec(learns=True))
    _, found = scan(tmp_path / "p", section_path, model)
    assert (model.learned, model.mapped) == (1, WHOLE)
    assert found == alone(tmp_path, section_path, Learning(spec(learns=True)))


def test_killed_while_it_took_over_it_goes_on(tmp_path: Path, section_path: Path, monkeypatch: pytest.MonkeyPatch):
    scan(tmp_path / "p", section_path, Tuned(spec()))
    monkeypatch.setattr(taking_over, "_AT_ONCE", 10)
    note, noted = taking_over._note, [0]

    def killed(store: ScanStore, *args: Any) -> None:
        noted[0] += 1
        if noted[0] == 3:
            raise KeyboardInterrupt
        note(store, *args)

    with monkeypatch.context() as kill:
        kill.setattr(taking_over, "_note", killed)
        with pytest.raises(KeyboardInterrupt):
            scan(tmp_path / "p", section_path, Tuned(spec(smooth=1)))
    with Project.open(tmp_path / "p") as project:
        assert project.scans()[-1].tiles_done == 20
    model = Tuned(spec(smooth=1))
    _, found = scan(tmp_path / "p", section_path, model)
    assert model.mapped == 0
    assert found == alone(tmp_path, section_path, Tuned(spec(smooth=1)))


def test_what_was_judged_stays_judged_when_a_part_is_scanned_again(tmp_path: Path, section_path: Path):
    """And the other way round: a part first, then all."""
    for first, second in (((), (REGION,)), ((REGION,), ())):
        place = tmp_path / f"p{len(first)}"
        with Project.create(place) as project, open_section(section_path) as section:
            one = run_scan(project, section, Tuned(spec()), ScanOptions(regions=first)).scan_id
            chosen = next(d for d in project.detections(one) if REGION.contains(*d.box.center))
            Review(project, "Ada").decide([chosen.id], "defect", "a pore")
            other = run_scan(project, section, Tuned(spec()), ScanOptions(regions=second)).scan_id
            judged = [(d.box, d.status, d.note) for d in project.detections(other) if d.status != "unreviewed"]
        assert judged == [(chosen.box, "defect", "a pore")]
