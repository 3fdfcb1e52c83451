"""A one-class machine that learns from what is normal alone, as every other model of normal does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import UsageError
from core.models.card import CARD_NAME
from core.models.catalog import load_model, read_model_folder
from core.models.classical import ISOLATION_FOREST, ONE_CLASS_SVM
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_openmp_thread", "quick_disk")

QUICK = {"window_px": 48, "stride_px": 16, "most": 120, "trees": 20}


def ground(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(90, 130, (240, 240, 3), np.uint8)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("normal")
    for number in range(6):
        write_image(place / f"plate{number}_000.png", ground(number))
    return place


@pytest.mark.parametrize("method", [ONE_CLASS_SVM, ISOLATION_FOREST])
def test_what_is_unlike_the_normal_texture_scores_highest(method: str, images: Path, tmp_path: Path):
    run_training(TrainRequest("one_class", images, tmp_path / "mine", {**QUICK, "method": method}, 0, "cpu"))
    card = json.loads((tmp_path / "mine" / CARD_NAME).read_text("utf-8"))
    assert (card["kind"], card["family"], card["labels"]) == ("classical", "anomaly", ["anomaly"])
    assert card["calibration"]["windows"]["count"] > 0
    assert card["looks"]["brightness"][0] == pytest.approx(109, abs=3)
    model = load_model(read_model_folder(tmp_path / "mine"), "cpu")
    picture = ground(20)
    picture[96:144, 96:144:6] = 220
    scores = model.scores(model.map_tile(picture))[0]
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    assert 4 <= row <= 10
    assert 4 <= column <= 10
    assert scores[7, 7] > 1
    assert np.median(scores) < 0.5


def test_windows_without_a_cell_in_their_middle_are_refused(images: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="odd number"):
        run_training(TrainRequest("one_class", images, tmp_path / "mine", {**QUICK, "stride_px": 24}, 0, "cpu"))
