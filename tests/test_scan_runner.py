"""Scans of the queue run one after the other, outlive failures, pauses and the program, and keep the machine awake."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from app.jobs import Lane
from app.scan_queue.awake import Awake, keep_awake
from app.scan_queue.keeper import QueueKeeper
from app.scan_queue.runner import ScanRunner
from core.errors import InputError
from core.project import Project
from core.scan.queue_file import read_queue
from tests.scan_support import FakeWorker, entry_of, request_of
from tests.toy import spotted_image, write_image


@pytest.fixture
def worker(monkeypatch):
    return FakeWorker(monkeypatch)


@pytest.fixture
def make(qtbot, tmp_path, worker):
    """A runner as a start of the program has it; `leave` ends the program."""
    made = []

    def start():
        lane = Lane("gpu")
        runner = ScanRunner(lane, QueueKeeper(tmp_path / "own" / "scans.json"))
        runner.reports, runner.told = [], []
        runner.all_over.connect(runner.reports.append)
        runner.problem.connect(runner.told.append)
        runner.leave = lambda keep=True: (runner.shut(keep=keep), lane.close())
        made.append(runner)
        return runner

    yield start
    worker.blocked.clear()
    for runner in made:
        runner.leave()


@pytest.fixture
def runner(make):
    return make()


@pytest.fixture
def entries(tmp_path):
    return [entry_of(write_image(tmp_path / f"{name}.tif", spotted_image(64, 0)), id=name) for name in "abc"]


def states(runner):
    return {entry.id: entry.state for entry in runner.queue.entries}


def finish(qtbot, runner, reports=1):
    qtbot.waitUntil(lambda: len(runner.reports) == reports, timeout=10_000)


def until_half(qtbot, runner):
    qtbot.waitUntil(lambda: runner.running is not None and runner.step.done == 5, timeout=10_000)


def test_they_run_in_order_and_one_failing_stops_nothing(qtbot, runner, worker, entries):
    worker.fails["b.tif"] = InputError("it is cut off", remedy="Copy it again.")
    ended = []
    runner.ended.connect(lambda entry, error: ended.append((entry.id, entry.state, error)))
    runner.add(entries)
    finish(qtbot, runner)
    assert [name for name, _ in worker.began] == ["a.tif", "b.tif", "c.tif"]
    assert ended == [("a", "done", None), ("b", "failed", worker.fails["b.tif"]), ("c", "done", None)]
    assert "2 scans done" in runner.reports[0].text()
    assert "14 detections" in runner.reports[0].text()
    assert "1 scan failed: b.tif with Toy (it is cut off. Copy it again)" in runner.reports[0].text()


def test_an_error_nobody_foresaw_fails_its_scan_only(qtbot, runner, worker, entries):
    worker.fails["a.tif"] = ZeroDivisionError("division by zero")
    runner.add(entries[:2])
    finish(qtbot, runner)
    assert states(runner) == {"a": "failed", "b": "done"}
    assert runner.queue.get("a").error == "something went wrong: division by zero"


def test_each_goes_into_the_project_it_asks_for_which_is_made_where_there_is_none(qtbot, runner, entries):
    runner.add(entries[:1])
    finish(qtbot, runner)
    assert Project.is_project(entries[0].request.project)


def test_a_section_that_cant_be_opened_fails_and_gets_no_project(qtbot, runner, worker, tmp_path, entries):
    (tmp_path / "text.czi").write_text("no micrograph")
    gone, other = entry_of(tmp_path / "gone.czi", id="gone"), entry_of(tmp_path / "text.czi", id="other")
    runner.add([gone, other, *entries[:1]])
    finish(qtbot, runner)
    assert states(runner) == {"gone": "failed", "other": "failed", "a": "done"}
    assert "gone.czi" in runner.queue.get("gone").error
    assert [path.name for path in tmp_path.glob("*.schliff")] == ["a.schliff"]


def test_where_nothing_can_be_written_the_project_is_the_users_own(qtbot, runner, worker, entries, monkeypatch):
    from core.errors import ResourceError

    real, denied = Project.open_or_create, entries[0].request.project

    def open_or_create(path):
        if path == denied:
            raise ResourceError("no permission to write here", path=path, remedy="Choose another folder.")
        return real(path)

    monkeypatch.setattr(Project, "open_or_create", open_or_create)
    runner.add(entries[:1])
    finish(qtbot, runner)
    assert worker.requests[0].project != denied
    assert Project.is_project(worker.requests[0].project)
    assert runner.queue.get("a").request.project == worker.requests[0].project


def test_paused_the_running_one_stands_still_and_none_starts(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    runner.hold()
    worker.blocked.clear()
    qtbot.wait(100)
    assert (runner.paused, runner.running.id, runner.step.done) == (True, "a", 5)
    assert len(worker.began) == 1
    runner.go_on()
    finish(qtbot, runner)
    assert set(states(runner).values()) == {"done"}
    assert len(worker.began) == 3


def test_stopping_one_while_paused_starts_no_other(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    runner.hold()
    runner.cancel()
    qtbot.waitUntil(lambda: runner.running is None)
    qtbot.wait(50)
    assert states(runner) == {"a": "cancelled", "b": "waiting", "c": "waiting"}
    worker.blocked.clear()
    runner.go_on()
    qtbot.waitUntil(lambda: states(runner)["c"] == "done")


def test_one_that_is_stopped_gives_its_turn_to_the_next_and_can_be_resumed(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries[:2])
    until_half(qtbot, runner)
    runner.cancel()
    assert runner.stopping
    finish(qtbot, runner)
    assert states(runner) == {"a": "cancelled", "b": "done"}
    assert runner.queue.get("a").share == 0.5
    worker.blocked.clear()
    runner.take_up(["a"])
    finish(qtbot, runner, 2)
    assert states(runner) == {"a": "done", "b": "done"}


def test_one_put_on_hold_is_passed_over_until_it_is_taken_up(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    runner.put_by(["a", "b"])
    finish(qtbot, runner)
    assert states(runner) == {"a": "paused", "b": "paused", "c": "done"}
    worker.blocked.clear()
    runner.take_up(["b", "a"])
    finish(qtbot, runner, 2)
    assert [name for name, _ in worker.began] == ["a.tif", "c.tif", "a.tif", "b.tif"]


def test_all_are_stopped(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    runner.cancel_all()
    finish(qtbot, runner)
    assert set(states(runner).values()) == {"cancelled"}
    assert len(worker.began) == 1


def test_the_order_can_be_changed_while_one_runs(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    runner.move(["c"], "b")
    worker.blocked.clear()
    finish(qtbot, runner)
    assert [name for name, _ in worker.began] == ["a.tif", "c.tif", "b.tif"]


def test_removing_the_running_one_stops_it_first(qtbot, runner, worker, entries):
    worker.blocked.add("a.tif")
    runner.add(entries[:2])
    until_half(qtbot, runner)
    runner.remove(["a", "b"])
    assert list(states(runner)) == ["a"]
    qtbot.waitUntil(lambda: states(runner) == {"a": "cancelled"})
    runner.remove(["a"])
    assert states(runner) == {}


# -- over the end of the program -----------------------------------------------------------------


def test_a_queue_outlives_the_program_and_goes_on_only_when_told_to(qtbot, make, worker, entries):
    worker.blocked.add("b.tif")
    first = make()
    first.add(entries)
    qtbot.waitUntil(lambda: states(first)["b"] == "running" and first.step.done == 5, timeout=10_000)
    first.leave()
    worker.blocked.clear()
    second = make()
    second.restore()
    assert states(second) == {"a": "done", "b": "waiting", "c": "waiting"}
    qtbot.wait(50)
    assert second.running is None
    second.go_on()
    finish(qtbot, second)
    assert set(states(second).values()) == {"done"}


def test_after_a_crash_the_file_tells_what_was_going_on(qtbot, make, worker, entries, tmp_path):
    worker.blocked.add("a.tif")
    runner = make()
    runner.add(entries)
    until_half(qtbot, runner)

    def kept():  # as a crash at this moment would leave it
        return read_queue(tmp_path / "own" / "scans.json").queue

    expected = ["running", "waiting", "waiting"]
    qtbot.waitUntil(lambda: [entry.state for entry in kept().entries] == expected, timeout=10_000)
    assert [entry.state for entry in kept().restored().entries] == ["waiting"] * 3


def test_stopped_for_good_at_the_end_nothing_waits_at_the_next_start(qtbot, make, worker, entries):
    worker.blocked.add("a.tif")
    first = make()
    first.add(entries)
    until_half(qtbot, first)
    first.leave(keep=False)
    second = make()
    second.restore()
    assert set(states(second).values()) == {"cancelled"}


def test_scans_asked_for_now_run_though_those_from_last_time_still_wait(qtbot, make, worker, entries):
    worker.blocked.add("a.tif")
    first = make()
    first.add(entries[:2])
    until_half(qtbot, first)
    first.leave()
    worker.blocked.clear()
    second = make()
    more = entry_of(entries[2].section, "other", id="d")
    second.add([entries[2], more], now=True)
    finish(qtbot, second)
    assert states(second) == {"a": "waiting", "b": "waiting", "c": "done", "d": "done"}


def test_two_programs_at_once_dont_run_each_others_scans(qtbot, make, worker, entries):
    worker.blocked.add("a.tif")
    first, second = make(), make()
    first.add(entries[:1])
    until_half(qtbot, first)
    second.add(entries[1:2])
    finish(qtbot, second)
    assert list(states(second)) == ["b"]
    assert list(states(first)) == ["a"]
    first.leave()
    third = make()
    third.restore()
    assert list(states(third)) == ["a"]


def test_what_one_program_left_another_that_still_runs_doesnt_overwrite(qtbot, make, worker, entries):
    worker.blocked.add("a.tif")
    first, second = make(), make()
    first.add(entries[:1])
    until_half(qtbot, first)
    second.restore()
    assert (first.is_kept, second.is_kept) == (True, False)
    first.leave()
    second.add(entries[1:2])
    finish(qtbot, second)
    second.leave()
    third = make()
    third.restore()
    assert states(third) == {"a": "waiting"}


def test_who_started_first_keeps_the_queue_though_there_was_none_yet(qtbot, make, entries):
    first, second = make(), make()
    first.restore()
    second.add(entries[:1])
    finish(qtbot, second)
    assert (first.is_kept, second.is_kept) == (True, False)


def test_asked_for_now_one_from_last_time_starts_at_once(qtbot, make, worker, entries):
    worker.blocked.add("a.tif")
    first = make()
    first.add(entries[:2])
    until_half(qtbot, first)
    first.leave()
    second = make()
    again = entry_of(entries[1].section, id="again")
    assert second.add([again], now=True) == []
    finish(qtbot, second)
    assert states(second) == {"a": "waiting", "b": "done"}


def test_one_that_is_tried_again_counts_once(qtbot, runner, worker, entries):
    worker.fails["a.tif"] = InputError("it is cut off", remedy="Copy it again.")
    worker.blocked.add("b.tif")
    runner.add(entries[:2])
    until_half(qtbot, runner)
    qtbot.waitUntil(lambda: states(runner) == {"a": "failed", "b": "running"})
    worker.fails.clear()
    runner.take_up(["a"])
    worker.blocked.clear()
    finish(qtbot, runner)
    assert "2 scans done" in runner.reports[0].text()


def test_of_a_list_that_is_partly_damaged_what_is_left_is_kept_at_once(qtbot, make, worker, entries, tmp_path):
    worker.blocked.add("a.tif")
    first = make()
    first.add(entries)
    until_half(qtbot, first)
    first.leave()
    path = tmp_path / "own" / "scans.json"
    path.write_text(path.read_text().replace('"id": "b"', '"id": []').replace('"waiting"', '"flying"', 1))
    make().restore()
    qtbot.waitUntil(path.exists, timeout=10_000)
    assert [entry.id for entry in read_queue(path).queue.entries] == ["a", "c"]


def test_a_damaged_queue_is_told_and_scanning_goes_on(qtbot, make, entries, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "scans.json").write_text("{")
    runner = make()
    runner.add(entries)
    finish(qtbot, runner)
    assert "put aside" in runner.told[0]
    assert set(states(runner).values()) == {"done"}


def test_a_queue_that_cant_be_kept_is_told_and_runs(qtbot, make, entries, monkeypatch):
    from core.errors import ResourceError

    def full(queue, path):
        raise ResourceError("the disk is full", path=path, remedy="Free some space.")

    monkeypatch.setattr("core.scan.queue_file.write_queue", full)
    runner = make()
    runner.add(entries[:1])
    finish(qtbot, runner)
    assert states(runner) == {"a": "done"}
    assert len(runner.told) == 1
    assert "the disk is full" in runner.told[0]


def test_starting_over_is_not_done_twice(qtbot, make, worker, tmp_path):
    entry = entry_of(write_image(tmp_path / "a.tif", spotted_image(64, 0)), id="a")
    entry = type(entry)(request_of(entry.section, restart=True), "Toy", "a")
    worker.blocked.add("a.tif")
    first = make()
    first.add([entry])
    until_half(qtbot, first)
    first.leave()
    worker.blocked.clear()
    second = make()
    second.restore()
    second.go_on()
    finish(qtbot, second)
    assert [request.options.restart for request in worker.requests] == [True, False]


# -- awake -----------------------------------------------------------------------------------------


class Holding:
    """Counts who holds off sleep now."""

    def __init__(self):
        self.now = self.ever = 0

    @contextmanager
    def __call__(self):
        self.now, self.ever = self.now + 1, self.ever + 1
        try:
            yield
        finally:
            self.now -= 1


def test_the_machine_is_kept_awake_while_a_scan_runs_and_not_while_it_is_paused(qtbot, runner, worker, entries):
    holding = Holding()
    awake = Awake(runner, holding)
    worker.blocked.add("a.tif")
    runner.add(entries)
    until_half(qtbot, runner)
    qtbot.waitUntil(lambda: holding.now == 1)
    runner.hold()
    qtbot.waitUntil(lambda: holding.now == 0)
    assert not awake.holding
    runner.go_on()
    qtbot.waitUntil(lambda: holding.now == 1)
    worker.blocked.clear()
    finish(qtbot, runner)
    qtbot.waitUntil(lambda: holding.now == 0)
    assert not awake.holding


def test_a_system_that_refuses_is_a_line_in_the_log(qtbot, runner, entries, caplog):
    def refuse():
        raise OSError("no bus")

    caplog.set_level("INFO", "schliff.scans")
    Awake(runner, refuse)
    runner.add(entries[:1])
    finish(qtbot, runner)
    qtbot.waitUntil(lambda: "the machine may go to sleep: no bus" in caplog.text)
    assert runner.told == []


def test_the_real_thing_is_entered_and_left(monkeypatch, caplog):
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "yes")
    with keep_awake() as mode:
        assert mode.active
    assert not mode.active
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "")
    monkeypatch.setenv("WAKEPY_FORCE_FAILURE", "yes")
    caplog.set_level("INFO", "schliff.scans")
    with keep_awake() as mode:
        assert not mode.active
    assert "the machine may go to sleep" in caplog.text
