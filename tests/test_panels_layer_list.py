"""The list of layers, the grid and pictures over the section in the layers panel, by mouse and keyboard."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.layer_styles import STANDARD_LAYERS, GridStyle
from app.panels.layers_panel import LayersPanel
from app.session_state import ViewState
from tests.gallery_support import fill, grey_section, scan_record, some_detections

ENABLED = Qt.ItemFlag.ItemIsEnabled
TOP_FIRST = [layer.id for layer in reversed(STANDARD_LAYERS)]


@pytest.fixture
def panel(qtbot, session):
    panel = LayersPanel(session)
    qtbot.addWidget(panel)
    panel.resize(320, 1400)
    panel.show()
    fill(session, some_detections(20), grey_section())
    return panel


def order(panel):
    rows = panel.layers.rows
    return [rows.item(row).data(Qt.ItemDataRole.UserRole) for row in range(rows.count())]


def choose(panel, layer_id):
    rows = panel.layers.rows
    rect = rows.visualItemRect(rows.item(order(panel).index(layer_id)))
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert panel.layers.chosen == layer_id


def test_the_uppermost_layer_comes_first(panel, session):
    assert order(panel) == TOP_FIRST
    session.set_layers(session.layers.with_layer("fiducials", "Fiducials"))
    assert order(panel) == ["fiducials", *TOP_FIRST]
    assert panel.layers.rows.item(0).text() == "Fiducials"


def test_a_click_on_its_box_and_space_switch_a_layer(panel, session):
    rows = panel.layers.rows
    rect = rows.visualItemRect(rows.item(order(panel).index("heat")))
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(rect.left() + 12, rect.center().y()))
    assert not session.layers.layer("heat").visible
    assert not panel.heat.check.isChecked()
    choose(panel, "heat")
    QTest.keyClick(rows, Qt.Key.Key_Space)
    assert session.layers.layer("heat").visible


def test_a_layer_without_anything_to_show_is_greyed_and_keeps_its_state(panel, session):
    rows = panel.layers.rows

    def greyed():
        return {rows.item(row).text() for row in range(rows.count()) if not rows.item(row).flags() & ENABLED}

    assert greyed() == set()
    session.adopt_scans([], None)
    assert greyed() == {"Heat map"}
    item = rows.item(order(panel).index("heat"))
    assert "before a scan" in item.toolTip()
    rect = rows.visualItemRect(item)
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(rect.left() + 12, rect.center().y()))
    assert session.layers.layer("heat").visible
    session.adopt_scans([scan_record()], scan_record())
    assert greyed() == set()
    assert item.toolTip() == ""
    assert item.checkState() == Qt.CheckState.Checked


def test_layers_move_by_buttons_and_keys_and_stay_chosen(panel, session):
    choose(panel, "heat")
    QTest.mouseClick(panel.layers.up, Qt.MouseButton.LeftButton)
    assert order(panel).index("heat") == TOP_FIRST.index("heat") - 1
    assert panel.layers.chosen == "heat"
    for _ in range(5):
        QTest.keyClick(panel.layers.rows, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert order(panel)[0] == "heat"
    assert not panel.layers.up.isEnabled()
    QTest.keyClick(panel.layers.rows, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    QTest.mouseClick(panel.layers.down, Qt.MouseButton.LeftButton)
    assert order(panel).index("heat") == 2
    assert [layer.id for layer in reversed(session.layers.stack)] == order(panel)


def test_a_layer_that_is_dropped_elsewhere_moves_there(panel, session):
    rows = panel.layers.rows
    assert rows.model().moveRow(rows.rootIndex(), 0, rows.rootIndex(), 3)  # what a drop within the list does
    assert [layer.id for layer in reversed(session.layers.stack)] == order(panel)
    assert order(panel)[2] == TOP_FIRST[0]


def test_opacity_is_that_of_the_chosen_layer(panel, session):
    choose(panel, "detections")
    assert panel.layers.opacity.value() == 100
    panel.layers.opacity.setFocus()
    QTest.keyClick(panel.layers.opacity, Qt.Key.Key_PageDown)
    assert session.layers.layer("detections").opacity == 0.9
    choose(panel, "heat")
    assert panel.layers.opacity.value() == round(100 * session.layers.layer("heat").opacity)
    assert panel.heat.opacity.value() == panel.layers.opacity.value()


def test_detections_are_taken_off_the_minimap(panel, session):
    assert panel.on_minimap.isChecked()
    panel.on_minimap.click()
    assert not session.layers.on_minimap


def test_the_grid_is_spaced_by_itself_or_by_hand(panel, session):
    assert not panel.grid.isVisible()
    session.set_layers(session.layers.styled("grid", visible=True))
    assert panel.grid.isVisible()
    assert not panel.grid.spacing.isEnabled()
    panel.grid.auto.click()
    assert session.layers.grid == GridStyle(100.0, "um")
    spin = panel.grid.spacing
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "250")
    QTest.keyClick(spin, Qt.Key.Key_Return)
    panel.grid.unit.setFocus()
    QTest.keyClick(panel.grid.unit, Qt.Key.Key_Down)
    assert session.layers.grid == GridStyle(250.0, "px")


def test_the_heat_maps_range_and_floor_are_chosen(panel, session):
    heat = panel.heat
    assert not heat.low.isVisible()
    heat.range.setFocus()
    QTest.keyClick(heat.range, Qt.Key.Key_End)
    assert session.layers.heat.range_mode == "fixed"
    assert heat.low.isVisible()
    heat.low.setValue(2.0)
    assert session.layers.heat.low < session.layers.heat.high
    assert heat.floor.value() == session.threshold
    heat.own_floor.click()
    heat.floor.setValue(0.25)
    assert session.layers.heat.floor == 0.25
    heat.own_floor.click()
    assert session.layers.heat.floor is None


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "sem.png"
    cv2.imwrite(str(path), np.arange(40 * 60, dtype=np.uint8).reshape(40, 60))
    return path


def test_a_picture_is_laid_in_the_middle_of_the_view_turned_and_mirrored(qtbot, panel, session, picture):
    group, pictures = panel.pictures, session.pictures
    session.set_view(ViewState(500, 400, 2.0))
    group.open_path(str(picture))
    qtbot.waitUntil(lambda: bool(pictures.items))
    (laid,) = pictures.items
    assert (laid.way, laid.size) == ("hand", (60, 40))
    assert pictures.lies(laid).to_section(30, 20) == pytest.approx((500, 400))
    assert group.movable.isChecked()
    group.rotation.setValue(30)
    group.scale.setValue(2.5)
    placement = pictures.lies(pictures.chosen)
    assert (placement.scale, placement.rotation_deg) == pytest.approx((2.5, 30))
    assert placement.to_section(30, 20) == pytest.approx((500, 400))
    group.mirrored.click()
    mirrored = pictures.lies(pictures.chosen)
    assert mirrored.is_mirrored
    assert mirrored.to_section(30, 20) == pytest.approx((500, 400))
    assert mirrored.to_section(60, 20) == pytest.approx(placement.to_section(0, 20))
    QTest.mouseClick(group.remove, Qt.MouseButton.LeftButton)
    assert pictures.items == ()
    assert not group.remove.isVisible()


def test_several_pictures_are_chosen_one_by_one(qtbot, panel, session, picture):
    group, pictures = panel.pictures, session.pictures
    session.set_view(ViewState(500, 400, 2.0))
    for count in (1, 2):
        group.open_path(str(picture))
        qtbot.waitUntil(lambda count=count: len(pictures.items) == count)
        qtbot.waitUntil(group.open.isEnabled)
    assert [one.id for one in pictures.items] == [1, 2]
    assert pictures.chosen_id == 2
    group.chosen.setCurrentIndex(0)
    group.chosen.activated.emit(0)
    assert pictures.chosen_id == 1
    group.remove.click()
    assert [one.id for one in pictures.items] == [2]
    assert pictures.chosen_id == 2


def test_a_picture_that_cannot_be_read_says_so(qtbot, panel, session, tmp_path):
    (tmp_path / "broken.tif").write_bytes(b"II*\0 nothing")
    told = []
    session.message.connect(lambda level, text: told.append((level, text)))
    panel.pictures.open_path(str(tmp_path / "broken.tif"))
    qtbot.waitUntil(lambda: bool(told))
    assert told[0][0] == "error"
    assert "broken.tif" in told[0][1]
    assert session.pictures.items == ()
    qtbot.waitUntil(panel.pictures.open.isEnabled)


def test_a_picture_that_was_chosen_for_another_section_is_not_laid(qtbot, panel, session, picture):
    session.set_view(ViewState(500, 400, 2.0))
    panel.pictures.open_path(str(picture))
    fill(session, some_detections())
    session.set_view(ViewState(500, 400, 2.0))
    qtbot.waitUntil(panel.pictures.open.isEnabled)
    assert session.pictures.items == ()
