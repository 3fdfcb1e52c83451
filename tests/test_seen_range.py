"""16-bit sections as a model of normal sees them: in the range it learnt in, so that one place has one score anywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from core.display import DisplayRange, auto_range
from core.errors import InputError
from core.models.base import ModelSpec
from core.models.card import CARD_NAME, read_card
from core.models.catalog import read_model_folder
from core.readers.base import open_section
from core.scan.drift import drift_of_section
from core.section import Plane
from core.seen_range import common_range, range_in, seen_range
from tests.anomaly_support import discs, load, scan
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

GAIN, OFFSET = 13, 400


def deep(path: Path, pixels: np.ndarray, gain: int = GAIN) -> Path:
    """8-bit pixels as a camera of 12 bits writes them."""
    cv2.imwrite(str(path), pixels.astype(np.uint16) * gain + OFFSET)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from core.train.request import TrainRequest
    from core.train.running import run_training

    place = tmp_path_factory.mktemp("deep")
    (place / "data").mkdir()
    for number in range(3):
        deep(place / "data" / f"plate{number}_{number}.png", discs(number, side=264))
    settings = {"window_px": 48, "stride_px": 16, "most": 120, "method": "isolation_forest", "trees": 40}
    run_training(TrainRequest("one_class", place / "data", place / "model", settings, 3, "cpu"))
    return place / "model"


def test_the_same_place_has_the_same_score_beside_something_far_brighter(folder: Path, tmp_path: Path) -> None:
    """A bright corner stretches the section's own range; nothing else changes for the model."""
    plain, lit = discs(7), discs(7)
    lit[-48:, -48:] = 255
    bright = lit.astype(np.uint16) * GAIN + OFFSET
    bright[-48:, -48:] = 40_000
    cv2.imwrite(str(tmp_path / "b.png"), bright)
    maps = [
        scan(load("isolation_forest", folder), path, tmp_path / path.stem)[0]
        for path in (deep(tmp_path / "a.png", plain), tmp_path / "b.png")
    ]
    far = slice(0, 100 // 16)
    np.testing.assert_allclose(maps[0][far, far], maps[1][far, far], atol=2e-3)


def test_the_card_says_in_which_range_it_learnt_and_a_scan_keeps_to_it(folder: Path, tmp_path: Path) -> None:
    spec = read_model_folder(folder)
    learnt = range_in(spec.card)
    assert learnt is not None
    assert OFFSET <= learnt.low < learnt.high <= OFFSET + 255 * GAIN
    with open_section(deep(tmp_path / "s.png", discs(7), 2 * GAIN)) as section:
        assert seen_range(section, Plane(), spec) == learnt != auto_range(section, Plane())
        assert "brightness" in {one.kind for one in drift_of_section(section, spec)}, "so the drift guard sees the lamp"
    with open_section(write_image(tmp_path / "t.png", discs(7))) as section:
        assert seen_range(section, Plane(), spec) == DisplayRange(0, 255)


def test_other_models_see_each_section_in_its_own_range(folder: Path, tmp_path: Path) -> None:
    spec: ModelSpec = replace(read_model_folder(folder), card={})
    with open_section(deep(tmp_path / "s.png", discs(7))) as section:
        assert seen_range(section, Plane(), spec) == auto_range(section, Plane())


def test_a_common_range_loses_nothing() -> None:
    assert common_range([DisplayRange(5, 100), DisplayRange(2, 50)]) == DisplayRange(2, 100)
    assert common_range([DisplayRange(5, 100), None]) is None
    assert common_range([]) is None


@pytest.mark.parametrize("told", [[5, 5], [0, 70_000], [1.5, 9], "wide", [1]])
def test_a_card_with_a_range_that_can_not_be_is_refused(folder: Path, tmp_path: Path, told: object) -> None:
    card = json.loads((folder / CARD_NAME).read_text("utf-8"))
    card["input"]["range_16bit"] = told
    (tmp_path / CARD_NAME).write_text(json.dumps(card))
    with pytest.raises(InputError, match="range"):
        read_card(tmp_path)


def test_values_spread_between_a_files_own_extremes_are_seen_in_its_own_range(folder: Path, tmp_path: Path) -> None:
    """One hot px of a picture of floats moves all that is read of it; what was learnt of others says nothing of it."""
    floats = discs(7)[..., 0].astype(np.float32) - 0.5
    tifffile.imwrite(tmp_path / "a.tif", floats)
    floats[0, 0] = 9000
    tifffile.imwrite(tmp_path / "b.tif", floats - 100)
    spec = read_model_folder(folder)
    for name in ("a.tif", "b.tif"):
        with open_section(tmp_path / name) as section:
            assert section.info.is_own_scale
            assert seen_range(section, Plane(), spec) == auto_range(section, Plane())
    with open_section(deep(tmp_path / "c.png", discs(7))) as section:
        assert not section.info.is_own_scale
