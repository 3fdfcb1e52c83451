"""Sample sections: the same pixels in any order of reading, and a truth that is exactly what was planted."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UsageError
from core.geometry import Box
from core.synthetic import SampleSection, default_defects, make_sample

BATTERY_DEFECTS = {"foreign_particle", "pore", "crack", "agglomerate", "large_round_particle", "geometry"}
MAGNET_DEFECTS = {"large_pore", "oxide_cluster", "fluoride", "large_grain"}
ARTEFACT = "preparation_artefact"


@pytest.fixture(scope="module")
def battery() -> SampleSection:
    return make_sample("battery", 3000, 18, seed=5)


@pytest.fixture(scope="module")
def magnet() -> SampleSection:
    return make_sample("magnet", 2600, 12, seed=5)


@pytest.fixture(params=["battery", "magnet"])
def sample(request: pytest.FixtureRequest) -> SampleSection:
    return request.getfixturevalue(request.param)


def test_same_arguments_give_the_same_section(sample: SampleSection) -> None:
    again = make_sample(sample.kind, sample.size, 18 if sample.kind == "battery" else 12, seed=5)
    assert again.truth == sample.truth
    assert np.array_equal(again.render(900, 1000, 300, 200), sample.render(900, 1000, 300, 200))


def test_another_seed_gives_another_section() -> None:
    one, two = make_sample("magnet", 1200, 4, seed=1), make_sample("magnet", 1200, 4, seed=2)
    assert one.truth != two.truth
    assert not np.array_equal(one.render(500, 500, 64, 64), two.render(500, 500, 64, 64))


def test_pixels_do_not_depend_on_how_they_are_read(sample: SampleSection) -> None:
    x, y, width, height = 1350, 1380, 600, 500  # over blocks and over the border of camera tiles
    whole = sample.render(x, y, width, height)
    parts = np.zeros_like(whole)
    pieces = list(itertools.product(range(0, height, 143), range(0, width, 187)))
    for top, left in reversed(pieces):
        h, w = min(143, height - top), min(187, width - left)
        parts[top : top + h, left : left + w] = sample.render(x + left, y + top, w, h)
    assert np.array_equal(parts, whole)


@settings(max_examples=12, deadline=None)
@given(x=st.integers(-40, 1240), y=st.integers(-40, 1240), w=st.integers(1, 90), h=st.integers(1, 90))
def test_any_region_is_a_cut_out_of_the_whole(x: int, y: int, w: int, h: int) -> None:
    sample, whole = _small_whole()
    expected = np.pad(whole, ((64, 160), (64, 160), (0, 0)))[y + 64 : y + 64 + h, x + 64 : x + 64 + w]
    assert np.array_equal(sample.render(x, y, w, h), expected)


def _small_whole(cache: list[tuple[SampleSection, np.ndarray]] = []) -> tuple[SampleSection, np.ndarray]:  # noqa: B006
    if not cache:
        sample = make_sample("magnet", 1211, 3, seed=3)
        cache.append((sample, sample.render(0, 0, 1211, 1211)))
    return cache[0]


def test_blocks_leave_no_seams(sample: SampleSection) -> None:
    pixels = sample.without().render(256, 256, 1270, 1270).astype(float).mean(2)
    for across in (pixels, pixels.T):
        steps = np.abs(np.diff(across, axis=0)).mean(1)
        borders = np.arange(255, 1269, 256)
        others = np.setdiff1d(np.arange(steps.size), borders)
        local = [np.median(steps[others[np.abs(others - border) < 20]]) for border in borders]
        assert (steps[borders] < 1.25 * np.array(local)).all()


def test_camera_tiles_show_the_mosaic_where_they_lie_on_top(sample: SampleSection) -> None:
    x, y, pixels = sample.render_tile(1, 0)
    assert x > 0
    assert y == 0
    assert np.array_equal(pixels[400:600, 200:500], sample.render(x + 200, y + 400, 300, 200))
    covered = sample.render(x, 400, 20, 20)  # the tile before shows the same place, in other light
    under = sample.render_tile(0, 0)[2][400:420, x : x + 20]
    assert not np.array_equal(under, covered)
    assert np.abs(under.astype(float).mean() - covered.mean()) < 12


def test_boxes_are_tight_around_what_is_planted(sample: SampleSection) -> None:
    empty = sample.without()
    assert empty.truth == ()
    for truth in sample.truth:
        only = sample.without(*(other.id for other in sample.truth if other.id != truth.id))
        x, y, w, h = truth.box.grown(24).outer_pixels()
        changed = np.abs(only.render(x, y, w, h).astype(int) - empty.render(x, y, w, h)).max(2)
        inside = changed[24:-24, 24:-24].copy()
        changed[24:-24, 24:-24] = 0
        assert changed.max() == 0, f"{truth.label} {truth.id} shows outside its box"
        visible = inside > 6
        assert visible.sum() > 50, f"{truth.label} {truth.id} can't be seen"
        slack = 0.25 if truth.label == ARTEFACT else 0.12
        rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
        assert len(inside) - (rows[-1] - rows[0] + 1) <= max(9, slack * len(inside)), truth
        assert inside.shape[1] - (columns[-1] - columns[0] + 1) <= max(9, slack * inside.shape[1]), truth


@pytest.mark.parametrize(("fixture", "classes"), [("battery", BATTERY_DEFECTS), ("magnet", MAGNET_DEFECTS)])
def test_classes_are_balanced_and_artefacts_come_on_top(
    fixture: str, classes: set[str], request: pytest.FixtureRequest
) -> None:
    sample = request.getfixturevalue(fixture)
    labels = [truth.label for truth in sample.truth]
    defects = [label for label in labels if label != ARTEFACT]
    assert len(defects) == (18 if fixture == "battery" else 12)
    assert set(defects) == classes
    assert {defects.count(label) for label in classes} == {3}
    assert labels.count(ARTEFACT) == round(0.2 * len(defects))
    assert len({truth.id for truth in sample.truth}) == len(labels)


def test_defects_lie_apart_and_inside(sample: SampleSection) -> None:
    whole = Box(0, 0, sample.size, sample.size)
    for one, other in itertools.combinations(sample.truth, 2):
        assert one.box.intersection(other.box) is None
    assert all(truth.box.intersection(whole) == truth.box for truth in sample.truth)


def test_a_disc_has_resin_in_its_corners_and_no_seam_at_the_angle_of_the_branch_cut() -> None:
    cell = make_sample("battery", 5200, 0, seed=9)
    corner = cell.render(0, 0, 200, 200).astype(float)
    assert corner.mean() < 100
    assert corner.std() < 12
    # Left of the middle the angle jumps from +pi to -pi between two rows of pixels.
    row = cell.size // 2
    strip = cell.render(500, row - 30, 1200, 60).astype(float).mean(2)
    steps = np.abs(np.diff(strip, axis=0)).mean(1)
    assert steps[29] < 1.35 * np.median(steps)


def test_defects_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="don't fit"):
        make_sample("magnet", 600, 400, seed=1)
    with pytest.raises(UsageError):
        make_sample("magnet", 100, 1, seed=1)
    with pytest.raises(UsageError, match="steel"):
        make_sample("steel", 1000, 1, seed=1)  # type: ignore[arg-type]


def test_default_number_of_defects_follows_the_area() -> None:
    assert default_defects("battery", 12_000) == 60
    assert default_defects("battery", 24_000) == 240
    assert default_defects("magnet", 1000) >= 4


def test_without_one_defect_the_others_stay(battery: SampleSection) -> None:
    gone, kept = battery.truth[0], battery.truth[1]
    less = battery.without(gone.id)
    assert gone not in less.truth
    x, y, w, h = kept.box.outer_pixels()
    before, after = battery.render(x, y, w, h), less.render(x, y, w, h)
    assert hashlib.sha256(before.tobytes()).digest() == hashlib.sha256(after.tobytes()).digest()
