"""The gallery in a real window: clicks and keys choose, decisions go on, and selection follows both ways."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.gallery.panel import GalleryPanel
from core.arrangement import Arrangement
from core.errors import ResourceError
from core.filters import Filters
from tests.gallery_support import (
    LABELS,
    fill,
    fill_from_project,
    grey_section,
    make_detection,
    scan_record,
    some_detections,
)


@pytest.fixture
def reviewed(session, tmp_path):
    """A session on a real project, so that decisions are really recorded."""
    project = fill_from_project(session, tmp_path, some_detections())
    yield session
    session.saving.now()
    session.adopt(None)
    project.close()


def statuses(session):
    """What the project on disk holds, unreviewed ones left out."""
    return {d.id: d.status for d in session.project.detections(session.scan.id) if d.status != "unreviewed"}


def click(gallery, row, modifier=Qt.KeyboardModifier.NoModifier):
    place = gallery.view.visualRect(gallery.model.index(row)).center()
    QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def ready(qtbot, gallery, count):
    qtbot.waitUntil(lambda: gallery.model.rowCount() == count)


def visible(session):
    return len(session.visible_detections())


def test_shows_what_is_above_the_threshold_and_counts_it(qtbot, session, gallery):
    fill(session, some_detections(100))
    ready(qtbot, gallery, visible(session))
    assert gallery.foot.counts.text() == f"{visible(session)} · 0 reviewed"
    session.set_threshold(0.9)
    ready(qtbot, gallery, visible(session))
    assert 0 < gallery.model.rowCount() < 30
    session.set_hidden_labels({"pore"})
    ready(qtbot, gallery, visible(session))
    assert all(d.label != "pore" for d in gallery.model.shown)


def test_a_click_selects_and_an_enter_asks_to_fly_again(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    with qtbot.waitSignal(session.selection_changed) as changed:
        click(gallery, 4)
    assert changed.args == ["gallery"]
    assert session.selected_id == gallery.model.shown[4].id
    with qtbot.waitSignal(gallery.fly_requested) as flown:
        QTest.keyClick(gallery.view, Qt.Key.Key_Return)
    assert flown.args == [session.selected_id]


def test_arrow_keys_home_and_end_walk_through_the_rows(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    click(gallery, 0)
    columns = gallery.view.columns
    assert columns >= 2
    rows = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Right, Qt.Key.Key_Home):
        QTest.keyClick(gallery.view, key)
        rows.append(gallery.model.row_of(session.selected_id))
    last = visible(session) - 1
    assert rows == [1, 1 + columns, columns, last, last, 0]
    QTest.keyClick(gallery.view, Qt.Key.Key_P)  # no type-ahead: letters are the window's
    assert gallery.model.row_of(session.selected_id) == 0


def test_a_selection_in_the_viewer_scrolls_the_gallery_and_is_not_echoed(qtbot, session, gallery):
    fill(session, some_detections(200))
    ready(qtbot, gallery, visible(session))
    target = gallery.model.shown[-1].id
    sources: list[str] = []
    session.selection_changed.connect(sources.append)
    session.select(target, "viewer")
    assert sources == ["viewer"]
    rect = gallery.view.visualRect(gallery.model.index(gallery.model.row_of(target)))
    assert gallery.view.viewport().rect().contains(rect.center())
    assert gallery.view.selected_ids() == [target]


def test_a_decision_goes_on_to_the_next_and_stays_when_not_wanted(qtbot, reviewed, gallery):
    ready(qtbot, gallery, visible(reviewed))
    first, second = gallery.model.shown[0].id, gallery.model.shown[1].id
    click(gallery, 0)
    gallery.decide("defect")
    assert statuses(reviewed) == {first: "defect"}
    assert reviewed.selected_id == second
    assert gallery.view.selected_ids() == [second]
    assert gallery.foot.counts.text().endswith("· 1 reviewed")
    gallery.foot.auto_advance.click()
    gallery.decide("false_alarm")
    assert reviewed.selected_id == second


def test_under_a_status_filter_the_decided_leaves_and_the_next_is_chosen(qtbot, reviewed, gallery):
    ready(qtbot, gallery, visible(reviewed))
    QTest.mouseClick(gallery.bar.filter_button, Qt.MouseButton.LeftButton)
    QTest.mouseClick(gallery.bar.pane.statuses["unreviewed"], Qt.MouseButton.LeftButton)
    total = gallery.model.rowCount()
    click(gallery, 2)
    third, fourth = gallery.model.shown[2].id, gallery.model.shown[3].id
    gallery.decide("artefact")
    assert gallery.model.row_of(third) is None
    assert reviewed.selected_id == fourth
    assert gallery.foot.counts.text() == f"{total - 1} of {total} · 0 reviewed"
    gallery.foot.auto_advance.setChecked(False)
    gallery.decide("artefact")  # it leaves; what follows it takes its place
    gallery.next()
    assert gallery.model.row_of(reviewed.selected_id) == 2


def test_several_crops_are_judged_at_once(qtbot, reviewed, gallery):
    ready(qtbot, gallery, visible(reviewed))
    click(gallery, 1)
    click(gallery, 3, Qt.KeyboardModifier.ShiftModifier)
    chosen = {gallery.model.shown[row].id for row in (1, 2, 3)}
    after = gallery.model.shown[4].id
    gallery.decide("false_alarm")
    assert set(statuses(reviewed)) == chosen
    assert reviewed.selected_id == after


def test_next_previous_and_next_unreviewed(qtbot, session, gallery):
    detections = some_detections()
    detections = [replace(d, status="defect") if 2 <= i <= 5 else d for i, d in enumerate(detections)]
    fill(session, detections)
    ready(qtbot, gallery, visible(session))
    rows = []
    for step in (gallery.next, gallery.next, gallery.next_unreviewed, gallery.previous, gallery.next_unreviewed):
        step()
        rows.append(gallery.model.row_of(session.selected_id))
    assert rows == [0, 1, 6, 5, 6]
    session.select(gallery.model.shown[-1].id, "viewer")
    gallery.next()
    assert gallery.model.row_of(session.selected_id) == visible(session) - 1
    gallery.next_unreviewed()
    assert gallery.model.row_of(session.selected_id) == 0


def test_search_and_sort_by_hand(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    total = visible(session)
    gallery.focus_search()
    QTest.keyClicks(gallery.bar.search, "crack")
    QTest.keyClick(gallery.bar.search, Qt.Key.Key_Return)
    assert {d.label for d in gallery.model.shown} == {"crack"}
    assert gallery.foot.counts.text().startswith(f"{gallery.model.rowCount()} of {total}")
    gallery.bar.clear_filter()
    gallery.bar.sort.setCurrentIndex(gallery.bar.sort.findData("area"))
    areas = [d.area_px for d in gallery.model.shown]
    assert areas == sorted(areas, reverse=True)
    QTest.mouseClick(gallery.bar.reverse, Qt.MouseButton.LeftButton)
    assert gallery.model.shown[0].area_px == min(areas)


def test_empty_states_say_why_and_help(qtbot, session, gallery):
    assert gallery.empty.title.text() == "Nothing open"
    fill(session, [], scans=[], scan=None)
    qtbot.waitUntil(lambda: gallery.empty.title.text() == "No scan yet")
    with qtbot.waitSignal(gallery.model_requested):
        QTest.mouseClick(gallery.empty.button, Qt.MouseButton.LeftButton)
    stopped = replace(scan_record(), status="cancelled")
    fill(session, [], scans=[stopped], scan=stopped)
    qtbot.waitUntil(lambda: gallery.empty.title.text() == "Scan not finished")
    with qtbot.waitSignal(gallery.resume_requested):
        QTest.mouseClick(gallery.empty.button, Qt.MouseButton.LeftButton)
    fill(session, [])
    qtbot.waitUntil(lambda: gallery.empty.title.text() == "Nothing found")
    detections = some_detections(20)
    fill(session, detections)
    session.set_threshold(0.999)
    qtbot.waitUntil(lambda: gallery.empty.title.text() == "Nothing above the threshold")
    assert "0.990" in gallery.empty.hint.text()
    QTest.mouseClick(gallery.empty.button, Qt.MouseButton.LeftButton)
    ready(qtbot, gallery, 1)
    session.set_hidden_labels(LABELS)
    qtbot.waitUntil(lambda: gallery.empty.title.text() == "All hidden")
    QTest.mouseClick(gallery.empty.button, Qt.MouseButton.LeftButton)
    ready(qtbot, gallery, 1)
    gallery.bar.set_arrangement(Arrangement(filters=Filters(text="no such thing")))
    assert gallery.empty.title.text() == "Nothing matches"
    QTest.mouseClick(gallery.empty.button, Qt.MouseButton.LeftButton)
    assert gallery.model.rowCount() == 1


def test_ctrl_wheel_and_slider_change_the_crops(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    before = gallery.view.columns
    gallery.foot.side.setValue(72)
    assert gallery.view.columns > before
    gallery.foot.side.setValue(260)
    assert gallery.view.columns == 1
    assert gallery.view.visualRect(gallery.model.index(0)).width() == gallery.view.viewport().width()


def test_only_crops_near_the_sight_are_read(qtbot, session, gallery):
    section = grey_section()
    fill(session, some_detections(400), section)
    qtbot.waitUntil(lambda: section.reads > 5 and gallery.pictures.crops.idle, timeout=5000)
    first, last = gallery.view.rows_in_sight()
    assert section.reads <= 3 * (last - first + 1)
    qtbot.waitUntil(lambda: gallery.pictures.crops.get(gallery.model.shown[0].id) is not None)


def test_a_hundred_thousand_detections_stay_light(qtbot, session, gallery):
    fill(session, some_detections(3))
    ready(qtbot, gallery, visible(session))
    widgets = len(gallery.findChildren(QWidget))
    fill(session, [make_detection(i + 1, 1 - i / 200_000, LABELS[i % 4]) for i in range(100_000)])
    qtbot.waitUntil(lambda: gallery.model.rowCount() == 100_000, timeout=5000)
    for _ in range(20):
        QTest.keyClick(gallery.view, Qt.Key.Key_PageDown)
    session.select(90_000, "viewer")
    gallery.view.grab()
    gallery.resize(420, 600)
    assert len(gallery.findChildren(QWidget)) == widgets, "none for a crop"
    rect = gallery.view.visualRect(gallery.model.index(gallery.model.row_of(90_000)))
    assert gallery.view.viewport().rect().intersects(rect)
    assert gallery.view.indexAt(rect.center()).row() == gallery.model.row_of(90_000)
    assert not gallery.view.indexAt(QPoint(-5, 10)).isValid()


def test_the_menu_judges_what_is_selected(qtbot, reviewed, gallery):
    ready(qtbot, gallery, visible(reviewed))
    assert [a.text() for a in gallery.make_menu().actions()] == ["Scale bars"]
    click(gallery, 0)
    click(gallery, 2, Qt.KeyboardModifier.ControlModifier)
    chosen = set(gallery.view.selected_ids())
    assert len(chosen) == 2
    menu = gallery.make_menu()
    next(a for a in menu.actions() if a.text() == "Artefact (2)").trigger()
    assert statuses(reviewed) == dict.fromkeys(chosen, "artefact")
    next(a for a in menu.actions() if a.text() == "Scale bars").trigger()
    assert not gallery.state()["scale_bars"]
    with qtbot.waitSignal(gallery.fly_requested):
        next(a for a in menu.actions() if a.text() == "Show in the section").trigger()


def test_keys_that_walk_through_the_crops_are_not_the_windows(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    fired = []
    shortcut = QShortcut(QKeySequence("Home"), gallery)
    shortcut.activated.connect(lambda: fired.append("Home"))
    gallery.view.setFocus()
    click(gallery, 3)
    QTest.keyClick(gallery.view, Qt.Key.Key_Home)
    assert gallery.model.row_of(session.selected_id) == 0
    assert not fired


def test_state_is_kept(qtbot, session, gallery):
    gallery.bar.set_arrangement(Arrangement(sort="area", reverse=True))
    gallery.foot.side.setValue(99)
    gallery.foot.auto_advance.setChecked(False)
    other = GalleryPanel(session)
    qtbot.addWidget(other)
    other.restore_state(gallery.state())
    assert other.state() == gallery.state()
    other.restore_state({"side": "broken", "sort": "unknown"})
    assert other.state() == gallery.state()
    other.shut()


def test_undo_and_redo_show_in_the_crop_and_the_counts(qtbot, reviewed, gallery):
    ready(qtbot, gallery, visible(reviewed))
    click(gallery, 0)
    gallery.decide("defect")
    reviewed.undo()
    assert gallery.model.shown[0].status == "unreviewed"
    assert gallery.foot.counts.text().endswith("· 0 reviewed")
    reviewed.redo()
    assert gallery.model.shown[0].status == "defect"


def test_getting_the_focus_chooses_nothing(qtbot, session, gallery):
    fill(session, some_detections())
    ready(qtbot, gallery, visible(session))
    told = []
    session.selection_changed.connect(told.append)
    QApplication.sendEvent(gallery.view, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert session.selected_id is None
    assert told == []
    click(gallery, 0)  # Qt must not think that it is the current one already
    assert session.selected_id == session.visible_detections()[0].id


def test_undo_and_redo_select_what_they_changed_and_tell_errors(qtbot, reviewed, gallery, monkeypatch):
    ready(qtbot, gallery, visible(reviewed))
    first, second, third = [d.id for d in reviewed.visible_detections()[:3]]
    reviewed.decide("defect", [second, first])
    for step in (reviewed.undo, reviewed.redo):
        reviewed.select(third, "keys")
        step()
        assert reviewed.selected_id in (first, second)

    def fail():
        raise ResourceError("the disk is full", path="p.schliff", remedy="Make room.")

    monkeypatch.setattr(reviewed.reviewing.review.history, "undo", fail)
    with qtbot.waitSignal(reviewed.message) as told:
        reviewed.undo()
    assert told.args == ["error", "p.schliff: the disk is full. Make room."]
