"""The layers panel sets and follows the session: threshold, classes, heat map, scans."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.colour_maps import COLOUR_MAPS
from app.panels.heat_group import SWATCH, swatch
from app.panels.layers_panel import LayersPanel
from tests.gallery_support import LABELS, fill, grey_section, make_detection, scan_record, some_detections


@pytest.fixture
def panel(qtbot, session):
    panel = LayersPanel(session)
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    return panel


@pytest.fixture
def filled(qtbot, session, panel):
    fill(session, some_detections(200), grey_section(dtype=np.uint16))
    panel.reload()
    return session


def test_without_a_scan_only_the_picture_can_be_changed(panel, session):
    fill(session, [], scans=[], scan=None)
    assert not panel.threshold.isVisible()
    assert not panel.heat.isVisible()


def test_a_long_scan_name_is_elided_between_its_ends_and_told_whole_by_the_tool_tip(panel, session):
    scans = [
        scan_record(id=name, model_name=f"Cell defects of the {name} line", started=f"2026-11-{day}T10:20:00+00:00")
        for name, day in (("first", 20), ("second", 21))
    ]
    fill(session, [], scans=scans, scan=scans[1])
    whole = panel.scan_choice.currentText()
    assert whole.startswith("21 Nov ")
    assert whole.endswith(", Cell defects of the second line")
    assert panel.scan_choice.toolTip().startswith(whole)
    shown = panel.scan_choice.shown_text(panel.scan_choice.fontMetrics().horizontalAdvance(whole) * 2 // 3)
    assert "…" in shown
    assert shown.startswith("21 Nov")
    assert shown.endswith("line")
    panel.scan_choice.grab()


def test_the_threshold_moves_by_keys_and_counts_live(panel, filled):
    slider = panel.threshold.slider
    slider.setFocus()
    counts = []
    for _ in range(3):
        QTest.keyClick(slider, Qt.Key.Key_PageUp)
        counts.append(len(filled.visible_detections()))
        assert f"<b>{counts[-1]}</b>" in panel.threshold.count.text()
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0]
    assert filled.threshold == pytest.approx(panel.threshold.value)


def test_a_typed_threshold_counts_and_is_exact(panel, filled):
    spin = panel.threshold.spin
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, "0.7")
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert filled.threshold == 0.7


def test_dragging_in_the_histogram_sets_the_threshold(panel, filled):
    histogram = panel.threshold.histogram
    middle = histogram.height() // 2
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(histogram.width() // 2, middle))
    half = filled.threshold
    assert half == pytest.approx((histogram.low + histogram.high) / 2, abs=0.02)
    QTest.mouseMove(histogram, QPoint(histogram.width() - 1, middle))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=QPoint(histogram.width() - 1, middle))
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(histogram.width() - 1, middle))
    assert filled.threshold == pytest.approx(histogram.high)


def test_a_threshold_set_elsewhere_is_followed_and_not_set_again(panel, filled, qtbot):
    filled.set_threshold(0.6123456)
    assert panel.threshold.value == 0.6123456
    assert panel.threshold.spin.value() == pytest.approx(0.612)
    assert filled.threshold == 0.6123456


def test_scores_of_any_range_fit(panel, session):
    record = scan_record(score_unit="rarity (decades)", threshold=6.0, labels=("anomaly",), artefact_labels=())
    detections = [make_detection(i, 3.0 + i, "anomaly") for i in range(30)]
    fill(session, detections, scans=[record], scan=record)
    panel.reload()
    assert panel.threshold.spin.minimum() == 3.0
    assert panel.threshold.spin.maximum() == 32.0
    assert panel.threshold.histogram.above(6.0) == 27
    assert not panel.heat.label.isEnabled()


def test_classes_are_hidden_by_click_and_counted_above_the_threshold(panel, filled):
    boxes = panel.classes.boxes
    assert list(boxes) == list(LABELS)
    assert not panel.classes.show_all.isVisible()
    QTest.mouseClick(boxes["pore"], Qt.MouseButton.LeftButton, pos=QPoint(8, boxes["pore"].height() // 2))
    assert filled.hidden_labels == {"pore"}
    assert panel.classes.show_all.isVisible()
    shown = [d for d in filled.detections if d.label == "pore" and d.score >= filled.threshold]
    assert boxes["pore"].accessibleDescription() == f"{len(shown)} above the threshold"
    QTest.mouseClick(panel.classes.show_all, Qt.MouseButton.LeftButton)
    assert filled.hidden_labels == frozenset()
    assert boxes["pore"].isChecked()


def test_boxes_and_heat_map_are_switched_and_styled(panel, filled):
    panel.detections.check.click()
    assert not filled.layers.layer("detections").visible
    panel.heat.check.click()
    assert not filled.layers.layer("heat").visible
    assert not panel.heat.opacity.isEnabled()
    panel.heat.check.click()
    panel.heat.opacity.setValue(30)
    assert filled.layers.layer("heat").opacity == 0.3
    panel.heat.colours.setFocus()
    QTest.keyClick(panel.heat.colours, Qt.Key.Key_Down)
    assert filled.layers.heat.colour_map == COLOUR_MAPS[1]
    panel.heat.shows.setFocus()
    QTest.keyClick(panel.heat.shows, Qt.Key.Key_Down)
    assert filled.layers.heat.shows == "activation"
    panel.heat.label.setFocus()
    QTest.keyClick(panel.heat.label, Qt.Key.Key_Down)
    assert filled.layers.heat.label_index == 0
    filled.set_layers(filled.layers.styled("heat", opacity=0.8).with_heat(label_index=None))
    assert panel.heat.opacity.value() == 80
    assert panel.heat.label.currentIndex() == 0


def test_what_a_scan_does_not_hold_is_not_offered(panel, session):
    fill(session, some_detections())
    assert panel.heat.shows.isVisible()
    record = scan_record(family="anomaly", score_unit="nats")
    fill(session, some_detections(), scans=[record], scan=record)
    assert panel.heat.isVisible()
    assert not panel.heat.shows.isVisible()


def test_a_swatch_shows_its_colours_from_low_to_high(qtbot):
    strip = swatch("viridis").pixmap(SWATCH).toImage()
    assert strip.pixelColor(1, 7).blue() > strip.pixelColor(1, 7).red()
    assert strip.pixelColor(SWATCH.width() - 2, 7).red() > 200


def test_several_scans_can_be_chosen_from(panel, session, monkeypatch):
    first, second = scan_record(), scan_record(id="s2", model_name="Texture", status="interrupted")
    fill(session, some_detections(), scans=[first, second], scan=first)
    asked: list[str] = []
    monkeypatch.setattr(session, "set_scan", asked.append)
    assert panel.scan_choice.isVisible()
    assert "interrupted" in panel.scan_choice.itemText(panel.scan_choice.findData("s2"))
    panel.scan_choice.setFocus()
    QTest.keyClick(panel.scan_choice, Qt.Key.Key_Home)
    assert asked == ["s2"]
