"""The panel "Threshold": scores counted over each other, a line that is dragged or moved by keys, words and ready-made ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.layer_styles import HeatStyle
from app.panels.heat_legend import HeatLegend
from app.panels.threshold_panel import ThresholdPanel
from app.scores import scale_of
from core.anomaly.calibration import SCORE_UNIT, calibrate
from core.project.score_map import ScoreMap
from core.score_spread import heights, judged_words, offered, scale_marks, spread_of
from tests.gallery_support import MODEL, fill, make_detection, scan_record

CALIBRATION = calibrate((row[None] for row in np.random.default_rng(0).gamma(4, 1, (400, 16))), (), 0.01)
OF_NORMAL = replace(
    MODEL, family="anomaly", labels=("anomaly",), score_unit=SCORE_UNIT, threshold=1.0, score_floor=0.5,
    card={"calibration": CALIBRATION.to_json()},
)  # fmt: skip


def found():
    """Twelve detections; the first three are defects, the last two false alarms."""
    scores = np.linspace(2.4, 0.6, 12)
    status = ["defect"] * 3 + ["unreviewed"] * 7 + ["false_alarm"] * 2
    return [
        make_detection(n + 1, float(s), "anomaly", status=st)
        for n, (s, st) in enumerate(zip(scores, status, strict=True))
    ]


def mapped():
    rng = np.random.default_rng(1)
    values = rng.gamma(4, 0.08, (1, 64, 64)).astype(np.float32)
    values[0, 5, 5] = 2.4
    values[0, 32:] = np.nan  # not scanned
    return ScoreMap.of(values, 16.0)


@pytest.fixture
def model(monkeypatch):
    """Which model the scan is said to be of."""
    chosen = {"spec": OF_NORMAL}
    monkeypatch.setattr("core.score_spread.configured_model", lambda scan: chosen["spec"])
    return chosen


@pytest.fixture
def panel(qtbot, session, model):
    return shown(qtbot, session)


def shown(qtbot, session):
    scan = replace(
        scan_record(), id="of-normal", family="anomaly", labels=("anomaly",), score_unit=SCORE_UNIT, threshold=1.0
    )
    fill(session, found(), scans=[scan], scan=scan, score_map=mapped())
    panel = ThresholdPanel(session)
    qtbot.addWidget(panel)
    panel.resize(900, 216)
    panel.show()
    qtbot.waitUntil(lambda: panel.settled and panel.known is not None, timeout=8_000)
    return panel


def test_scores_are_laid_over_each_other(panel):
    spread = panel.known.spread
    assert spread.normal.sum() == pytest.approx(1)
    assert spread.section.sum() == pytest.approx(1)
    assert spread.edges[-1] >= 2.4
    assert {status: len(scores) for status, scores in spread.judged.items()} == {"defect": 3, "false_alarm": 2}
    legend = panel.legend.text()
    assert all(word in legend for word in ("What is normal", "This section", "Defect", "False alarm"))
    assert panel.logarithmic.isChecked() == spread.is_steep


def test_a_broken_card_is_told_and_the_section_is_counted_all_the_same(qtbot, session, model):
    model["spec"] = replace(OF_NORMAL, card={"calibration": {"limit": -1}})
    panel = shown(qtbot, session)
    assert "calibration can't be read" in panel.words.text()
    assert panel.known.spread.section.sum() == pytest.approx(1)
    assert panel.known.spread.normal is None


def test_words_follow_the_threshold(session, panel):
    assert "9 of 12 detections shown." in panel.words.text()
    assert "3 of 3 defects" in panel.words.text()
    assert "0 of 2 false alarms" in panel.words.text()
    assert "of 1,000 windows without a defect" in panel.words.text()
    assert "per mm²" in panel.words.text()
    assert "<b>1.00</b>" in panel.value.text()
    session.set_threshold(0.6)
    assert "12 of 12 detections shown." in panel.words.text()
    assert "2 of 2 false alarms" in panel.words.text()
    assert panel.plot.line.value() == pytest.approx(0.6)


def send_mouse(widget, kind, at):
    left = Qt.MouseButton.LeftButton
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else left
    place = QPointF(at)
    event = QMouseEvent(kind, place, widget.mapToGlobal(place), button, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def test_the_line_is_dragged(qtbot, session, panel):
    plot = panel.plot
    view = plot.getViewBox()

    def at(score):
        return plot.mapFromScene(view.mapViewToScene(QPointF(score, 0.3)))

    told = []
    session.visible_changed.connect(lambda: told.append(session.threshold))
    press, move, release = (
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonRelease,
    )
    for kind, score in ((press, 1.0), (move, 1.2), (move, 1.5), (move, 1.8), (release, 1.8)):
        send_mouse(plot.viewport(), kind, at(score))
    assert session.threshold == pytest.approx(1.8, abs=0.03)
    assert len(told) >= 3, "it is followed while it is dragged"
    send_mouse(plot.viewport(), press, at(99))
    assert session.threshold == pytest.approx(panel.known.spread.edges[-1])


def test_arrow_keys_move_it_and_stop_at_the_ends(qtbot, session, panel):
    width = panel.known.spread.edges[-1] - panel.known.spread.edges[0]
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert session.threshold == pytest.approx(1 + 0.005 * width)
    qtbot.keyClick(panel, Qt.Key.Key_Down)
    assert session.threshold == pytest.approx(1)
    qtbot.keyClick(panel, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert session.threshold == pytest.approx(1 + 0.05 * width)
    for _ in range(30):
        qtbot.keyClick(panel, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert session.threshold == 0


def test_ready_made_ones_say_what_they_promise(qtbot, session, panel):
    panel.presets.menu().aboutToShow.emit()
    actions = {action.text().split("\t")[0]: action for action in panel.presets.menu().actions()}
    assert "The model’s own" in actions
    assert "Worst of the training" in actions
    best = actions["Best on what was judged"]
    assert "3 of 3 defects" in best.toolTip()
    best.trigger()
    judged = [d for d in session.detections if d.status != "unreviewed"]
    assert all((d.score >= session.threshold) == (d.status == "defect") for d in judged)
    actions["1 false alarm per 1,000 windows"].trigger()
    assert session.threshold == pytest.approx(1)  # that is how the limit is set


def test_a_model_that_knows_no_normal_has_less_to_say(qtbot, session, model, panel):
    model["spec"] = MODEL
    fill(session, [make_detection(n, 0.3 + n / 20, status="defect" if n > 6 else "artefact") for n in range(1, 10)])
    qtbot.waitUntil(lambda: panel.known is not None and panel.known.spec is MODEL, timeout=8_000)
    assert panel.known.spread.normal is None
    assert panel.known.spread.edges[-1] == 1
    assert "Detections" in panel.legend.text()
    assert "windows" not in panel.words.text()
    panel.presets.menu().aboutToShow.emit()
    names = [action.text().split("\t")[0] for action in panel.presets.menu().actions()]
    assert names == ["The model’s own", "Best on what was judged"]


def test_a_decision_is_counted_and_the_scale_is_the_users(qtbot, session, panel):
    panel.logarithmic.click()
    chosen = panel.logarithmic.isChecked()
    session.adopt_detections([replace(d, status="artefact") if d.id == 5 else d for d in session.detections])
    qtbot.waitUntil(lambda: "Artefact" in panel.legend.text(), timeout=8_000)
    assert panel.logarithmic.isChecked() == chosen
    assert panel.plot.is_logarithmic == chosen


def test_without_a_scan_it_says_what_is_missing(qtbot, session):
    panel = ThresholdPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.plot is not None, timeout=8_000)
    assert "No scan yet" in panel.hint.text()
    assert not panel.presets.isVisible()
    assert not panel.plot.isVisible()


def test_it_fits_beside_the_section_too(qtbot, panel):
    def is_below():
        return panel.words.mapTo(panel, QPoint()).y() > panel.plot.mapTo(panel, QPoint()).y() + 40

    for width, height in ((320, 700), (1200, 220)):
        panel.resize(width, height)
        qtbot.waitUntil(lambda: is_below() == (width == 320))  # noqa: B023 - awaited at once
        assert panel.width() == width
        assert panel.rect().contains(panel.plot.geometry())


def test_in_a_narrow_low_place_its_words_can_be_scrolled_to(qtbot, session, panel):
    panel.resize(220, 200)
    qtbot.waitUntil(lambda: panel.verticalScrollBar().maximum() > 0)
    assert panel.widget().width() <= panel.viewport().width()
    assert panel.words.height() >= panel.words.heightForWidth(panel.words.width())
    panel.verticalScrollBar().setValue(panel.verticalScrollBar().maximum())
    for widget in (panel.value, panel.words, panel.presets, panel.logarithmic):
        assert widget.visibleRegion().boundingRect() == widget.rect(), widget
    before = session.threshold
    QTest.keyClick(panel, Qt.Key.Key_Right)
    assert session.threshold > before


# -- pure -----------------------------------------------------------------------------------------


def test_heights_and_marks_of_both_scales():
    shares = np.array([0.0, 0.001, 0.1, 1.0])
    np.testing.assert_allclose(heights(shares, 0.0), shares)
    np.testing.assert_allclose(heights(shares, 0.001), [0, 0, 2 / 3, 1])
    assert scale_marks(0.001, 0.7) == [
        (pytest.approx(0), "0.1 %"), (pytest.approx(1 / 3), "1 %"), (pytest.approx(2 / 3), "10 %"), (1.0, "100 %"),
    ]  # fmt: skip
    assert [text for _, text in scale_marks(0.0, 0.32)] == ["0 %", "10 %", "20 %", "30 %", "40 %"]
    assert [text for _, text in scale_marks(0.0, 1.0)][-1] == "100 %"


def test_below_what_is_stored_it_says_so(session, panel):
    assert "never stored" not in panel.words.text()
    session.set_threshold(0.2)
    assert "below 0.50 is never stored" in panel.words.text()


def test_a_section_without_a_map_is_counted_by_its_detections():
    spread = spread_of(None, 64, found(), "distance")
    assert spread.section.sum() == pytest.approx(1)
    assert spread.edges[-1] == pytest.approx(2.4, rel=1e-4)
    nothing = spread_of(None, 64, [], "distance")
    assert nothing.section is None
    assert not nothing.is_steep
    assert judged_words([], 0.5) == []


def test_what_a_person_drew_has_no_score_that_counts():
    drawn = [replace(found()[0], source="person", score=0.0)]
    assert spread_of(None, 64, drawn, "distance").section is None
    assert judged_words(drawn, 0.5) == []


def test_without_a_model_nothing_is_offered():
    assert offered(None, None, []) == []


# -- the heat map's colours -----------------------------------------------------------------------


def test_colours_mean_the_same_on_every_section(qtbot):
    assert scale_of("probability") == (0, 1)
    assert scale_of(SCORE_UNIT) == (0, 3)
    assert scale_of("rarity") is None
    legend = HeatLegend()
    qtbot.addWidget(legend)
    legend.resize(280, legend.sizeHint().height())
    legend.show_style(HeatStyle(), SCORE_UNIT, 1.0)
    assert legend.texts == ("0", "same on every section", "3 and more")
    assert "score 1.00 or more are coloured" in legend.toolTip()
    image = legend.grab().toImage()
    window = legend.palette().color(QPalette.ColorRole.Window)
    below, above = (image.pixelColor(round(share * image.width()), 5) for share in (0.25, 0.5))
    assert abs(below.lightness() - window.lightness()) < abs(above.lightness() - window.lightness())
    legend.show_style(HeatStyle(range_mode="auto"), SCORE_UNIT, 1.0)
    assert legend.texts == ("lowest found", "", "highest found")
    legend.show_style(HeatStyle(), "rarity", 1.0)
    assert legend.texts == ("0", "", "highest found")
    legend.show_style(HeatStyle(range_mode="fixed", low=0.5, high=2), "probability", 1.0)
    assert legend.texts == ("0.5", "", "2")
