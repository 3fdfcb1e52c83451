"""The details of a detection: facts in the right units, decisions and notes that reach the project, positions to paste."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from app.panels.details import Details
from core.geometry import Box
from core.project import Project
from tests.gallery_support import ArraySection, fill, fill_from_project, grey_section, make_detection, some_detections


@pytest.fixture
def panel(qtbot, session):
    panel = Details(session)
    qtbot.addWidget(panel)
    panel.resize(320, 500)
    return panel


@pytest.fixture
def reviewed(session, tmp_path):
    project = fill_from_project(session, tmp_path, some_detections())
    yield session
    session.adopt(None)
    project.close()


ONE = make_detection(7, 0.91, "crack", box=Box(100.0, 200.0, 40.0, 20.0), area_px=500.0, severity=71.0)


def test_facts_in_micrometres_and_on_the_stage(panel, session):
    fill(session, [ONE])
    session.select(7, "viewer")
    assert panel.fact("Score") == "0.910 (probability)"
    assert panel.fact("Size") == "20.0 × 10.0 µm"
    assert panel.fact("Area") == "125 µm²"
    assert panel.fact("Pixel") == "120.0, 210.0"
    assert panel.fact("Stage") == "1,060.0, -1,895.0 µm"
    QTest.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "1060.00\t-1895.00"


def test_without_calibration_there_is_no_stage_and_no_micrometre(panel, session):
    fill(session, [ONE], ArraySection(grey_section()._pixels, None))
    session.select(7, "viewer")
    assert panel.fact("Size") == "40 × 20 px"
    assert panel.fact("Stage") == ""
    assert panel.fact("From corner") == ""
    assert "pixel" in panel.copy.text()
    QTest.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "120.00\t210.00"


def test_nothing_selected_says_so(panel, session):
    fill(session, [ONE])
    assert not panel.note.isVisible()
    session.select(7, "viewer")
    assert panel.note.isVisible()
    session.select(None, "viewer")
    assert not panel.note.isVisible()


def test_buttons_decide_and_follow_undo(panel, reviewed):
    reviewed.select(1, "viewer")
    QTest.mouseClick(panel.status_buttons["artefact"], Qt.MouseButton.LeftButton)
    assert reviewed.selected.status == "artefact"
    reviewed.undo()
    assert panel.status_buttons["unreviewed"].isChecked()


def test_a_note_is_kept_on_enter_and_when_the_selection_moves_on(panel, reviewed):
    reviewed.select(1, "viewer")
    panel.note.setFocus()
    QTest.keyClicks(panel.note, "look in SEM")
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert reviewed.selected.note == "look in SEM"
    assert reviewed.selected.status == "unreviewed"
    QTest.keyClicks(panel.note, " soon")
    reviewed.select(2, "keys")
    assert panel.note.text() == ""
    assert reviewed.detection(1).note == "look in SEM soon"
    assert reviewed.detection(2).note == ""


def test_a_scan_that_goes_on_does_not_disturb_a_note_being_written(panel, session):
    fill(session, [ONE])
    session.select(7, "viewer")
    panel.note.setFocus()
    QTest.keyClicks(panel.note, "half a")
    session.adopt_detections([ONE, make_detection(8, 0.5)])
    assert panel.note.text() == "half a"


def test_a_note_being_written_stays_with_its_own_project_when_the_section_goes(panel, reviewed, tmp_path):
    own = reviewed.project.path
    reviewed.select(1, "viewer")
    panel.note.setFocus()
    QTest.keyClicks(panel.note, "look in SEM")
    (tmp_path / "next").mkdir()
    reviewed.settle()
    other = fill_from_project(reviewed, tmp_path / "next", some_detections())
    reviewed.select(1, "session")
    QTest.keyClick(panel.note, Qt.Key.Key_Return)
    assert panel.note.text() == ""
    assert {d.note for d in other.detections()} == {""}
    other.close()
    with Project.open(own) as project:
        assert {d.id: d.note for d in project.detections() if d.note} == {1: "look in SEM"}
