"""The queue of scans as a value, and the file that keeps it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ResourceError
from core.geometry import Box
from core.scan.options import Foreground
from core.scan.queue import KEPT_OVER, Report, ScanQueue
from core.scan.queue_file import read_queue, write_queue
from tests.scan_support import entry_of, request_of, summary_of

A, B, C, D = (entry_of(f"/s/{name}.tif", id=name) for name in "abcd")
ALL = ScanQueue((A, B, C, D))


def order(queue):
    return "".join(entry.id for entry in queue.entries)


def test_the_first_that_waits_comes_next_unless_one_runs_or_the_queue_is_held():
    assert ALL.next() is A
    assert ALL.turned(["a"], "paused", but_only=("waiting",)).next() is B
    assert ALL.changed("c", state="running").next() is None
    assert ALL.held_back().next() is None
    assert ALL.held_back().held_back(False).next() is A
    assert ScanQueue().next() is None


def test_the_very_same_scan_is_queued_once():
    again = replace(A, id="x", request=replace(A.request, options=replace(A.request.options, start_at=(3.0, 4.0))))
    assert order(ALL.added([again])) == "abcd"
    other_model, region = (
        entry_of("/s/a.tif", "other", id="m"),
        replace(A, id="r", request=request_of(A.section, regions=(Box(0, 0, 9, 9),))),
    )
    assert order(ALL.added([other_model, region])) == "abcdmr"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_is_tried_again_is_listed_once(state):
    queue = ALL.changed("b", state=state, error="broken")
    again = replace(B, id="x")
    assert order(queue.added([again])) == "acdx"


def test_a_scan_that_is_done_stays_listed_beside_its_repetition():
    assert order(ALL.changed("b", state="done").added([replace(B, id="x")])) == "abcdx"


def test_what_runs_cant_be_taken_off():
    queue = ALL.changed("a", state="running")
    assert order(queue.without(["a", "b"])) == "acd"
    assert order(queue.changed("c", state="done").without_over()) == "abd"


@pytest.mark.parametrize(
    ("ids", "before", "expected"),
    [
        ("d", "a", "dabc"),
        ("a", None, "bcda"),
        ("ac", "d", "bacd"),
        ("bd", "b", "abdc"),
        ("a", "a", "abcd"),
        ("", "a", "abcd"),
    ],
)
def test_moving_before_another(ids, before, expected):
    assert order(ALL.moved(list(ids), before)) == expected


@pytest.mark.parametrize(
    ("ids", "step", "expected"),
    [
        ("b", -1, "bacd"),
        ("a", -1, "abcd"),
        ("b", 1, "acbd"),
        ("d", 1, "abcd"),
        ("bd", -1, "bdac"),
        ("ab", 1, "cabd"),
        ("x", 1, "abcd"),
    ],
)
def test_shifting_by_one_place(ids, step, expected):
    assert order(ALL.shifted(list(ids), step)) == expected


@given(st.sets(st.sampled_from("abcd")), st.sampled_from([*"abcd", None]))
def test_moving_keeps_every_scan_and_the_order_of_both_groups(ids, before):
    moved = order(ALL.moved(ids, before))
    assert sorted(moved) == list("abcd")
    for group in (ids, set("abcd") - ids):
        assert [i for i in moved if i in group] == sorted(group)


def test_after_a_restart_what_ran_waits_and_nothing_starts_unasked():
    queue = ALL.changed("a", state="done").changed("b", state="running").turned(["c"], "paused", but_only=("waiting",))
    restored = queue.restored()
    assert [entry.state for entry in restored.entries] == ["done", "waiting", "paused", "waiting"]
    assert restored.held
    assert not ScanQueue((replace(A, state="done"),), held=True).restored().held


def test_a_scan_that_was_to_start_over_only_does_so_once():
    over = replace(A, request=request_of(A.section, restart=True))
    begun = ScanQueue((over,)).changed("a", state="running").begun("a", 3, 10)
    assert not begun.restored().entries[0].request.options.restart
    assert begun.restored().entries[0].share == 0.3


def test_only_the_latest_of_those_that_are_over_stay_listed():
    entries = [entry_of(f"/s/{n}.tif", id=str(n), state="done") for n in range(KEPT_OVER + 5)]
    queue = ScanQueue().added([*entries, A])
    assert len(queue.entries) == KEPT_OVER + 1
    assert queue.entries[0].id == "5"
    assert queue.entries[-1] is A


def test_the_report_says_how_many_what_failed_and_why():
    done = [replace(e, state="done", summary=summary_of(e.request, 4)) for e in (A, B)]
    failed = replace(C, state="failed", error="it is cut off. Copy it again.")
    report = Report((*done, failed, replace(D, state="cancelled")), 7500.0)
    assert report.text() == (
        "2 scans done in 2 h 05 min, 8 detections above the threshold. 1 scan stopped. "
        "1 scan failed: c.tif with Toy (it is cut off. Copy it again)."
    )


# -- the file --------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "own" / "scans.json"


def test_a_queue_comes_back_as_it_was_kept(path):
    request = request_of(
        Path("/s/a.tif"),
        regions=(Box(1, 2, 3, 4),),
        threshold=0.7,
        start_at=(5.0, 6.0),
        foreground=Foreground(False, 0.1),
    )
    entries = (
        replace(A, request=replace(request, values={"gain": 2.5}, model_path=Path("/m"))),
        replace(B, state="done", done=10, total=10, summary=summary_of(B.request)),
        replace(C, state="failed", error="it is cut off"),
    )
    queue = ScanQueue(entries, held=True)
    write_queue(queue, path)
    kept = read_queue(path)
    assert kept.queue == queue
    assert kept.told == ""


def test_without_a_file_the_queue_is_empty(path):
    assert read_queue(path).queue == ScanQueue()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": "else"}', '{"format": "schliff-scans", "version": 99}', '{"format": "schliff-scans", "version": 1, "held": false, "scans": 3}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_is_put_aside_and_told(path, text):
    path.parent.mkdir()
    path.write_text(text)
    kept = read_queue(path)
    assert kept.queue == ScanQueue()
    assert "scans.unreadable-1.json" in kept.told
    assert not path.exists()
    assert path.with_name("scans.unreadable-1.json").read_text() == text


def test_of_a_file_with_one_broken_scan_the_others_are_kept(path):
    write_queue(ALL, path)
    stored = json.loads(path.read_text())
    del stored["scans"][1]["request"]["section"]
    stored["scans"][2]["state"] = "flying"
    path.write_text(json.dumps(stored))
    kept = read_queue(path)
    assert order(kept.queue) == "ad"
    assert "2 of its scans were kept" in kept.told


def test_fields_of_a_later_version_are_no_hindrance(path):
    done = replace(A, state="done", summary=summary_of(A.request))
    write_queue(ScanQueue((done,)), path)
    stored = json.loads(path.read_text())
    stored["scans"][0]["summary"]["joules"] = 12
    path.write_text(json.dumps(stored))
    assert read_queue(path).queue.entries == (done,)


def test_a_folder_that_cant_be_made_is_told(tmp_path):
    (tmp_path / "own").write_text("a file")
    with pytest.raises(ResourceError):
        write_queue(ALL, tmp_path / "own" / "scans.json")


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    write_queue(ALL, path)
    monkeypatch.setattr(Path, "write_text", lambda *args, **kw: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(ResourceError, match="disk is full"):
        write_queue(ScanQueue(), path)
    monkeypatch.undo()
    assert read_queue(path).queue == ALL
