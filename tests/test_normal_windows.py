"""Windows of what is normal: within regions, off marks, on the specimen, at the model's scale, split by what belongs together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.drawing import Drawing
from core.errors import CancelledError, InputError, UsageError
from core.jobs import CancelToken
from core.parameters import resolve
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from core.train import normal_windows
from core.train.normal_parameters import NORMAL_PARAMETERS
from core.train.normal_windows import NormalWindows, read_normal
from tests.memory_section import MemorySection
from tests.toy import ToyModel, write_image

Array = np.ndarray
SIDE = 64
_OPENING = ("core.data.opening", "core.train.scales", "core.data.normal")


def _read(path: Path, side: int = SIDE, seed: int = 0, **values: Any) -> NormalWindows:
    return read_normal(path, resolve(NORMAL_PARAMETERS, values), side, seed)


def _coded(width: int, height: int) -> Array:
    """Each px tells its place: red and green the low bits of x and y, blue the high ones."""
    y, x = np.mgrid[:height, :width]
    return np.dstack([x & 255, y & 255, 1 + (x >> 8) + 8 * (y >> 8)]).astype(np.uint8)


def _places(windows: NormalWindows, rng: np.random.Generator | None = None) -> Array:
    """(n, 2) int: x and y at which each window begins, however it was laid down."""
    corners = windows.batch(range(len(windows)), rng)[:, [0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    low, high = corners[..., :2], np.stack([(corners[..., 2] - 1) % 8, (corners[..., 2] - 1) // 8], -1)
    return (low + 256 * high).min(1)


def _project(tmp_path: Path, image: Array, *drawings: Drawing) -> Path:
    path = write_image(tmp_path / "s.png", image)
    with Project.create(tmp_path / "p.schliff") as project, open_section(path) as section:
        record = project.add_section(section)
        DrawingStore(project).add(record.id, drawings)
    return tmp_path / "p.schliff"


def test_windows_are_px_of_the_section(tmp_path: Path) -> None:
    image = _coded(400, 300)
    windows = _read(write_image(tmp_path / "s.png", image))
    assert len(windows) > 15
    assert windows.trim == 0.05
    assert (windows.side, windows.um_per_px, windows.window_mm2) == (SIDE, None, None)
    for index, (x, y) in enumerate(_places(windows)):
        seen = windows.read(index)
        assert seen.shape == (SIDE, SIDE, 3)
        assert np.array_equal(seen, image[y : y + SIDE, x : x + SIDE])


def test_windows_show_as_much_as_they_can_and_only_where_that_is_too_little_the_same_twice(tmp_path: Path) -> None:
    path = write_image(tmp_path / "s.png", _coded(512, 512))
    places = _places(_read(path, most=30))
    apart = np.abs(places[:, None] - places[None]).max(-1)
    assert (apart[~np.eye(len(places), dtype=bool)] >= SIDE).all()
    assert len(places) == 30
    assert len(_read(path, most=400)) > 64  # as many as lie side by side


def test_what_surrounds_a_window_is_the_sections_own(tmp_path: Path) -> None:
    image = _coded(400, 300)
    windows = _read(write_image(tmp_path / "s.png", image))
    around = list(windows.around(range(len(windows)), 16))
    for index, (x, y) in enumerate(_places(windows)):
        assert np.array_equal(around[index][16:-16, 16:-16], windows.read(index))
        if 16 <= x < 400 - SIDE - 16 and 16 <= y < 300 - SIDE - 16:
            assert np.array_equal(around[index], image[y - 16 : y + SIDE + 16, x - 16 : x + SIDE + 16])


def test_windows_lie_within_what_was_drawn_as_normal_wherever_they_are_moved(tmp_path: Path, quick_disk: None) -> None:
    region = Drawing("box", ((101, 53), (301, 203)), label="normal")
    triangle = Drawing("polygon", ((420, 20), (580, 20), (580, 180)), name="normal")
    windows = _read(_project(tmp_path, _coded(600, 300), region, triangle))
    assert windows.trim == 0
    rng = np.random.default_rng(0)
    moved = np.concatenate([_places(windows, rng) for _ in range(20)])
    in_box = moved[moved[:, 0] < 400]
    assert in_box[:, 0].min() >= 101
    assert in_box[:, 1].min() >= 53
    assert in_box[:, 0].max() + SIDE <= 301
    assert in_box[:, 1].max() + SIDE <= 203
    assert len(np.unique(in_box, axis=0)) > 50  # they do move
    in_triangle = moved[moved[:, 0] >= 400]
    assert len(in_triangle)
    assert (in_triangle[:, 0] - 420 >= in_triangle[:, 1] + SIDE - 20 - 1).all()  # the lower left corner lies inside


def test_no_window_fits_into_a_small_region(tmp_path: Path, quick_disk: None) -> None:
    project = _project(tmp_path, _coded(400, 300), Drawing("box", ((10, 10), (60, 200)), label="normal"))
    with pytest.raises(UsageError, match="64 px fits"):
        _read(project)
    assert len(_read(project, 48)) > 0


def test_windows_keep_off_marks(tmp_path: Path) -> None:
    image = _coded(500, 400)
    image[180:220, 230:270] = (255, 255, 255)
    write_image(tmp_path / "a.png", image)
    (tmp_path / "a.truth.csv").write_text("class,x_px,y_px,w_px,h_px\npore,230,180,40,40\n")
    windows = _read(tmp_path)
    assert windows.trim == 0
    rng = np.random.default_rng(1)
    for _ in range(10):
        assert not (windows.batch(range(len(windows)), rng) == 255).all(-1).any()


def test_defects_are_let_in_for_experiments_alone(tmp_path: Path) -> None:
    image = _coded(900, 800)
    marks = [(100 + 200 * i, 100 + 200 * j) for i in range(4) for j in range(3)]
    for x, y in marks:
        image[y : y + 20, x : x + 20] = 255
    write_image(tmp_path / "a.png", image)
    rows = "".join(f"pore,{x},{y},20,20\n" for x, y in marks)
    (tmp_path / "a.truth.csv").write_text("class,x_px,y_px,w_px,h_px\n" + rows)
    assert _read(tmp_path).labels() is None
    windows = _read(tmp_path, contamination=0.1, most=100)
    labels = windows.labels()
    assert labels is not None
    shown = (windows.batch(range(len(windows))) == 255).all(-1).any((1, 2))
    assert np.array_equal(labels, shown)
    assert labels.mean() == 0.1
    assert windows.trim == 0.05


def test_false_alarms_are_normal_wherever_no_region_is(tmp_path: Path, quick_disk: None) -> None:
    image = np.random.default_rng(0).integers(0, 20, (400, 500, 3), np.uint8)
    image[100:124, 400:424] = image[300:324, 80:104] = 255
    path = _project(tmp_path, image, Drawing("box", ((10, 10), (180, 200)), label="normal"))
    with Project.open(path) as project, open_section(tmp_path / "s.png") as section:
        run_scan(project, section, ToyModel())
        alarm = next(one for one in project.detections() if one.box.x > 200)
        Review(project, "somebody").decide([alarm.id], "false_alarm")
    windows = _read(path)
    bright = (windows.batch(range(len(windows))) > 250).all(-1).reshape(len(windows), -1).any(1)
    assert bright.sum() == 1
    (at,) = np.flatnonzero(bright)
    assert np.array_equal(windows.batch([int(at)], np.random.default_rng(0))[0].max(), np.uint8(255))


def test_resin_is_no_specimen(tmp_path: Path) -> None:
    image = np.full((1100, 1300, 3), 30, np.uint8)
    image[300:800, 350:1000] = np.random.default_rng(0).integers(80, 250, (500, 650, 3))
    windows = _read(write_image(tmp_path / "s.png", image))
    flat = (windows.batch(range(len(windows))).std((1, 2)) == 0).all(-1)
    assert flat.mean() < 0.35  # what lies right beside the specimen is scanned, too; of the whole section it is 3 / 4
    assert len(windows) > 100


def test_a_section_is_seen_at_the_scale_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.repeat(np.repeat(_coded(200, 150), 2, axis=0), 2, axis=1)
    for module in _OPENING:
        monkeypatch.setattr(f"{module}.open_section", lambda path: MemorySection(image, (0.5, 0.5)))
    path = write_image(tmp_path / "s.png", image)
    windows = _read(path, um_per_px=1.0)
    assert windows.window_mm2 == pytest.approx((SIDE * 1.0 / 1000) ** 2)
    for index, (x, y) in enumerate(_places(windows)):
        assert np.array_equal(windows.read(index), _coded(200, 150)[y : y + SIDE, x : x + SIDE])
    assert _read(path).um_per_px == 0.5
    with pytest.raises(UsageError, match="too coarse"):
        _read(path, um_per_px=0.1)


def test_16_bit_and_grey_pictures_are_seen_as_a_scan_sees_them(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(1000, 5000, (200, 220), np.uint16)
    cv2.imwrite(str(tmp_path / "s.png"), values)
    seen = _read(tmp_path / "s.png").batch(range(4))
    assert seen.dtype == np.uint8
    assert seen.min() < 10
    assert seen.max() > 245
    assert (seen[..., 0] == seen[..., 2]).all()


def test_images_smaller_than_a_window_are_mirrored(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / f"p{number}_1.png", _coded(40, 50))
    windows = _read(tmp_path)
    assert len(windows) == 3
    assert np.array_equal(windows.read(0)[:50, :40], _coded(40, 50))
    assert np.array_equal(windows.read(0)[:50, 40:64], _coded(40, 50)[:, :15:-1][:, :24])


def test_there_are_never_more_than_asked_for_and_the_same_seed_gives_the_same(tmp_path: Path) -> None:
    path = write_image(tmp_path / "s.png", _coded(800, 700))
    one, same, other = _read(path, most=20), _read(path, most=20), _read(path, most=20, seed=1)
    assert len(one) == len(same) == 20
    everything = range(20)
    assert np.array_equal(one.batch(everything), same.batch(everything))
    assert not np.array_equal(one.batch(everything), other.batch(everything))
    a, b = (one.batch(everything, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a, b)


def test_memory_bounds_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_image(tmp_path / "s.png", _coded(1000, 900))
    whole = len(_read(path))
    monkeypatch.setattr(normal_windows, "memory_for_pictures", lambda: 10 * 3 * (2 * SIDE) ** 2)
    fewer = _read(path)
    assert 0 < len(fewer) < whole / 3


def test_a_large_section_costs_no_more_than_its_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 × 80,000 px, 24 GB: only clips of it are read."""
    read: list[int] = []

    class Endless(MemorySection):
        def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Any) -> Array:
            read.append(width * height)
            rng = np.random.default_rng(x * 7 + y)
            return rng.integers(0, 255, (height, width, 3), np.uint8)

    _pretend(monkeypatch, lambda: Endless(np.zeros((8, 8, 3), np.uint8)), (100_000, 80_000))
    windows = _read(write_image(tmp_path / "s.png", _coded(64, 64)), most=100)
    assert len(windows) == 100
    assert max(read) < 1e6
    assert sum(read) < 200e6  # most of it to find the specimen


