"""What is kept, what goes, and that two threads never make one thing twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core import memory
from core.caches import ByteCache, DecodedCache, reading_through
from core.worker.process import own_environment


def test_the_least_recently_used_goes_first():
    cache: ByteCache[str, int] = ByteCache(30)
    for name in "abc":
        cache.put(name, 1, 10)
    cache.get("a")
    cache.put("d", 1, 10)
    assert cache.in_order() == ("c", "a", "d")
    assert cache.used == 30


def test_what_is_larger_than_the_budget_is_not_kept():
    cache: ByteCache[str, int] = ByteCache(30)
    cache.put("a", 1, 31)
    assert len(cache) == 0
    assert cache.used == 0


def test_two_threads_make_a_part_once():
    cache, made, go = DecodedCache(1 << 20), [], threading.Event()

    def make():
        made.append(1)
        go.wait(10)
        return np.zeros(8, np.uint8)

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(cache.get, ("file", 1), make) for _ in range(4)]
        go.set()
        parts = [answer.result() for answer in answers]
    assert len(made) == 1
    assert all(part is parts[0] for part in parts)


def test_a_failure_is_told_and_the_next_one_tries_again():
    cache = DecodedCache(1 << 20)

    def fail():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        cache.get(("file", 1), fail)
    assert cache.get(("file", 1), lambda: np.ones(2)).sum() == 2


def test_an_owner_is_forgotten():
    cache = DecodedCache(1 << 20)
    for owner in ("a", "b"):
        cache.get((owner, 0), lambda: np.zeros(4))
    cache.forget("a")
    assert cache.peek(("a", 0)) is None
    assert cache.peek(("b", 0)) is not None


def test_the_shares_add_up_to_the_budget(monkeypatch):
    monkeypatch.setattr(memory, "_budget", None)
    assert memory.LEAST <= memory.budget() <= memory.MOST_BY_DEFAULT
    memory.set_budget(1 << 30)
    assert sum(memory.share(use) for use in memory._SHARES) == pytest.approx(1 << 30, abs=8)


def test_a_process_that_works_for_this_one_has_its_budget(monkeypatch):
    monkeypatch.setattr(memory, "_budget", 300 << 20)
    monkeypatch.setenv(memory.BUDGET_VARIABLE, own_environment()[memory.BUDGET_VARIABLE])
    monkeypatch.setattr(memory, "_budget", None)
    assert memory.budget() == 300 << 20


def test_reading_a_file_through_drives_out_nothing_that_is_looked_at():
    cache = DecodedCache(1000)
    cache.get(("seen", 0), lambda: np.zeros(500, np.uint8))
    with reading_through():
        for number in range(50):
            cache.get(("passing", number), lambda: np.zeros(100, np.uint8))
    assert cache.peek(("seen", 0)) is not None
    assert cache.peek(("passing", 49)) is not None
    assert cache.peek(("passing", 40)) is None


def test_one_large_part_read_in_passing_is_kept_and_the_sum_stays_in_the_budget():
    cache = DecodedCache(1000)
    for number in range(8):
        cache.get(("seen", number), lambda: np.zeros(100, np.uint8))
    with reading_through():
        cache.get(("stripe", 0), lambda: np.zeros(400, np.uint8))
    assert cache.peek(("stripe", 0)) is not None
    assert [n for n in range(8) if cache.peek(("seen", n)) is not None] == [2, 3, 4, 5, 6, 7]
    for number in range(8, 20):
        cache.get(("seen", number), lambda: np.zeros(100, np.uint8))
    assert cache.peek(("stripe", 0)) is None
