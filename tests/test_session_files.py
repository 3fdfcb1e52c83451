"""Opening files and projects through the session, with real files: what it holds then, and how errors are told."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from app import opening
from app.jobs import Job
from app.layer_styles import LayerStyles
from app.opening import project_home
from app.session import Session
from app.session_lease import LeasedSection
from app.session_opening import Opened
from app.session_state import SavedView, ViewState
from core.errors import CancelledError
from core.look import Look
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.section import Plane, RegionRequest
from tests.memory_section import MemorySection, noise
from tests.toy import ToyModel, spotted_image, toy_spec, write_image


@pytest.fixture
def session(qtbot):
    session = Session()
    session.told = []
    session.message.connect(lambda level, text: session.told.append((level, text)))
    yield session
    session.close()
    assert not any(lane.running for lane in (session.lanes.gpu, session.lanes.io, session.lanes.build))


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "spots.png", spotted_image())


def open_and_wait(qtbot, session, path):
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(path)


def test_a_section_opens_without_a_project_and_makes_none(qtbot, session, image):
    open_and_wait(qtbot, session, image)
    assert session.section.info.width_px == 400
    assert session.project is None
    assert session.look == Look()
    assert sorted(p.name for p in image.parent.iterdir() if p.name != "schliff-home") == ["spots.png"]


@pytest.mark.parametrize(
    ("name", "content", "clause"),
    [
        ("missing.czi", None, "there is no such file"),
        ("empty.tif", b"", "the file is empty"),
        ("text.czi", b"this is not a picture\n" * 20, "its content is not"),
        ("cut.png", "cut", "spots"),
    ],
)
def test_what_cant_be_opened_is_told_with_its_name_and_the_section_before_stays(
    qtbot, session, image, tmp_path, name, content, clause
):
    open_and_wait(qtbot, session, image)
    before = session.section
    path = tmp_path / name
    if content == "cut":
        path.write_bytes(image.read_bytes()[:200])
        clause = name
    elif content is not None:
        path.write_bytes(content)
    with qtbot.waitSignal(session.failed_to_open, timeout=20_000):
        session.open_path(path)
    level, text = session.told[-1]
    assert level == "error"
    assert str(path) in text
    assert clause in text
    assert "\n" not in text
    assert session.section is before


def test_a_damaged_project_does_not_keep_its_section_closed(qtbot, session, image):
    folder = image.with_name("spots.schliff")
    folder.mkdir()
    (folder / "project.sqlite").write_bytes(b"not a database" * 100)
    open_and_wait(qtbot, session, image)
    assert session.section is not None
    assert session.project is None
    assert session.told[-1][0] == "warning"
    assert "spots.schliff" in session.told[-1][1]


def test_the_scan_started_last_is_shown_though_an_older_one_was_killed(qtbot, session, image):
    with Project.create(image.with_name("spots.schliff")) as project, open_section(image) as section:
        run_scan(project, section, ToyModel())
        with project.database.writing() as db:
            db.execute("UPDATE scans SET status = 'running'")  # as a killed program leaves it
        last = run_scan(project, section, ToyModel(toy_spec(id="other"))).scan_id
    open_and_wait(qtbot, session, image)
    assert session.scan.id == last


def test_an_empty_or_wrong_project_folder_is_told(qtbot, session, tmp_path):
    with Project.create(tmp_path / "new.schliff"):
        pass
    (tmp_path / "none.schliff").mkdir()
    for name, clause in (("new.schliff", "no section yet"), ("none.schliff", "no Schliff project")):
        with qtbot.waitSignal(session.failed_to_open, timeout=20_000):
            session.open_path(tmp_path / name)
        assert clause in session.told[-1][1]


def test_only_the_last_path_asked_for_is_taken(qtbot, session, image, tmp_path):
    second = write_image(tmp_path / "second.png", spotted_image(200, 2))
    opened = []
    session.path_opened.connect(opened.append)
    session.open_path(image)
    session.open_path(second)
    qtbot.waitUntil(lambda: opened == [str(second)], timeout=20_000)
    qtbot.waitUntil(lambda: not session.lanes.io.busy)
    assert opened == [str(second)]
    assert session.section.info.width_px == 200


def test_a_16_bit_section_gets_its_range_from_its_values(qtbot, session, tmp_path):
    values = np.linspace(1000, 3000, 200 * 300).astype(np.uint16).reshape(200, 300)
    cv2.imwrite(str(tmp_path / "deep.png"), values)
    open_and_wait(qtbot, session, tmp_path / "deep.png")
    (curve,) = session.look.channel(0).curves
    assert curve.low == pytest.approx(1002, abs=5)
    assert curve.high == pytest.approx(2998, abs=5)


def test_the_window_comes_back_exactly_as_it_was_left(qtbot, session, image):
    with Project.create(image.with_name("spots.schliff")):
        pass
    open_and_wait(qtbot, session, image)
    session.set_view(ViewState(123.456, 78.9, 3.21))
    layers = LayerStyles().styled("heat", opacity=0.25, visible=False).with_heat(colour_map="cividis")
    layers = layers.styled("detections", visible=False).moved("grid", 5)
    session.set_layers(layers)
    session.set_hidden_labels({"pore", "crack"})
    look = replace(Look(), inverted=True, sharpening=0.5, flat_field=True).with_curve(10, 200, 0.7, channel=2)
    session.set_look(look)
    session.saving.now()
    project_path = session.project.path
    session.close_section()
    assert session.section is None
    assert session.view is None
    for path in (image, project_path):
        other = Session()
        open_and_wait(qtbot, other, path)
        assert other.view == ViewState(123.456, 78.9, 3.21)
        assert other.layers == layers
        assert other.hidden_labels == {"pore", "crack"}
        assert other.look == look
        other.close()


def test_the_window_does_not_wait_until_it_is_stored_how_it_was_left(qtbot, session, image, tmp_path, monkeypatch):
    for folder in (image.with_name("spots.schliff"), tmp_path / "second.schliff"):
        with Project.create(folder):
            pass
    second = write_image(tmp_path / "second.png", spotted_image(200, 2))
    stored_in = []
    store = Project.set_state
    monkeypatch.setattr(
        Project, "set_state", lambda *given: (stored_in.append(threading.get_ident()), store(*given))[1]
    )
    open_and_wait(qtbot, session, image)
    session.set_view(ViewState(5.5, 6.25, 2.0))
    session.saving.behind()
    session.set_view(ViewState(7.5, 8.25, 2.0))
    session.open_path(second)
    qtbot.waitUntil(lambda: session.section is not None and session.section.info.path == second, timeout=20_000)
    session.set_view(ViewState(1.5, 2.25, 3.0))
    open_and_wait(qtbot, session, image)
    assert session.view == ViewState(7.5, 8.25, 2.0)
    assert stored_in
    assert threading.get_ident() not in stored_in
    open_and_wait(qtbot, session, second)
    assert session.view == ViewState(1.5, 2.25, 3.0)


def test_what_is_changed_while_the_next_section_is_opening_is_kept(qtbot, session, image, tmp_path):
    with Project.create(image.with_name("spots.schliff")) as project:
        path = project.path
    open_and_wait(qtbot, session, image)
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(write_image(tmp_path / "second.png", spotted_image(200, 2)))
        session.set_view(ViewState(77.5, 66.25, 2.0))
    open_and_wait(qtbot, session, path)
    assert session.view == ViewState(77.5, 66.25, 2.0)


def test_saved_values_that_make_no_sense_are_left_out():
    good = SavedView(
        ViewState(1, 2, 3), "s", 5, frozenset({"a"}), LayerStyles().with_layer("x", "X"), Plane(1, 2, 3), Look()
    )
    assert SavedView.from_json(good.to_json()) == good
    broken = good.to_json() | {
        "view": {"x_px": "nan", "y_px": 0, "zoom": 1},
        "plane": 7,
        "look": {"channels": [[5, 1]]},
    }
    restored = SavedView.from_json(broken)
    assert (restored.view, restored.plane, restored.look) == (None, Plane(), None)
    assert restored.hidden_labels == {"a"}
    assert SavedView.from_json("nonsense") == SavedView()


def test_a_project_goes_beside_its_section_or_where_the_user_may_write(tmp_path, monkeypatch):
    section = tmp_path / "disc 7.ome.tif"
    assert project_home(section) == tmp_path / "disc 7.schliff"
    monkeypatch.setattr(opening.os, "access", lambda path, mode: False)
    elsewhere = project_home(section)
    assert elsewhere.is_relative_to(os.environ["SCHLIFF_HOME"])
    assert elsewhere.name.startswith("disc 7-")
    assert elsewhere.suffix == ".schliff"
    assert elsewhere != project_home(tmp_path / "other" / "disc 7.ome.tif")


def test_a_project_whose_section_is_gone_says_which_file(qtbot, session, image):
    with Project.create(image.with_name("spots.schliff")):
        pass
    open_and_wait(qtbot, session, image)
    session.close_section()
    qtbot.waitUntil(lambda: not session.lanes.build.busy)
    image.unlink()  # under another name beside it, it would be found
    with qtbot.waitSignal(session.failed_to_open, timeout=20_000):
        session.open_path(image.with_name("spots.schliff"))
    assert "spots.png" in session.told[-1][1]


def test_a_project_is_closed_only_when_its_list_is_written(qtbot, session, image):
    with Project.create(image.with_name("spots.schliff")):
        pass
    open_and_wait(qtbot, session, image)
    project, closed, results = session.project, threading.Event(), []

    def slow_list(progress, cancel):
        closed.wait(0.5)  # time enough for another lane
        return project.detections()

    close = project.close
    project.close = lambda: (close(), closed.set())
    session.run_io(Job(slow_list)).finished.connect(results.append)
    session.close_section()
    qtbot.waitUntil(lambda: not (session.lanes.io.busy or session.lanes.build.busy))
    assert results == [[]]
    assert closed.is_set()
    assert not [text for level, text in session.told if level == "error"]


def test_a_picture_of_a_section_is_written_to_its_end_though_the_section_is_closed(qtbot, session):
    section, gate, results = LeasedSection(MemorySection(noise(100, 100))), threading.Event(), []
    session.adopt(Opened(section))

    def write(progress, cancel):
        gate.wait(20)
        return section.read(RegionRequest(0, 0, 10, 10))

    session.lanes.copies.submit(Job(write)).finished.connect(results.append)
    session.close_section()
    qtbot.waitUntil(lambda: not (session.lanes.build.busy or session.lanes.io.busy))
    gate.set()
    qtbot.waitUntil(lambda: section.wrapped.closed)
    assert len(results) == 1


def test_what_was_left_just_before_the_end_is_closed_too(session):
    inner, going = MemorySection(noise(100, 100)), threading.Event()
    session.adopt(Opened(LeasedSection(inner)))

    def build(progress, cancel):
        going.set()
        while not threading.Event().wait(0.001):
            cancel.check()

    session.lanes.build.submit(Job(build))
    assert going.wait(20)
    session.close_section()
    session.close()
    assert inner.closed


def test_a_section_is_closed_only_when_nobody_reads_it_any_more(qtbot, session):
    inner = MemorySection(noise(100, 100))
    leased = LeasedSection(inner)
    session.adopt(Opened(leased))
    inner.gate.clear()
    read = session.run_io(Job(lambda progress, cancel: leased.read(RegionRequest(0, 0, 10, 10))))
    results = []
    read.finished.connect(results.append)
    qtbot.wait(50)
    session.close_section()
    qtbot.wait(50)
    assert not inner.closed
    inner.gate.set()
    qtbot.waitUntil(lambda: inner.closed)
    qtbot.waitUntil(lambda: len(results) == 1)
    with pytest.raises(CancelledError):
        leased.read(RegionRequest(0, 0, 10, 10))
