"""Killed at any moment: nothing that was reviewed, found or written is lost. `benchmarks.kills` does it far more often."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from benchmarks.kills import Nursery, kill_exports, kill_migrations, kill_reviews, kill_scans, nursery

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes that are killed are forks of one")


@pytest.fixture(scope="module")
def killing():
    with nursery() as made:
        yield made


@pytest.fixture
def dice() -> random.Random:
    return random.Random(11)


def test_a_scan_goes_on_and_ends_as_if_nothing_had_been(killing: Nursery, tmp_path: Path, dice: random.Random):
    count = kill_scans(killing, tmp_path, 3, dice, size=320)
    assert count.kills == 3


def test_all_decisions_that_were_told_are_there(killing: Nursery, tmp_path: Path, dice: random.Random):
    count = kill_reviews(killing, tmp_path, 3, dice, size=320)
    assert count.kills == 3
    assert count.notes["gestures"] > 3


def test_an_export_is_the_old_one_or_the_new_one(killing: Nursery, tmp_path: Path, dice: random.Random):
    assert kill_exports(killing, tmp_path, 2, dice, size=320).kills == 2


def test_a_project_of_an_older_version_opens_after_all(killing: Nursery, tmp_path: Path, dice: random.Random):
    count = kill_migrations(killing, tmp_path, 2, dice)
    assert count.kills == 2
