"""Drawings in the session: stored at once, with a project of their own if need be, undone in one order, never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.drawing import Drawing
from core.errors import ResourceError
from core.project import Project
from core.project.drawing_store import DrawingStore
from tests.gallery_support import fill_from_project, some_detections
from tests.toy import spotted_image, write_image

RULER = Drawing("ruler", ((10.25, 20), (110.5, 20)))
BOX = Drawing("box", ((0, 0), (30, 40)))


@pytest.fixture
def told(session):
    found = []
    session.message.connect(lambda level, text: found.append((level, text)))
    return found


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "spots.png", spotted_image())


def open_and_wait(qtbot, session, path):
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(path)


def stored(path) -> list[Drawing]:
    with Project.open(path) as project:
        return DrawingStore(project).drawings(1)


def test_the_first_drawing_makes_a_project(qtbot, session, image, told):
    open_and_wait(qtbot, session, image)
    session.drawings.add(RULER)
    session.drawings.add(BOX)
    assert [d.kind for d in session.drawings.items] == ["ruler", "box"], "seen at once"
    qtbot.waitUntil(lambda: all(d.id > 0 for d in session.drawings.items) and session.project is not None)
    assert session.drawings.selected.kind == "box"
    assert ("note", f"Project: {image.with_name('spots.schliff')}") in told
    session.undo()
    assert [d.kind for d in session.drawings.items] == ["ruler"]
    assert session.drawings.selected is None
    session.redo()
    assert session.drawings.selected.kind == "box"
    session.close_section()
    assert session.drawings.items == []
    assert [d.kind for d in stored(image.with_name("spots.schliff"))] == ["ruler", "box"]
    open_and_wait(qtbot, session, image)
    assert [d.points for d in session.drawings.items] == [RULER.points, BOX.points]
    session.undo()
    assert [d.kind for d in session.drawings.items] == ["ruler"]


@pytest.mark.parametrize("leave", ["close", "close_section"])
def test_what_was_drawn_just_before_leaving_is_kept(qtbot, session, image, leave):
    open_and_wait(qtbot, session, image)
    session.drawings.add(RULER)
    getattr(session, leave)()
    assert [d.points for d in stored(image.with_name("spots.schliff"))] == [RULER.points]


def test_where_nothing_can_be_written_it_is_said_and_tried_again(qtbot, session, image, told, monkeypatch):
    import app.session_project as module

    def fail(section, cancel=None):
        raise ResourceError("no permission to write here", path="p.schliff", remedy="Choose another folder for it.")

    real = module.make_project
    open_and_wait(qtbot, session, image)
    monkeypatch.setattr(module, "make_project", fail)
    session.drawings.add(RULER)
    qtbot.waitUntil(lambda: any(level == "error" for level, _ in told))
    assert told[-1][1].startswith("The drawing is not saved yet. p.schliff: no permission")
    assert session.drawings.selected == replace(RULER, id=-1), "still there"
    session.drawings.change(replace(session.drawings.selected, name="gap"))
    qtbot.waitUntil(lambda: not session.lanes.io.busy)
    monkeypatch.setattr(module, "make_project", real)
    session.drawings.add(BOX)
    qtbot.waitUntil(lambda: session.project is not None)
    assert [(d.id, d.name) for d in session.drawings.items] == [(1, "gap"), (2, "")]
    monkeypatch.setattr(DrawingStore, "add", lambda *args: fail(None))
    session.drawings.add(BOX)
    assert told[-1][1].startswith("The drawing is not saved yet.")
    assert len(session.drawings.items) == 3
    session.drawings.remove()
    assert len(session.drawings.items) == 2


def test_undo_goes_back_through_drawings_and_decisions_alike(qtbot, session, tmp_path):
    fill_from_project(session, tmp_path, some_detections(5))
    first, second = session.detections[0].id, session.detections[1].id
    session.drawings.add(RULER)
    session.decide("defect", [first])
    ruler = session.drawings.items[0]
    session.drawings.change(replace(ruler, name="gap").moved(0, 5))
    session.decide("artefact", [second])
    session.drawings.remove([ruler.id])
    assert session.drawings.items == []
    session.undo()
    assert session.drawings.selected.name == "gap"
    session.undo()
    assert session.detection(second).status == "unreviewed"
    assert session.selected_id == second
    session.undo()
    assert session.drawings.items == [ruler]
    session.undo()
    session.undo()
    assert session.drawings.items == []
    assert not session.can_undo
    for _ in range(5):
        assert session.can_redo
        session.redo()
    assert session.drawings.items == []
    assert [session.detection(i).status for i in (first, second)] == ["defect", "artefact"]
    assert not session.can_redo


def test_undo_of_what_is_not_shown_says_so(session, tmp_path, told):
    fill_from_project(session, tmp_path, some_detections(5))
    session.decide("defect", [session.detections[0].id])
    session.scan = None
    session.adopt_detections([])  # another scan is shown
    session.undo()
    assert told == [("info", "That was in another scan or section of this project.")]


def test_a_project_that_cant_be_read_says_so_when_something_is_taken_back(session, tmp_path, told):
    project = fill_from_project(session, tmp_path, some_detections(5))
    session.drawings.add(RULER)
    assert session.can_undo
    with project.database.writing() as db:
        db.execute("ALTER TABLE gestures RENAME TO gone")
    session.undo()
    assert told[-1][0] == "error"


def test_a_scan_and_a_drawing_that_both_want_a_project_share_one(qtbot, session, image, monkeypatch):
    from core.scan.options import ScanOptions
    from tests.scan_support import scan_here
    from tests.toy import toy_spec

    scan_here(monkeypatch)
    open_and_wait(qtbot, session, image)
    with qtbot.waitSignal(session.scan_finished, timeout=30_000):
        session.drawings.add(RULER)
        session.start_scan(toy_spec(), ScanOptions())
    qtbot.waitUntil(lambda: not session.lanes.io.busy and bool(session.detections), timeout=20_000)
    assert [d.id for d in session.drawings.items] == [1]
    assert len(session.scans) == 1
    session.decide("defect", [session.detections[0].id])
    session.undo()
    session.undo()
    assert session.drawings.items == []
    session.redo()
    session.close_section()
    assert [d.points for d in stored(image.with_name("spots.schliff"))] == [RULER.points]
    assert [p.name for p in image.parent.glob("*.schliff")] == ["spots.schliff"]