def _pretend(monkeypatch: pytest.MonkeyPatch, make: Callable[[], MemorySection], size: tuple[int, int]) -> None:
    from dataclasses import replace

    from core.section_info import PyramidLevel

    def opened(path: Any) -> MemorySection:
        section = make()
        level = PyramidLevel(size[0], size[1], 1.0)
        section.info = replace(section.info, width_px=size[0], height_px=size[1], levels=(level,))
        return section

    for module in _OPENING:
        monkeypatch.setattr(f"{module}.open_section", opened)


def test_whole_groups_are_held_out(tmp_path: Path) -> None:
    for number in range(12):
        for part in range(2):
            write_image(tmp_path / f"part{number}_{part}.png", _coded(100, 90))
    windows = _read(tmp_path)
    learnt, held = windows.split(0.25, seed=0)
    assert sorted([*learnt, *held]) == list(range(len(windows)))
    assert not set(windows.groups[learnt]) & set(windows.groups[held])
    assert len(set(windows.groups[held])) == 3


def test_of_one_section_whole_clips_are_held_out(tmp_path: Path) -> None:
    windows = _read(write_image(tmp_path / "s.png", _coded(800, 700)))
    learnt, held = windows.split(0.2, seed=0)
    assert len(held) == pytest.approx(0.2 * len(windows), rel=0.5)
    places = _places(windows)
    for x, y in places[held]:  # no px of one is in the other
        apart = np.abs(places[learnt] - (x, y)).max(1)
        assert apart.min() >= SIDE
    again = windows.split(0.2, seed=0)
    assert all(np.array_equal(one, other) for one, other in zip((learnt, held), again, strict=True))


