"""A training reads its data once, and learns from what was checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data.reading import read_data, reading_once
from core.train import running
from core.train.request import TrainRequest
from core.train.trainers import trainers
from tests.toy import write_image


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = write_image(tmp_path / "data" / "a.png", np.full((64, 64, 3), 99, np.uint8))
    path.with_name("a.truth.csv").write_text("class,x_px,y_px,w_px,h_px\npore,5,5,9,9\n")
    return tmp_path / "data"


def test_the_same_data_is_read_once_where_that_is_asked_for(data: Path):
    with reading_once():
        first = read_data(data)
        with reading_once():
            assert read_data(data) is first
        assert read_data(Path(f"{data}/../data").resolve()) is first
        assert read_data(data, "good") is not first
    assert read_data(data) is not first
    assert read_data(data) == first


def test_a_training_learns_from_the_very_data_that_was_checked(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    checked, learnt = [], []

    def run(path: Path, *_: Any) -> dict[str, Any]:
        learnt.append(read_data(path))
        return {}

    def found(*_: Any) -> Any:
        checked.append(read_data(data))
        return replace(trainers()["cells"], run=run)

    monkeypatch.setattr(running, "find_trainer", found)
    for number in range(2):
        running.run_training(TrainRequest("cells", data, tmp_path / f"m{number}", {}, 0, "cpu"))
    assert [a is b for a, b in zip(checked, learnt, strict=True)] == [True, True]
    assert checked[0] is not checked[1], "another training reads it anew"
