"""The learning rate that suits a training is found on losses whose course is known; a detector trains with it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from core.errors import CancelledError, ResourceError
from core.jobs import CancelToken, Step, no_progress
from core.train.base import TrainStep
from core.train.rate_finder import PHASE, RateCurve, find_rate, found_once, suggested


class _Bowl:
    """Gradient descent on x²: the loss falls at rates near 1/2 fastest, and diverges above 1."""

    def __init__(self) -> None:
        self.x = 1.0

    def learn(self, rate: float) -> float:
        loss = self.x**2
        self.x -= rate * 2 * self.x
        return loss


def test_the_rate_lies_between_where_the_loss_begins_to_fall_and_where_it_is_lowest() -> None:
    told: list[Step] = []
    curve = find_rate(_Bowl().learn, told.append, CancelToken())
    assert curve.rates[:2] == pytest.approx((1e-7, 1.1e-7))
    assert 1e-3 < curve.suggestion < 1.0
    assert curve.rates[-1] > 1  # it diverged, and no sooner
    steps = [step for step in told if isinstance(step, TrainStep)]
    assert [step.figures["loss"] for step in steps] == list(curve.losses)
    assert {step.phase for step in steps} == {PHASE}


def test_the_middle_is_that_of_logarithms() -> None:
    rates = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert suggested(rates, [1.0, 1.0, 0.5, 0.1, 4.0]) == pytest.approx(1e-2)


@pytest.mark.parametrize("end", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_trial(end: float) -> None:
    losses = iter([5.0] * 20 + [2.0] * 20 + [end] * 200)
    curve = find_rate(lambda rate: next(losses), no_progress, CancelToken())
    assert len(curve.rates) == 40
    assert all(math.isfinite(loss) for loss in curve.losses)


@pytest.mark.parametrize("loss", [1.0, math.nan])
def test_without_a_fall_there_is_no_rate(loss: float) -> None:
    with pytest.raises(ResourceError, match="falls at no learning rate"):
        find_rate(lambda rate: loss, no_progress, CancelToken())


def test_it_can_be_cancelled() -> None:
    cancel = CancelToken()
    with pytest.raises(CancelledError):
        find_rate(_Bowl().learn, lambda step: cancel.cancel(), cancel)


def test_what_was_found_is_found_once(tmp_path: Path) -> None:
    curve = RateCurve((1e-7, 1e-3), (2.0, 1.0), 1e-3)
    path = tmp_path / "rate.json"
    assert found_once(path, lambda: curve) == curve
    assert found_once(path, lambda: pytest.fail("it is kept")) == curve
    path.write_text(json.dumps({"rates": "none"}))
    assert found_once(path, lambda: curve) == curve