def test_where_there_is_one_clip_it_serves_for_both(tmp_path: Path) -> None:
    windows = _read(write_image(tmp_path / "s.png", _coded(100, 90)))
    learnt, held = windows.split(0.2, seed=0)
    assert np.array_equal(learnt, held)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_pictures_that_show_nothing_are_refused(tmp_path: Path, grey: int) -> None:
    empty = np.full((256, 256, 3), grey, np.uint8)
    empty[::2] ^= 1  # noise of one grey level
    with pytest.raises((InputError, UsageError)) as caught:
        _read(write_image(tmp_path / "s.png", empty))
    assert caught.value.remedy
    (tmp_path / "cut").mkdir()
    write_image(tmp_path / "cut" / "a_1.png", empty)
    with pytest.raises(InputError, match="one even grey"):
        _read(tmp_path / "cut")


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    path, cancel = write_image(tmp_path / "s.png", _coded(300, 300)), CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        read_normal(path, resolve(NORMAL_PARAMETERS, {}), SIDE, 0, cancel=cancel)


def test_pictures_of_several_scales_need_one_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        write_image(tmp_path / f"part{number}_1.png", _coded(100, 90))
    sizes = iter((0.5, 1.0))
    monkeypatch.setattr("core.train.scales._um_per_px", lambda path, entered: next(sizes))
    with pytest.raises(UsageError, match="scales"):
        _read(tmp_path)


def test_a_picture_that_went_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        _read(tmp_path / "gone.png")
