"""The why panel: a real explanation of a simple model, the last question only, and plain words when there is none."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from app.panels.class_scores import GAP, ClassScores
from app.panels.why_panel import WhyPanel
from core.errors import InputError
from core.explain import explain_detection
from core.geometry import Box
from core.models.base import Evidence
from core.project.score_map import ScoreMap
from core.top_classes import class_scores, top_classes
from tests.gallery_support import LABELS, MODEL, fill, make_detection, some_detections
from tests.toy import ToyModel


class Reasoning(ToyModel):
    """Explains by the left half; counts what it was asked."""

    def __init__(self):
        super().__init__(replace(MODEL, halo_px=16))
        self.asked: list[str] = []
        self.gate: threading.Event | None = None
        self.silent = False
        self.trouble: Exception | None = None
        self.pictures: list[str] = []

    def explain(self, pixels, label):
        self.asked.append(label)
        if self.gate is not None:
            self.gate.wait(5)
        if self.silent:
            return None
        heat = np.zeros(pixels.shape[:2], np.float32)
        heat[:, : pixels.shape[1] // 2] = 1
        return heat

    def evidence(self, pixels, label):
        shades = np.linspace(255, 40, max(len(self.pictures), 1)).astype(np.uint8)
        return tuple(
            Evidence(title, np.full_like(pixels, shade)) for title, shade in zip(self.pictures, shades, strict=False)
        )


@pytest.fixture
def model():
    return Reasoning()


@pytest.fixture
def panel(qtbot, session, model):
    def answer(question, progress, cancel):
        if model.trouble is not None:
            raise model.trouble
        return explain_detection(question.section, question.detection, model, label=question.label)

    panel = WhyPanel(session, answer=answer)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    panel.show()
    yield panel
    panel.shut()


def answered(qtbot, panel):
    qtbot.waitUntil(lambda: panel.picture.image is not None, timeout=5000)


def test_the_selected_detection_is_explained(qtbot, session, panel, model):
    fill(session, some_detections())
    session.select(5, "gallery")
    answered(qtbot, panel)
    assert model.asked == [session.selected.label]
    image = panel.picture.image
    left = image.pixelColor(4, image.height() // 2)
    right = image.pixelColor(image.width() - 4, image.height() // 2)
    assert left.red() - left.blue() > 40  # covered by the reasons
    assert abs(right.red() - right.blue()) < 5  # grey as it is
    assert "Grad-CAM" in panel.reading.text()
    panel.blend.setValue(0)
    bare = panel.picture.image.pixelColor(4, image.height() // 2)
    assert abs(bare.red() - bare.blue()) < 5


def test_only_the_selection_that_rests_is_explained(qtbot, session, panel, model):
    fill(session, some_detections())
    for number in range(1, 20):
        session.select(number, "keys")
    answered(qtbot, panel)
    assert len(model.asked) == 1


def test_a_late_answer_is_dropped(qtbot, session, panel, model):
    fill(session, some_detections())
    model.gate = threading.Event()
    session.select(1, "gallery")
    qtbot.waitUntil(lambda: len(model.asked) == 1, timeout=5000)
    session.select(None, "gallery")
    model.gate.set()
    qtbot.wait(100)
    assert panel.picture.image is None
    assert "Select" in panel.picture.message


def test_a_model_without_reasons_shows_the_crop_and_says_so(qtbot, session, panel, model):
    model.silent = True
    fill(session, some_detections())
    session.select(1, "gallery")
    answered(qtbot, panel)
    assert "gives no reasons" in panel.reading.text()
    assert not panel.blend.isEnabled()


def test_what_went_wrong_is_said_in_place(qtbot, session, panel, model):
    model.trouble = InputError("the model of this scan is not there", remedy="Import it again.")
    fill(session, some_detections())
    session.select(1, "gallery")
    qtbot.waitUntil(lambda: "Import it again" in panel.picture.message, timeout=5000)


def test_pictures_stand_below_the_crop_and_are_seen_large(qtbot, session, panel, model):
    model.pictures = ["Input", "Edge map", "Reconstruction", "Residual"]
    model.silent = True  # of heat
    fill(session, some_detections())
    session.select(1, "gallery")
    answered(qtbot, panel)
    pictures = panel.evidence.pictures
    assert [one.text() for one in pictures] == model.pictures
    assert all(one.isVisible() and one.isEnabled() for one in pictures)
    middle = panel.picture.image.width() // 2, panel.picture.image.height() // 2
    crop = panel.picture.image.pixelColor(*middle)
    qtbot.mouseClick(pictures[0], Qt.MouseButton.LeftButton)
    assert panel.picture.image.pixelColor(*middle).getRgb()[:3] == (255, 255, 255)
    pictures[3].setFocus()
    qtbot.keyClick(pictures[3], Qt.Key.Key_Space)
    assert panel.picture.image.pixelColor(*middle).getRgb()[:3] == (40, 40, 40)
    assert not pictures[0].isChecked()
    qtbot.keyClick(pictures[3], Qt.Key.Key_Space)
    assert panel.picture.image.pixelColor(*middle) == crop
    model.pictures = []
    session.select(2, "gallery")
    assert not panel.evidence.isVisible()


def test_pictures_have_as_many_columns_as_there_is_room_for(qtbot, session, panel, model):
    model.pictures = ["Input", "Edge map", "Reconstruction", "Residual"]
    fill(session, some_detections())
    session.select(1, "gallery")
    answered(qtbot, panel)
    pictures = panel.evidence
    for width, columns in ((290, 2), (380, 2), (480, 4)):
        panel.resize(width, 900)
        qtbot.waitUntil(lambda: pictures.columns_in(pictures.width()) == columns)  # noqa: B023 - awaited at once
        assert all(pictures.rect().contains(one.geometry()) for one in pictures.pictures)


def mapped() -> ScoreMap:
    """All classes score in one place: pore 0.9 at most, crack 0.7, foreign particle 0.2."""
    values = np.full((len(LABELS), 40, 40), np.nan, np.float32)
    values[:, 10:20, 10:20] = np.array([0.1, 0.7, 0.2, 0.0])[:, None, None]
    values[0, 14, 14] = 0.9
    return ScoreMap.of(values, 16.0)


def a_crack():
    return make_detection(1, 0.7, "crack", box=Box(13 * 16, 13 * 16, 40, 40))


def test_scores_of_all_classes_come_from_the_map(qtbot, session, panel):
    scores = class_scores(mapped(), LABELS, a_crack())
    assert list(scores) == ["crack", "pore", "foreign_particle", "preparation_artefact"]
    assert scores["pore"] == pytest.approx(0.9)
    assert [label for label, _ in top_classes(mapped(), LABELS, a_crack())] == ["pore", "crack", "foreign_particle"]
    assert class_scores(mapped(), LABELS, make_detection(2, 0.5, box=Box(0, 0, 30, 30))) == {}
    assert class_scores(mapped(), LABELS[:2], a_crack()) == {}
    fill(session, [a_crack()], score_map=mapped())
    session.select(1, "viewer")
    assert [name for name, _ in panel.scores.rows] == ["Crack", "Pore", "Foreign particle"]


def click_row(qtbot, panel, row):
    height = panel.scores.height() // len(panel.scores.rows)
    qtbot.mouseClick(panel.scores, Qt.MouseButton.LeftButton, pos=QPoint(60, row * height + height // 2))


def test_another_class_is_explained_by_a_click_or_a_key(qtbot, session, panel, model):
    fill(session, [a_crack(), make_detection(2, 0.6, box=Box(13 * 16, 13 * 16, 40, 40))], score_map=mapped())
    session.select(1, "viewer")
    answered(qtbot, panel)
    click_row(qtbot, panel, 2)
    qtbot.waitUntil(lambda: "foreign particle" in panel.reading.text(), timeout=5000)
    panel.activateWindow()
    panel.blend.setFocus()
    qtbot.waitUntil(panel.blend.hasFocus)
    taken = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_2, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(panel.blend, taken)
    assert taken.isAccepted(), "no menu's shortcut on 2 gets it"
    qtbot.keyClick(panel.blend, Qt.Key.Key_2)
    qtbot.waitUntil(lambda: "pore" in panel.reading.text(), timeout=5000)
    panel.scores.setFocus()
    qtbot.keyClick(panel.scores, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: "crack" in panel.reading.text(), timeout=5000)
    assert model.asked == ["crack", "foreign_particle", "pore", "crack"]
    click_row(qtbot, panel, 1)
    session.score_map_changed.emit()  # a scan stored more
    assert panel.scores.current == "pore"
    session.select(2, "viewer")
    assert panel.scores.current == "pore"
    assert panel.scores.rows[0][0] == "Pore"


def test_where_there_is_no_choice_keys_are_left_to_the_window(qtbot, session, panel):
    fill(session, some_detections())
    session.select(1, "viewer")
    assert panel.scores.choices == []
    free = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_1, Qt.KeyboardModifier.NoModifier)
    free.ignore()
    QApplication.sendEvent(panel.blend, free)
    assert not free.isAccepted()


def test_in_a_low_window_the_note_is_seen_without_scrolling(qtbot, panel, session):
    panel.resize(288, 580)
    fill(session, some_detections(3))
    session.select(session.detections[0].id, "gallery")
    panel._scores_group.show()
    panel.scores.set_scores(dict(zip(LABELS, (0.9, 0.8, 0.7, 0.6), strict=False)), LABELS, 1.0)
    note = panel.details.note
    qtbot.waitUntil(lambda: note.visibleRegion().boundingRect() == note.rect())
    panel.resize(400, 1400)
    qtbot.waitUntil(lambda: panel.picture.height() > 340)


def test_a_long_class_name_gets_the_room_that_the_bar_can_spare(qtbot):
    scores = ClassScores()
    qtbot.addWidget(scores)
    metrics = scores.fontMetrics()
    for name in ("Large round particle", "Preparation artefact"):
        longest = metrics.horizontalAdvance(name)
        room = scores.names_width(longest + 60 + metrics.horizontalAdvance("0.0000"), longest) - GAP
        assert metrics.elidedText(name, Qt.TextElideMode.ElideRight, room) == name
        assert scores.names_width(150, longest) < longest
