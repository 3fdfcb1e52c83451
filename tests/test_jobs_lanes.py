"""Jobs run in their lane's thread, tell the window's thread, end exactly once, and leave no thread behind."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from app.jobs import Job, Lane, Lanes
from core.errors import InputError
from core.jobs import CancelToken, Step


@pytest.fixture
def lane(qtbot):
    lane = Lane("test")
    yield lane
    lane.close()


def test_a_job_gives_its_result_to_the_windows_thread(qtbot, lane):
    seen = {}
    job = Job(lambda progress, cancel: threading.get_ident())
    job.finished.connect(lambda result: seen.update(worked_in=result, told_in=threading.get_ident()))
    with qtbot.waitSignal(job.ended):
        lane.submit(job)
    assert seen["worked_in"] != threading.get_ident()
    assert seen["told_in"] == threading.get_ident()
    assert job.is_over
    assert not lane.busy


def test_fast_progress_is_thinned_but_its_last_step_arrives(qtbot, lane):
    def work(progress, cancel):
        for done in range(10_000):
            progress(Step(done + 1, 10_000))

    job = Job(work)
    steps = []
    job.progress.connect(steps.append)
    with qtbot.waitSignal(job.ended):
        lane.submit(job)
    assert steps[-1].done == 10_000
    assert len(steps) < 5_000


def test_everything_posted_arrives_in_order_before_the_end(qtbot, lane):
    job: Job = Job(lambda progress, cancel: [job.post(i) for i in range(100)])
    seen = []
    job.posted.connect(seen.append)
    job.finished.connect(lambda _: seen.append("end"))
    with qtbot.waitSignal(job.ended):
        lane.submit(job)
    assert seen == [*range(100), "end"]


@pytest.mark.parametrize("error", [InputError("broken", path="x.czi"), ValueError("surprise")])
def test_a_failure_is_told_and_the_lane_goes_on(qtbot, lane, error):
    def work(progress, cancel):
        raise error

    job, after = Job(work), Job(lambda progress, cancel: 7)
    failures, results = [], []
    job.failed.connect(failures.append)
    after.finished.connect(results.append)
    lane.submit(job)
    with qtbot.waitSignal(after.ended):
        lane.submit(after)
    assert failures == [error]
    assert results == [7]


def test_cancelling_ends_as_cancelled_running_or_queued(qtbot, lane):
    started = threading.Event()

    def work(progress, cancel):
        started.set()
        while True:
            cancel.check()
            time.sleep(0.001)

    running, queued = Job(work), Job(lambda progress, cancel: 1)
    endings = []
    for job, name in ((running, "running"), (queued, "queued")):
        job.cancelled.connect(lambda name=name: endings.append(name))
        job.finished.connect(lambda _: endings.append("finished"))
        lane.submit(job)
    assert started.wait(5)
    queued.cancel()
    running.cancel()
    qtbot.waitUntil(lambda: len(endings) == 2)
    assert endings == ["running", "queued"]


def test_closing_cancels_and_joins_all_lanes(qtbot):
    lanes = Lanes()
    started = threading.Event()

    def work(progress, cancel):
        started.set()
        while not cancel.cancelled:
            time.sleep(0.001)

    for lane in (lanes.gpu, lanes.io, lanes.build):
        lane.submit(Job(work))
    assert started.wait(5)
    lanes.close()
    assert not any(lane.running for lane in (lanes.gpu, lanes.io, lanes.build))
    late = lanes.io.submit(Job(work))
    assert not lanes.io.busy
    assert not lanes.io.running
    assert not late.is_over, "whoever asks at the very end is told nothing"


def test_lanes_work_side_by_side(qtbot):
    lanes = Lanes()
    release = threading.Event()
    slow, quick = Job(lambda progress, cancel: release.wait(10)), Job(lambda progress, cancel: "done")
    lanes.gpu.submit(slow)
    with qtbot.waitSignal(quick.finished):
        lanes.io.submit(quick)
    assert not slow.is_over
    release.set()
    qtbot.waitUntil(lambda: slow.is_over)
    lanes.close()


def test_the_clock_of_work_leaves_pauses_out(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("core.jobs.time.monotonic", lambda: now[0])
    token = CancelToken()
    begun = token.clock()
    now[0] = 103
    token.pause()
    now[0] = 110
    token.pause()
    assert token.clock() - begun == 3
    now[0] = 1000
    token.go_on()
    now[0] = 1002
    token.go_on()
    assert token.clock() - begun == 5
    token.pause()
    now[0] = 2000
    token.cancel()
    now[0] = 2001
    assert token.clock() - begun == 6


def test_what_is_cancelled_is_not_held_by_a_pause():
    token = CancelToken()
    token.cancel()
    token.pause()
    assert not token.paused


def test_a_job_that_is_over_goes_with_what_it_knew(qtbot, lane):
    class Known:
        pass

    known = Known()
    gone = weakref.ref(known)
    job = Job(lambda progress, cancel, known=known: known)
    over = weakref.ref(job)
    heard = []
    job.finished.connect(lambda result, job=job: heard.append(job.is_over))
    with qtbot.waitSignal(job.ended):
        lane.submit(job)
    assert heard == [True]
    del job, known
    gc.collect()
    assert over() is None
    assert gone() is None
