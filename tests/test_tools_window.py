"""Tools in the whole window: keys, tool bar, menus, and the same Ctrl+Z for drawings and decisions, after a restart too."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.commands.tools import TOOLS
from app.tools.table import TOOLS as MADE
from tests.test_app_shell_window import image, open_and_wait, press, window, windows  # noqa: F401 - fixtures

LEFT = Qt.MouseButton.LeftButton
KEYS = {
    "ruler": Qt.Key.Key_L, "angle": Qt.Key.Key_Q, "box": Qt.Key.Key_X, "polygon": Qt.Key.Key_Y, "area": Qt.Key.Key_E,
    "point": Qt.Key.Key_O, "pointer": Qt.Key.Key_V,
}  # fmt: skip


def draw(window, a, b):  # noqa: F811
    viewport = window.viewer.canvas.viewport()
    QTest.mousePress(viewport, LEFT, pos=QPoint(*a))
    QTest.mouseMove(viewport, QPoint((a[0] + b[0]) // 2, (a[1] + b[1]) // 2))
    QTest.mouseMove(viewport, QPoint(*b))
    QTest.mouseRelease(viewport, LEFT, pos=QPoint(*b))


def test_every_tool_has_an_action():
    assert list(TOOLS) == list(MADE)


def test_keys_and_buttons_take_tools_in_hand(qtbot, window, image):  # noqa: F811
    actions = window.menus.actions
    assert not actions["tool_ruler"].isEnabled()
    open_and_wait(qtbot, window, image)
    for tool, key in KEYS.items():
        press(qtbot, window, key)
        assert window.session.drawings.tool == tool
        qtbot.waitUntil(lambda tool=tool: [t for t in TOOLS if actions[f"tool_{t}"].isChecked()] == [tool])
    press(qtbot, window, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    assert window.session.drawings.tool == "profile"
    button = window.menus.tool_bar.widgetForAction(actions["tool_profile"])
    QTest.mouseClick(button, LEFT)
    assert window.session.drawings.tool == "pointer", "once more puts it away"
    QTest.mouseClick(window.menus.tool_bar.widgetForAction(actions["tool_pointer"]), LEFT)
    qtbot.waitUntil(actions["tool_pointer"].isChecked)
    assert window.viewer.canvas.hasFocus()
    press(qtbot, window, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert window.session.drawings.snapping
    press(qtbot, window, Qt.Key.Key_D)
    assert not window.session.layers.layer("drawings").visible


def test_ctrl_z_takes_drawings_back_after_a_restart_too(qtbot, windows, image):  # noqa: F811
    first = windows()
    open_and_wait(qtbot, first, image)
    press(qtbot, first, Qt.Key.Key_L)
    draw(first, (100, 100), (200, 150))
    press(qtbot, first, Qt.Key.Key_X)
    draw(first, (120, 60), (180, 90))
    qtbot.waitUntil(lambda: first.session.project is not None and all(d.id > 0 for d in first.session.drawings.items))
    assert [d.kind for d in first.session.drawings.items] == ["ruler", "box"]
    first.close()
    again = windows()
    open_and_wait(qtbot, again, image)
    drawings = again.session.drawings
    qtbot.waitUntil(again.menus.actions["undo"].isEnabled)
    press(qtbot, again, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [d.kind for d in drawings.items] == ["ruler"]
    qtbot.waitUntil(again.menus.actions["redo"].isEnabled)
    press(qtbot, again, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert drawings.items == []
    qtbot.waitUntil(lambda: not again.menus.actions["undo"].isEnabled())
    for _ in range(2):
        qtbot.waitUntil(again.menus.actions["redo"].isEnabled)
        press(qtbot, again, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert [d.kind for d in drawings.items] == ["ruler", "box"]


def test_the_panel_lists_what_is_drawn(qtbot, window, image):  # noqa: F811
    open_and_wait(qtbot, window, image)
    press(qtbot, window, Qt.Key.Key_X)
    draw(window, (100, 100), (200, 150))
    window.docks.bring("drawings")
    panel = window.docks.drawings
    assert panel.table.model().rowCount() == 1
    camera = window.viewer.canvas.camera
    panel._double_clicked(panel.table.model().index(0, 0))
    assert window.viewer.canvas.camera != camera


@pytest.mark.parametrize("tool", ["box", "ruler"])
def test_shift_with_a_tool_draws_no_region_for_a_scan(qtbot, window, image, tool):  # noqa: F811
    open_and_wait(qtbot, window, image)
    window.session.drawings.set_tool(tool)
    viewport = window.viewer.canvas.viewport()
    shift = Qt.KeyboardModifier.ShiftModifier
    with qtbot.assertNotEmitted(window.viewer.canvas.region_drawn):
        QTest.mousePress(viewport, LEFT, shift, QPoint(100, 100))
        QTest.mouseMove(viewport, QPoint(200, 150))
        QTest.mouseRelease(viewport, LEFT, shift, QPoint(200, 150))
    assert len(window.session.drawings.items) == 1


def test_the_region_to_scan_is_seen_while_it_is_chosen(qtbot, window, image):  # noqa: F811
    open_and_wait(qtbot, window, image)
    viewport = window.viewer.canvas.viewport()
    shift = Qt.KeyboardModifier.ShiftModifier
    QTest.mousePress(viewport, LEFT, shift, QPoint(100, 100))
    QTest.mouseMove(viewport, QPoint(200, 150))
    QTest.mouseRelease(viewport, LEFT, shift, QPoint(200, 150))
    chosen = window.docks.scan.region
    assert chosen.drawn.isChecked()
    assert window.viewer.region.item.region == chosen.region()
    outlined = window.viewer.picture()
    chosen.whole.click()
    assert window.viewer.region.item.region is None
    assert window.viewer.picture() != outlined
    chosen.drawn.click()
    assert window.viewer.region.item.region == chosen.region()
    window.session.close_section()
    assert window.viewer.region.item.region is None
