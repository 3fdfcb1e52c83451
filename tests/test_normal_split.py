"""What is kept back of what is normal: never more than is learnt from, and where there is any room at all, something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.anomaly.calibration import Calibration, calibrate
from core.anomaly.thresholds import expects
from core.parameters import resolve
from core.train.normal_clips import halved
from core.train.normal_parameters import NORMAL_PARAMETERS
from core.train.normal_windows import NormalWindows, read_normal
from tests.toy import write_image

SIDE = 64


def _windows(data: Path) -> NormalWindows:
    return read_normal(data, resolve(NORMAL_PARAMETERS, {}), SIDE)


def _textured(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, (height, width, 3), np.uint8)


@pytest.mark.parametrize("seed", range(4))
def test_a_small_picture_beside_a_large_one_is_not_all_that_is_learnt_from(tmp_path: Path, seed: int) -> None:
    write_image(tmp_path / "large_1.png", _textured(600, 500))
    write_image(tmp_path / "small_1.png", _textured(70, 70))
    windows = _windows(tmp_path)
    learnt, held = windows.split(0.2, seed)
    assert sorted([*learnt, *held]) == list(range(len(windows)))
    assert 0.1 * len(windows) <= len(held) <= len(learnt)


def test_a_single_region_has_several_windows_to_hold_out(tmp_path: Path) -> None:
    write_image(tmp_path / "a_1.png", _textured(3 * SIDE + 20, 100))
    learnt, held = _windows(tmp_path).split(0.2, 0)
    assert len(learnt) >= len(held) >= 2
    assert not set(learnt) & set(held)


@pytest.mark.parametrize(("w", "h"), [(193, 70), (70, 200), (192, 192), (191, 191), (64, 64)])
def test_halves_hold_a_window_each_and_cover_the_whole(w: int, h: int) -> None:
    found = halved(np.array([10, 20, w, h]), SIDE)
    assert len(found) == (2 if max(w, h) >= 3 * SIDE else 1)
    assert (found[:, 2:] >= SIDE).all()
    assert (found[:, 2] * found[:, 3]).sum() == w * h
    assert tuple((found[:, :2] + found[:, 2:]).max(0)) == (10 + w, 20 + h)


def test_what_was_learnt_from_is_not_called_unseen() -> None:
    raw = np.random.default_rng(0).exponential(size=(50, 4))
    told = calibrate(raw, raw, None, is_of_learnt=True).to_json()
    assert "50 windows it learnt from, so more are likely" in expects(Calibration.from_json(told), 1.0)
    assert "50 windows it never learnt" in expects(calibrate(raw, raw, None), 1.0)
    del told["is_of_learnt"]  # cards of before
    assert not Calibration.from_json(told).is_of_learnt
