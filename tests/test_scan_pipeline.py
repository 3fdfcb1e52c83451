"""The stages of a scan: they overlap, keep the order, and end together, whichever of them fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.compute_memory import is_out_of_memory
from core.display import DisplayRange
from core.errors import CancelledError, InputError, ResourceError
from core.foreground import whole_section
from core.jobs import CancelToken, Step
from core.project import Project
from core.readers.base import open_section
from core.scan.mapping import TilePipeline
from core.scan.options import ScanOptions, ScanStep, Watchers
from core.scan.plan import plan_scan
from core.scan.progress import BusyClock, ScanPace
from core.scan.reading import TileSource, _mirrored_window
from core.scan.reading_ahead import ReadAhead, size_in_bytes
from core.scan.runner import run_scan
from core.section import Plane
from tests.memory_section import MemorySection
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("schliff-scan")] == []


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


def pipeline(model: ToyModel, cancel: CancelToken | None = None) -> tuple[TilePipeline, list, MemorySection]:
    section = MemorySection(spotted_image())
    plan = plan_scan(section.info, model.spec, whole_section(section.info), (), (200, 200))
    source = TileSource(section, Plane(), DisplayRange(0, 255), plan.grid.scale)
    return TilePipeline(model, plan, source, cancel or CancelToken()), plan.to_map, section


def drained(model: ToyModel, cancel: CancelToken | None = None) -> tuple[list[int], BaseException | None]:
    """Indices of the tiles that came, and what came in the end."""
    pipe, tiles, _ = pipeline(model, cancel)
    came: list[int] = []
    try:
        for tile, _ in pipe.results(tiles):
            came.append(tile.index)
    except BaseException as error:
        return came, error
    return came, None


class Batched(ToyModel):
    """Computes when it is collected, as a GPU does."""

    def __init__(self, batch: int = 4) -> None:
        super().__init__()
        self.batch_tiles = batch
        self.batches: list[int] = []

    def prepare(self, pixels: np.ndarray) -> Any:
        return {"pixels": pixels}

    def submit(self, prepared: Sequence[Any]) -> Any:
        self.batches.append(len(prepared))
        return list(prepared)

    def collect(self, pending: Any) -> list[np.ndarray]:
        return [self.map_tile(one["pixels"]) for one in pending]


def found(project: Project) -> list[tuple]:
    return sorted((d.label, d.score, d.box, d.area_px) for d in project.detections())


def scan(path: Path, section_path: Path, model: ToyModel, **how: Any) -> list[tuple]:
    with Project.open_or_create(path) as project, open_section(section_path) as section:
        run_scan(project, section, model, **how)
        return found(project)


def test_tiles_come_in_the_order_of_the_plan_however_long_each_takes_to_read():
    class Uneven(ToyModel):
        def prepare(self, pixels: np.ndarray) -> Any:
            time.sleep(0.002 * (int(pixels[0, 0, 0]) % 3))
            return pixels

    pipe, tiles, _ = pipeline(Uneven())
    assert [tile.index for tile, _ in pipe.results(tiles)] == [tile.index for tile in tiles]


def test_batches_are_cut_the_same_however_fast_reading_is():
    model = Batched(4)
    came, error = drained(model)
    assert error is None
    assert len(came) == 49
    assert model.batches == [4] * 12 + [1]


def test_batches_change_nothing(tmp_path: Path, section_path: Path):
    assert scan(tmp_path / "a", section_path, ToyModel()) == scan(tmp_path / "b", section_path, Batched(7))


def test_reading_goes_on_while_the_model_computes():
    class Slow(ToyModel):
        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            time.sleep(0.01)
            read_meanwhile.append(len(section.reads))
            return super().map_tile(pixels)

    read_meanwhile: list[int] = []
    pipe, tiles, section = pipeline(Slow())
    for _ in pipe.results(tiles):
        pass
    assert len(section.reads) == 49, "each tile is read once"
    assert sum(reads > done + 1 for done, reads in enumerate(read_meanwhile)) > 20


@pytest.mark.parametrize("stage", ["prepare", "submit", "collect"])
def test_what_was_computed_before_a_failure_comes_first(stage: str):
    calls = [0]

    def failing(method: Any) -> Any:
        def wrapped(self: Batched, given: Any) -> Any:
            calls[0] += 1
            if calls[0] == (25 if stage == "prepare" else 7):
                raise ValueError("broken")
            return method(self, given)

        return wrapped

    broken = type("Broken", (Batched,), {stage: failing(getattr(Batched, stage))})
    came, error = drained(broken(4))
    assert isinstance(error, ValueError)
    assert len(came) == 24
    assert came == drained(Batched(4))[0][:24]


def test_a_section_that_cannot_be_read_any_more_ends_the_scan(tmp_path: Path):
    pipe, tiles, section = pipeline(ToyModel())
    results = pipe.results(tiles)
    next(results)
    section.failure = InputError("the drive is gone")
    with pytest.raises(InputError, match="drive"):
        list(results)


def test_whoever_stops_asking_ends_the_stages_at_once():
    pipe, tiles, section = pipeline(ToyModel())
    results = pipe.results(tiles)
    next(results)
    results.close()
    assert len(section.reads) < 49


def test_cancelling_keeps_what_is_computed_and_computes_no_more():
    token, model = CancelToken(), Batched(4)

    class Cancelling(Batched):
        def submit(self, prepared: Sequence[Any]) -> Any:
            if len(self.batches) == 5:
                token.cancel()
            return super().submit(prepared)

    model = Cancelling(4)
    came, error = drained(model, token)
    assert isinstance(error, CancelledError)
    assert len(came) == sum(model.batches) == model.mapped == 24


def test_cancelling_while_reading_hangs_ends_once_the_read_returns():
    token = CancelToken()
    pipe, tiles, section = pipeline(ToyModel(), token)
    results = pipe.results(tiles)
    next(results)
    section.gate.clear()
    threading.Timer(0.1, token.cancel).start()
    threading.Timer(0.4, section.gate.set).start()
    with pytest.raises(CancelledError):
        list(results)


def test_a_disk_that_fails_during_a_pause_ends_the_scan():
    token = CancelToken()
    pipe, tiles, _ = pipeline(ToyModel(), token)
    results = pipe.results(tiles)
    next(results)
    token.pause()
    results.close()


def test_a_large_tile_waits_until_there_is_room():
    read: list[int] = []

    def reading(tile: Any) -> np.ndarray:
        read.append(tile)
        return np.zeros(1000, np.uint8)

    ahead = ReadAhead(reading, list(range(50)), 3, 2, budget=2500)
    try:
        for position in range(0, 50, 2):
            taken = ahead.take(2, lambda: None)
            assert [tile for tile, _ in taken] == [position, position + 1]
            time.sleep(0.001)
            assert len(read) <= position + 2 + 2
        assert ahead.take(2, lambda: None) == []
    finally:
        ahead.stop()


def test_bytes_are_counted_however_they_are_packed():
    one = np.zeros((10, 10), np.float32)
    assert size_in_bytes({"a": [one, (one,)], "b": 3}) == 800


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


class Small(Batched):
    """Takes at most `fits` tiles at once; the `hiccups`-th single one fails once more."""

    def __init__(self, batch: int, fits: int) -> None:
        super().__init__(batch)
        self.fits = fits
        self.refused = 0

    def submit(self, prepared: Sequence[Any]) -> Any:
        if len(prepared) > self.fits:
            self.refused += 1
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return super().submit(prepared)


def test_a_batch_that_is_too_large_is_halved_for_good(tmp_path: Path, section_path: Path):
    model = Small(8, fits=2)
    assert scan(tmp_path / "a", section_path, model) == scan(tmp_path / "b", section_path, ToyModel())
    assert model.refused == 2 or model.refused == 3
    assert max(model.batches) == 2
    assert sum(model.batches) == 49, "no tile was computed twice"


def test_one_tile_that_fails_is_tried_again_before_giving_up():
    class Hiccup(Batched):
        failed = False

        def submit(self, prepared: Sequence[Any]) -> Any:
            if len(self.batches) == 10 and not self.failed:
                self.failed = True
                raise OutOfMemoryError
            return super().submit(prepared)

    came, error = drained(Hiccup(1))
    assert (len(came), error) == (49, None)


@pytest.mark.parametrize("stage", ["prepare", "submit", "collect"])
def test_too_little_memory_for_one_tile_is_said_with_what_to_do(stage: str):
    def full(self: Batched, given: Any) -> Any:
        raise MemoryError

    model = type("Full", (Batched,), {stage: full, "device": "cuda:0"})(4)
    came, error = drained(model)
    assert came == []
    assert isinstance(error, ResourceError)
    assert "too little free memory" in str(error)
    assert "--device cpu" in str(error)


def test_too_little_memory_for_learning_and_scores_is_said_too(tmp_path: Path, section_path: Path):
    def full(*_: Any) -> Any:
        raise MemoryError

    for step in ("learn", "scores"):
        model = type("Full", (ToyModel,), {step: full})()
        with pytest.raises(ResourceError, match="too little free memory"):
            scan(tmp_path / step, section_path, model)


@settings(max_examples=100, deadline=None)
@given(st.integers(-60, 40), st.integers(-60, 40), st.integers(1, 90), st.integers(1, 90))
def test_beyond_its_edge_a_section_is_mirrored_as_often_as_needed(x: int, y: int, width: int, height: int):
    pixels = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    many = np.pad(pixels, ((160, 160), (180, 180), (0, 0)), mode="symmetric")
    np.testing.assert_array_equal(
        _mirrored_window(pixels, x, y, width, height), many[160 + y : 160 + y + height, 180 + x : 180 + x + width]
    )


def test_what_runs_out_of_memory_is_told_from_what_is_broken():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 4 GB"))
    told = ResourceError("cuda has too little free memory for x")
    assert not is_out_of_memory(told)
    told.__cause__ = OutOfMemoryError()
    assert is_out_of_memory(told)
    assert not is_out_of_memory(ValueError("shapes differ"))


def test_everybody_who_watches_is_told_in_one_thread(tmp_path: Path, section_path: Path):
    threads: set[int] = set()

    def told(_: Any) -> None:
        threads.add(threading.get_ident())

    watchers = Watchers(on_detections=told, on_tile=told)
    scan(tmp_path / "p", section_path, ToyModel(), progress=told, watchers=watchers)
    assert threads == {threading.get_ident()}


def test_steps_say_how_much_is_scanned_and_how_busy_the_device_was(tmp_path: Path):
    class Slow(ToyModel):
        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            time.sleep(0.03)
            return super().map_tile(pixels)

    section_path = write_image(tmp_path / "section.png", spotted_image())
    steps: list[Step] = []
    with Project.create(tmp_path / "p") as project, open_section(section_path) as section:
        summary = run_scan(project, section, Slow(toy_spec()), ScanOptions(), steps.append)
    last = steps[-1]
    assert isinstance(last, ScanStep)
    assert last.megapixels == pytest.approx(0.16)
    assert last.mm2 is None
    assert last.done == last.total == 49
    assert last.megapixels_per_s is not None
    assert 0 < last.megapixels_per_s < 0.16 / (49 * 0.03)
    assert last.busy is not None
    assert 0.2 < last.busy <= 1
    assert summary.busy is not None
    assert 0.2 < summary.busy <= 1


def test_the_pace_is_that_of_the_last_seconds():
    now = [0.0]
    busy = BusyClock(lambda: now[0])
    pace = ScanPace(busy, 0.25, lambda: now[0])
    assert pace.step(0, 10).megapixels_per_s is None
    assert pace.busy_share is None
    for _ in range(100):  # slow, idle
        now[0] += 1
        pace.scanned(1e6)
    for _ in range(20):  # fast, half busy
        with busy.busy():
            now[0] += 0.5
        now[0] += 0.5
        pace.scanned(4e6)
    step = pace.step(7, 10)
    assert step.megapixels == pytest.approx(180)
    assert step.mm2 == pytest.approx(45)
    assert step.megapixels_per_s == pytest.approx(4)
    assert step.busy == pytest.approx(0.5)
    assert pace.busy_share == pytest.approx(10 / 120)


def test_two_that_compute_at_once_count_once():
    now = [0.0]
    clock = BusyClock(lambda: now[0])
    with clock.busy():
        now[0] = 1.0
        with clock.busy():
            now[0] = 2.0
        now[0] = 3.0
        assert clock.seconds == 3.0
    now[0] = 10.0
    assert clock.seconds == 3.0
