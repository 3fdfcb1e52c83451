"""Scanning and judging through the session, on a real file with a model simple enough to know what it must find."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from app.session import Session
from core.errors import ResourceError
from core.geometry import Box
from core.project import Project
from core.scan.options import ScanOptions
from core.scan.queue import Entry
from core.scan.request import ScanRequest
from tests.scan_support import scan_here
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

SPOTS = 12


class GatedModel(ToyModel):
    """Stops before a tile until it may go on."""

    gate = threading.Event()
    waiting = threading.Event()
    fail = False

    def map_tile(self, pixels):
        if self.mapped >= 12:
            self.waiting.set()
            assert self.gate.wait(20)
        if self.fail:
            raise ResourceError("the device ran out of memory", remedy="Choose the CPU.")
        return super().map_tile(pixels)


@pytest.fixture
def session(qtbot, monkeypatch):
    GatedModel.gate.set()
    GatedModel.waiting.clear()
    monkeypatch.setattr(GatedModel, "fail", False)
    scan_here(monkeypatch, GatedModel)
    session = Session()
    session.told = []
    session.message.connect(lambda level, text: session.told.append((level, text)))
    yield session
    GatedModel.gate.set()
    session.close()
    assert not any(lane.running for lane in (session.lanes.gpu, session.lanes.io, session.lanes.build))


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "spots.png", spotted_image(spots=SPOTS))


def open_and_wait(qtbot, session, path):
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(path)


def entry_for(section, project):
    return Entry(ScanRequest.of(section, project, toy_spec(), ScanOptions()), "Toy")


def settle(qtbot, session):
    qtbot.waitUntil(lambda: not (session.scanning or session.lanes.io.busy), timeout=20_000)


def scan(qtbot, session):
    with qtbot.waitSignal(session.scan_finished, timeout=30_000) as finished:
        session.start_scan(toy_spec(), ScanOptions())
    settle(qtbot, session)
    return finished.args[0]


def test_the_first_scan_makes_a_project_and_shows_what_it_found(qtbot, session, image):
    open_and_wait(qtbot, session, image)
    summary = scan(qtbot, session)
    assert summary.detections == len(session.visible_detections()) == SPOTS
    assert session.project.path == image.with_name("spots.schliff")
    assert ("info", f"Project: {session.project.path}") in session.told
    assert session.scan.id == summary.scan_id
    assert session.score_map.labels == 1
    severities = [d.severity for d in session.detections]
    assert severities == sorted(severities, reverse=True)


def test_opening_the_section_again_brings_its_project_scan_threshold_and_selection(qtbot, session, image):
    open_and_wait(qtbot, session, image)
    scan(qtbot, session)
    session.set_threshold(0.61)
    session.select(session.detections[3].id, "gallery")
    chosen, count = session.selected_id, len(session.detections)
    session.close_section()
    assert session.detections == []
    open_and_wait(qtbot, session, image)
    assert (session.threshold, session.selected_id, len(session.detections)) == (0.61, chosen, count)
    assert session.scan.threshold == 0.61


def test_while_it_scans_detections_and_map_come_in(qtbot, session, image):
    GatedModel.gate.clear()
    open_and_wait(qtbot, session, image)
    steps = []
    session.scan_progress.connect(steps.append)
    session.start_scan(toy_spec(), ScanOptions())
    assert session.scanning
    qtbot.waitUntil(lambda: session.project is not None, timeout=20_000)
    seen = []
    session.detections_changed.connect(lambda: seen.append(len(session.detections)))
    GatedModel.gate.set()
    settle(qtbot, session)
    assert seen[-1] >= SPOTS
    assert steps[-1].done == steps[-1].total > 0


def test_a_cancelled_scan_resumes_to_the_same_end(qtbot, session, image):
    GatedModel.gate.clear()
    open_and_wait(qtbot, session, image)
    with qtbot.waitSignal(session.scan_finished, timeout=30_000) as finished:
        session.start_scan(toy_spec(), ScanOptions())
        qtbot.waitUntil(GatedModel.waiting.is_set, timeout=20_000)
        session.cancel_scan()
        GatedModel.gate.set()
    assert finished.args[0] is None
    settle(qtbot, session)
    assert session.scan.status == "interrupted"
    summary = scan(qtbot, session)
    assert summary.resumed
    assert len(session.visible_detections()) == SPOTS
    assert [s.status for s in session.scans] == ["done"]


def test_a_failing_device_is_told_and_nothing_is_lost(qtbot, session, image, monkeypatch):
    open_and_wait(qtbot, session, image)
    monkeypatch.setattr(GatedModel, "fail", True)
    assert scan(qtbot, session) is None
    assert ("error", "the device ran out of memory. Choose the CPU.") in session.told
    monkeypatch.setattr(GatedModel, "fail", False)
    assert scan(qtbot, session).detections >= SPOTS


def test_a_scan_goes_on_while_another_section_is_open_and_keeps_that_one_clean(qtbot, session, image, tmp_path):
    other = write_image(tmp_path / "other.png", spotted_image(200, 2))
    GatedModel.gate.clear()
    open_and_wait(qtbot, session, image)
    session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(lambda: GatedModel.waiting.is_set() and session.project is not None, timeout=20_000)
    open_and_wait(qtbot, session, other)
    assert session.scanning
    assert not session.scanning_here
    GatedModel.gate.set()
    settle(qtbot, session)
    qtbot.waitUntil(lambda: not session.lanes.build.busy)
    assert session.section.info.width_px == 200
    assert session.project is None
    assert session.detections == []
    with Project.open(image.with_name("spots.schliff")) as project:
        assert [s.status for s in project.scans()] == ["done"]


def test_coming_back_to_a_section_that_is_being_scanned_shows_it_live_again(qtbot, session, image, tmp_path):
    other = write_image(tmp_path / "other.png", spotted_image(200, 2))
    GatedModel.gate.clear()
    open_and_wait(qtbot, session, image)
    session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(lambda: GatedModel.waiting.is_set() and session.project is not None, timeout=20_000)
    open_and_wait(qtbot, session, other)
    open_and_wait(qtbot, session, image)
    assert session.scanning_here
    qtbot.waitUntil(lambda: session.scan is not None and session.scan.status == "running", timeout=20_000)
    GatedModel.gate.set()
    settle(qtbot, session)
    assert len(session.visible_detections()) == SPOTS
    assert session.scan.status == "done"


def test_a_section_opened_while_its_first_scan_begins_shows_it(qtbot, session, image, monkeypatch):
    """It had no project yet when it was looked for."""
    GatedModel.gate.clear()
    session.queue.add([entry_for(image, image.with_name("spots.schliff"))])
    qtbot.waitUntil(GatedModel.waiting.is_set, timeout=20_000)
    with monkeypatch.context() as patch:
        patch.setattr("app.opening.project_home", lambda path: path.with_name("not yet"))
        open_and_wait(qtbot, session, image)
    assert session.project is None
    GatedModel.gate.set()
    settle(qtbot, session)
    qtbot.waitUntil(lambda: len(session.visible_detections()) == SPOTS, timeout=20_000)
    assert session.scan.status == "done"


def test_a_scan_of_the_open_section_into_another_project_is_not_shown_here(qtbot, session, image, tmp_path):
    open_and_wait(qtbot, session, image)
    with qtbot.waitSignal(session.queue.all_over, timeout=30_000):
        session.queue.add([entry_for(image, tmp_path / "other.schliff")])
    settle(qtbot, session)
    assert session.project is None
    assert not image.with_name("spots.schliff").exists()
    assert Project.is_project(tmp_path / "other.schliff")


def test_whoever_looks_at_another_scan_is_left_in_peace(qtbot, session, image, monkeypatch):
    open_and_wait(qtbot, session, image)
    first = scan(qtbot, session)
    GatedModel.gate.clear()
    session.start_scan(toy_spec(), ScanOptions(regions=(Box(0, 0, 500, 500),)))
    qtbot.waitUntil(GatedModel.waiting.is_set, timeout=20_000)
    qtbot.waitUntil(lambda: session.scan.id != first.scan_id, timeout=20_000)
    session.set_scan(first.scan_id)
    qtbot.waitUntil(lambda: session.scan.id == first.scan_id and not session.lanes.io.busy, timeout=20_000)
    shown = list(session.detections)
    session.queue.posted.emit([replace(shown[0], scan_id=session.scans[-1].id)])
    session.scan_control._show_found()
    assert not session.lanes.io.busy
    assert session.detections == shown


def test_decisions_are_stored_told_and_undone(qtbot, session, image):
    open_and_wait(qtbot, session, image)
    scan(qtbot, session)
    told = []
    session.decisions_changed.connect(told.append)
    first, second = session.detections[0].id, session.detections[1].id
    session.select(first, "gallery")
    session.decide("defect")
    session.decide("artefact", [second], note="a scratch")
    assert [session.detection(i).status for i in (first, second)] == ["defect", "artefact"]
    assert session.detection(second).note == "a scratch"
    assert session.can_undo
    assert not session.can_redo
    session.undo()
    assert session.detection(second).status == "unreviewed"
    session.redo()
    assert session.detection(second).status == "artefact"
    assert told == [[first], [second], [second], [second]]
    session.close_section()
    open_and_wait(qtbot, session, image)
    assert session.detection(first).status == "defect"
    assert session.can_undo


def test_next_and_previous_walk_the_visible_ones_worst_first(qtbot, session, image):
    open_and_wait(qtbot, session, image)
    scan(qtbot, session)
    order = [d.id for d in session.visible_detections()]
    session.select_next()
    assert session.selected_id == order[0]
    session.select_next()
    assert session.selected_id == order[1]
    session.select_next(-1)
    session.select_next(-1)
    assert session.selected_id == order[0]
    session.set_threshold(0.99)
    before = session.selected_id
    session.select_next()
    assert session.selected_id == before


def test_closing_while_scanning_ends_in_time_and_can_be_resumed(qtbot, session, image):
    GatedModel.gate.clear()
    open_and_wait(qtbot, session, image)
    session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(GatedModel.waiting.is_set, timeout=20_000)
    threading.Timer(0.3, GatedModel.gate.set).start()
    session.close()
    with Project.open(image.with_name("spots.schliff")) as project:
        assert project.scans()[0].status == "interrupted"
