"""Going about in a real window: keys, the side buttons of a mouse, the Go to dialog, bookmarks in menu and panel."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

import app.navigation as navigation
from app.goto_dialog import GotoDialog
from tests.toy import spotted_image, write_image
from tests.window_support import open_and_wait, open_window, press

ALT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot, qapp, tmp_path, monkeypatch):
    monkeypatch.setattr(navigation, "RESTED_MS", 30)
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, write_image(tmp_path / "spots.png", spotted_image(800, spots=3)))
        yield window


def middle(window) -> tuple[float, float]:
    camera = window.viewer.canvas.camera
    return camera.x, camera.y


def rest(qtbot, window, count: int) -> None:
    qtbot.waitUntil(lambda: len(window.navigator.history) == count, timeout=5000)


def test_number_keys_choose_the_level(qtbot, window):
    canvas = window.viewer.canvas
    box = window.session.section.info.box
    for key, downsample in ((Qt.Key.Key_2, 2), (Qt.Key.Key_1, 1), (Qt.Key.Key_3, 4)):
        press(qtbot, window, key)
        wanted = max(1 / downsample / canvas.devicePixelRatioF(), canvas.limits.min_zoom)
        assert canvas.camera.zoom == pytest.approx(wanted)
    press(qtbot, window, Qt.Key.Key_0)
    assert canvas.camera.zoom == pytest.approx(canvas.limits.min_zoom), "no further out than there is something to see"
    assert box.contains(*middle(window))


def test_back_and_forward_like_a_browser(qtbot, window):
    canvas = window.viewer.canvas
    press(qtbot, window, Qt.Key.Key_1)
    rest(qtbot, window, 2)
    canvas.look_at(100, 100)
    rest(qtbot, window, 3)
    canvas.look_at(700, 700)
    press(qtbot, window, Qt.Key.Key_Left, ALT)
    assert middle(window) == (100, 100), "where it is now counts too, though it has not rested"
    press(qtbot, window, Qt.Key.Key_Right, ALT)
    assert middle(window) == (700, 700)
    viewport = canvas.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.BackButton, pos=QPoint(50, 50))
    QTest.mouseClick(viewport, Qt.MouseButton.BackButton, pos=QPoint(50, 50))
    assert canvas.camera.zoom == pytest.approx(1.0)
    assert middle(window) == window.session.section.info.box.center
    QTest.mouseClick(viewport, Qt.MouseButton.ForwardButton, pos=QPoint(50, 50))
    assert middle(window) == (100, 100)


def test_panning_does_not_flood_the_history(qtbot, window):
    canvas = window.viewer.canvas
    press(qtbot, window, Qt.Key.Key_1)
    rest(qtbot, window, 2)
    window.navigator._rested.setInterval(10_000)
    for _ in range(40):
        canvas.look_at(canvas.camera.x + 7, canvas.camera.y)
    assert len(window.navigator.history) == 2


def goto(qtbot, window, text: str) -> GotoDialog:
    press(qtbot, window, Qt.Key.Key_G, CTRL)
    dialog = window.findChild(GotoDialog)
    qtbot.waitUntil(dialog.isVisible)
    dialog.line.clear()
    qtbot.keyClicks(dialog.line, text)
    return dialog


def test_go_to_a_position_says_what_it_understood_and_marks_it(qtbot, window):
    dialog = goto(qtbot, window, "300, 2")
    assert dialog.answer.text() == "Pixel 300, 2"
    assert dialog.go.isEnabled()
    qtbot.keyClicks(dialog.line, "00")
    assert dialog.answer.text() == "Pixel 300, 200"
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert middle(window) == (300, 200)
    assert window.viewer.canvas.camera.zoom == pytest.approx(1.0)
    mark = window.navigator.crosshair
    assert mark.isVisible()
    where = window.viewer.canvas.mapFromScene(300, 200)
    assert mark.geometry().center() == where
    window.viewer.canvas.look_at(310, 200)
    assert mark.geometry().center() == window.viewer.canvas.mapFromScene(300, 200)
    mark._timer.timeout.emit()
    assert not mark.isVisible()
    press(qtbot, window, Qt.Key.Key_Left, ALT)
    assert middle(window) == window.session.section.info.box.center


@pytest.mark.parametrize("text", ["", "12", "here", "1, 2, 3", "99999, 2", "9e999, 1"])
def test_what_is_no_position_is_not_gone_to(qtbot, window, text):
    before = middle(window)
    dialog = goto(qtbot, window, text)
    assert dialog.answer.text()
    assert not dialog.go.isEnabled()
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    assert dialog.isVisible()
    qtbot.keyClick(dialog.line, Qt.Key.Key_Escape)
    assert middle(window) == before


def test_bookmarks_in_panel_and_menu(qtbot, window):
    canvas, panel = window.viewer.canvas, window.docks.places
    window.docks.bring("places")
    press(qtbot, window, Qt.Key.Key_1)
    for x in (100, 400, 700):
        canvas.look_at(x, 300)
        press(qtbot, window, Qt.Key.Key_B, CTRL)
    places = window.session.places
    assert [panel.list.item(i).text() for i in range(3)] == ["Place 1", "Place 2", "Place 3"]

    panel.list.setFocus()
    panel.list.setCurrentRow(0)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert middle(window) == (100, 300)
    spot = panel.list.visualItemRect(panel.list.item(1)).center()
    QTest.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseDClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert middle(window) == (400, 300)

    qtbot.keyClick(panel.list, Qt.Key.Key_F2)
    editor = panel.list.findChild(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "seam 2")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: places.bookmarks[1].name == "seam 2")

    panel.list.model().moveRow(panel.list.rootIndex(), 0, panel.list.rootIndex(), 3)
    assert [b.name for b in places.bookmarks] == ["seam 2", "Place 3", "Place 1"]
    assert panel.list.currentRow() == 2
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert [b.name for b in places.bookmarks] == ["seam 2", "Place 3"]
    QTest.mouseClick(panel.put_back, Qt.MouseButton.LeftButton)
    assert [b.name for b in places.bookmarks] == ["seam 2", "Place 3", "Place 1"]

    menu = window.menus.submenus["Bookmarks"]
    menu.aboutToShow.emit()
    menu.actions()[1].trigger()
    assert middle(window) == (700, 300)


def test_the_panel_tells_what_to_do_when_it_is_empty(window):
    window.docks.bring("places")
    panel = window.docks.places
    assert panel.empty.isVisible()
    assert not panel.go.isEnabled()
    panel.add.click()
    assert not panel.empty.isVisible()
    assert panel.go.isEnabled()
