from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.devices import other_cards
from core.models.across_devices import AcrossDevices
from core.models.base import Model
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image, toy_spec, write_image


def found(folder: Path, section_path: Path, model: Model) -> list[Any]:
    with Project.create(folder) as project, open_section(section_path) as section:
        run_scan(project, section, model)
        return sorted((d.box, d.score) for d in project.detections())


def test_tiles_are_dealt_out_and_nothing_else_is_found(tmp_path: Path):
    path = write_image(tmp_path / "s.png", spotted_image())
    cards = [ToyModel(), ToyModel(), ToyModel()]
    several = found(tmp_path / "several", path, AcrossDevices(cards))
    assert several == found(tmp_path / "one", path, ToyModel())
    assert [card.mapped for card in cards] == [17, 16, 16]


def test_a_batch_that_found_no_room_is_tried_on_the_same_card(tmp_path: Path):
    class Full(ToyModel):
        batch_tiles = 4

        def submit(self, prepared):
            if len(prepared) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().submit(prepared)

    class Roomy(ToyModel):
        batch_tiles = 4

    path = write_image(tmp_path / "s.png", spotted_image())
    cards = [Full(), Roomy()]
    assert found(tmp_path / "several", path, AcrossDevices(cards)) == found(tmp_path / "one", path, ToyModel())
    assert min(card.mapped for card in cards) > 0


def test_what_one_learned_all_know():
    class Learning(ToyModel):
        known = 0.0

        def learn(self, tiles, read, progress=None, cancel=None):
            return {"known": np.array([7.0])}

        def restore(self, state):
            self.known = float(state["known"][0])

    cards = [Learning(toy_spec(learns=True)), Learning(toy_spec(learns=True))]
    model = AcrossDevices(cards)
    learned = model.learn(3, lambda index: np.zeros((1, 1, 3), np.uint8))
    assert learned is not None
    model.restore(learned)
    assert [card.known for card in cards] == [7.0, 7.0]


def test_all_cards_compute_unless_one_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert other_cards("cuda", "auto") == ["cuda:1", "cuda:2"]
    assert other_cards("cuda:0", "cuda") == ["cuda:1", "cuda:2"]
    assert other_cards("cuda:1", "cuda:1") == []
    assert other_cards("cpu", "auto") == []
