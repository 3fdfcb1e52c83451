"""Time left, as the terminal and the window say it."""

from __future__ import annotations

import pytest

from core.jobs import Step
from core.timing import TimeLeft, spoken_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_pace_gives_the_right_time():
    clock = Clock()
    left = TimeLeft(clock)
    said = None
    for done in range(11):
        said = left.update(Step(done, 100))
        clock.now += 2
    assert said == pytest.approx(180)


def test_what_was_done_before_a_restart_is_not_counted_as_pace():
    clock = Clock()
    left = TimeLeft(clock)
    assert left.update(Step(90, 100)) is None
    clock.now = 10
    assert left.update(Step(91, 100)) == pytest.approx(90)


def test_a_new_job_starts_anew():
    clock = Clock()
    left = TimeLeft(clock)
    left.update(Step(0, 10))
    clock.now = 5
    assert left.update(Step(5, 10)) is not None
    assert left.update(Step(0, 400)) is None


def test_the_last_half_minute_counts():
    clock = Clock()
    left = TimeLeft(clock)
    for second in range(100):
        clock.now = second
        left.update(Step(second, 1000))  # one a second
    for second in range(100, 140):
        clock.now = second
        said = left.update(Step(99 + 10 * (second - 99), 1000))  # then ten a second
    assert said == pytest.approx((1000 - 499) / 10, rel=0.05)


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(0.4, "0 s"), (89, "89 s"), (200, "3 min"), (7500, "2 h 05 min"), (5400, "1 h 30 min")]
)
def test_durations_as_people_say_them(seconds: float, spoken: str):
    assert spoken_seconds(seconds) == spoken
