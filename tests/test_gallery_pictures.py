"""How crops are drawn: kept in the project, with more around them, with the reasons of the stored map, side by side."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.gallery.crop import WIDE_CONTEXT, crop_request
from app.gallery.rendering import KEPT_SIDES_PX, CropRenderer, ReasonRenderer
from app.gallery.side_by_side import MOST, SideBySide
from app.gallery.weights_dialog import WeightsDialog
from core.geometry import Box
from core.look import Look
from core.project import Project
from core.project.crop_store import CropStore
from core.project.score_map import ScoreMap
from core.section import Plane
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
def kept(tmp_path):
    store = CropStore(tmp_path / "crops")
    yield store
    store.close()


def pixels(image):
    plain = image.convertToFormat(image.Format.Format_RGB32)
    return np.array(plain.constBits()).reshape(image.height(), image.width(), 4).astype(int)[..., :3]


def same(one, other):
    """Two pictures, but for what JPEG loses."""
    return one.size() == other.size() and np.abs(pixels(one) - pixels(other)).max() < 12


def test_a_crop_is_read_once_and_comes_from_the_project_afterwards(kept):
    section, detection = grey_section(), make_detection(1, 0.9, side=200.0)
    render = CropRenderer(section, Plane(), Look(), kept=kept, identity="fingerprint")
    first = render(detection, 150)
    reads = section.reads
    assert reads > 0
    again = render(detection, 150)
    assert section.reads == reads
    assert first.crop == again.crop
    assert same(first.image, again.image)
    assert first.image.width() == 150
    assert render(detection, 190).image.width() == 190, "of the side that is kept, 192"
    assert section.reads == reads


@pytest.mark.parametrize(
    "other",
    [
        {"look": Look().with_curve(0, 100)},
        {"plane": Plane(z=0, t=0, c=0), "wide": True},
        {"identity": "another file"},
    ],
    ids=["look", "context", "section"],
)
def test_what_would_look_otherwise_is_drawn_anew(kept, other):
    section, detection = grey_section(), make_detection(1, 0.9, side=200.0)
    render = CropRenderer(section, Plane(), Look(), kept=kept, identity="fingerprint")
    render(detection, 150)
    reads = section.reads
    replace(render, **other)(detection, 150)
    assert section.reads > reads
    moved = replace(detection, box=detection.box.moved(40, 0))
    reads = section.reads
    render(moved, 150)
    assert section.reads > reads


def test_damaged_and_unreadable_crops(kept):
    section, detection = grey_section(), make_detection(1, 0.9, side=200.0)
    render = CropRenderer(section, Plane(), Look(), kept=kept, identity="fingerprint")
    request = crop_request(detection.box, section.info.box, 192, Plane())
    kept.put(render._key(request, 192), b"no picture")
    assert render(detection, 150).image.width() == 150
    section.fails = True
    assert render(replace(detection, box=detection.box.moved(40, 0)), 150).image is None
    kept.close()
    section.fails = False
    assert render(detection, 150).image is not None
    assert render(detection, KEPT_SIDES_PX[-1] + 50).image is not None


def test_context_shows_more_and_the_box_stays_in_the_middle():
    box, section = Box(500, 600, 200, 80), Box(0, 0, 4000, 4000)
    wide = crop_request(box, section, 100, Plane(), wide=True).box
    assert wide.w == pytest.approx(WIDE_CONTEXT * 200, abs=32)
    assert wide.center == pytest.approx(box.center, abs=32)
    assert crop_request(box, section, 100, Plane(), side=1000.0).box.w == pytest.approx(1000, abs=16)


def heat(labels: int = 4) -> ScoreMap:
    """Cells of 16 px; class 1 speaks at cell (5, 6) alone."""
    values = np.zeros((labels, 64, 64), np.float32)
    values[labels // 3, 5, 6] = 1.0
    values[0, 40, 40] = 1.0
    return ScoreMap.of(values, 16.0)


def alphas(image):
    return np.array([[image.pixelColor(x, y).alpha() for x in range(image.width())] for y in range(image.height())])


def test_reasons_are_bright_where_the_map_speaks_for_the_class():
    section, middle = Box(0, 0, 1024, 1024), (6.5 * 16, 5.5 * 16)
    crack = make_detection(1, 0.9, "crack", box=Box(60, 60, 100, 80))
    render = ReasonRenderer(heat(), LABELS, section, 0.1, 1.0)
    picture = render(crack, 128)
    scale = picture.image.width() / picture.crop.w
    at = [round((m - c) * scale) for m, c in zip(middle, (picture.crop.x, picture.crop.y), strict=True)]
    alpha = alphas(picture.image)
    row, column = np.unravel_index(alpha.argmax(), alpha.shape)
    assert (column, row) == pytest.approx(at, abs=1.5)
    assert alpha.max() > 100
    assert (alpha == 0).mean() > 0.5
    pore = replace(crack, label="pore")
    assert alphas(render(pore, 128).image).max() == 0
    renamed = replace(crack, label="fissure", model_label="crack")
    assert render(renamed, 128).image == picture.image, "people call it otherwise"


def test_a_map_without_the_class_shows_its_highest_score():
    render = ReasonRenderer(heat(1), ("anomaly",), Box(0, 0, 1024, 1024), 0.1, 1.0)
    assert render(make_detection(1, 0.9, "drawn by somebody"), 64).image is not None
    assert render(make_detection(1, 0.9, box=Box(2000, 2000, 50, 50)), 64).crop.w > 0


def test_reasons_and_context_are_switched_by_hand(qtbot, session, gallery):
    fill(session, some_detections(), score_map=heat())
    qtbot.waitUntil(lambda: gallery.settled and gallery.model.rowCount() > 0)
    assert gallery.foot.reasons.isEnabled()
    one = gallery.model.shown[0]
    assert gallery.pictures.reasons.get(one.id) is None, "nobody wants them yet"
    QTest.mouseClick(gallery.foot.reasons, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: gallery.pictures.reasons.get(one.id) is not None)
    narrow = gallery.pictures.crops.get(one.id).crop
    QTest.mouseClick(gallery.foot.wide, Qt.MouseButton.LeftButton)
    for drawn in (gallery.pictures.crops, gallery.pictures.reasons):  # for a moment there is none: it is drawn anew
        qtbot.waitUntil(lambda drawn=drawn: (new := drawn.get(one.id)) is not None and new.crop.w > 2 * narrow.w)
    assert gallery.state()["wide"]
    assert gallery.state()["reasons"]
    fill(session, some_detections())
    assert not gallery.foot.reasons.isEnabled(), "no map"


def test_crops_of_a_project_are_there_at_the_next_start(qtbot, session, gallery, tmp_path):
    project = fill_from_project(session, tmp_path, some_detections(6))
    section = session.section
    qtbot.waitUntil(lambda: gallery.settled and section.reads > 0 and gallery.model.rowCount() > 0)
    wanted = gallery.model.shown[0].id
    qtbot.waitUntil(lambda: gallery.pictures.crops.get(wanted) is not None)
    qtbot.waitUntil(lambda: gallery.settled)
    session.adopt(None)
    reads = section.reads
    record, scan = project.sections()[0], project.scans()[0]
    fill(session, project.detections(), section, project=project, record=record, scans=[scan], scan=scan)
    qtbot.waitUntil(lambda: gallery.model.rowCount() > 0 and gallery.pictures.crops.get(wanted) is not None)
    qtbot.waitUntil(lambda: gallery.settled)
    assert section.reads == reads
    assert (project.path / "crops" / "crops.sqlite").is_file()
    session.adopt(None)
    project.close()
    with Project.open(project.path) as again:
        assert len(again.detections()) == 6


def test_the_window_does_not_wait_until_what_a_project_kept_is_stored(qtbot, session, gallery, tmp_path, monkeypatch):
    closed_in = []
    close = CropStore.close
    monkeypatch.setattr(CropStore, "close", lambda store: (closed_in.append(threading.get_ident()), close(store)))
    fill_from_project(session, tmp_path, some_detections())
    session.opener.close_current()
    qtbot.waitUntil(lambda: bool(closed_in))
    assert threading.get_ident() not in closed_in


def test_selected_crops_side_by_side_show_the_same_width(qtbot, session, gallery):
    fill(session, some_detections())
    qtbot.waitUntil(lambda: gallery.model.rowCount() > 0)
    assert not gallery.foot.compare.isEnabled()
    with qtbot.waitSignal(session.message) as told:
        gallery.compare_selected()
    assert "Select several" in told.args[1]
    for row, modifier in ((0, Qt.KeyboardModifier.NoModifier), (2, Qt.KeyboardModifier.ControlModifier)):
        place = gallery.view.visualRect(gallery.model.index(row)).center()
        QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, modifier, place)
    QTest.mouseClick(gallery.foot.compare, Qt.MouseButton.LeftButton)
    window = gallery.findChild(SideBySide)
    qtbot.waitUntil(lambda: window.isVisible() and window.thumbnails.idle)
    ids = [d.id for d in window.model.shown]
    assert ids == [gallery.model.shown[0].id, gallery.model.shown[2].id]
    qtbot.waitUntil(lambda: all(window.thumbnails.get(i) is not None for i in ids))
    widths = {window.thumbnails.get(i).crop.w for i in ids}
    assert len(widths) == 1
    before = window.field_px
    window.field.setValue(window.field.maximum())
    assert window.field_px > 2 * before
    qtbot.waitUntil(
        lambda: all((new := window.thumbnails.get(i)) is not None and new.crop.w not in widths for i in ids)
    )
    QTest.mouseClick(window.copy, Qt.MouseButton.LeftButton)
    assert not QApplication.clipboard().pixmap().isNull()
    with qtbot.waitSignal(gallery.fly_requested):
        window.view.opened.emit(ids[1])
    window.close()


def test_false_alarms_are_not_faded_side_by_side(qtbot, session):
    fill(session, some_detections())
    one, shades = session.detections[0], set()
    for status in ("unreviewed", "false_alarm"):
        window = SideBySide(session, [replace(one, status=status)])
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda window=window: window.thumbnails.get(one.id) is not None)
        place = window.view.visualRect(window.model.index(0)).center()
        shades.add(window.view.viewport().grab().toImage().pixelColor(place).name())
        window.close()
    assert len(shades) == 1


def test_too_many_side_by_side_are_told(qtbot, session):
    fill(session, some_detections())
    window = SideBySide(session, session.detections)
    qtbot.addWidget(window)
    window.show()
    assert window.model.rowCount() == MOST
    session.adopt(None)
    assert not window.isVisible(), "its section is gone"


def test_a_weight_moved_by_hand_orders_the_gallery_and_stays_in_the_project(qtbot, session, gallery, tmp_path):
    project = fill_from_project(session, tmp_path, some_detections())
    qtbot.waitUntil(lambda: gallery.model.rowCount() == len(session.visible_rows()))
    worst = gallery.model.shown[0]
    QTest.mouseClick(gallery.bar.weights, Qt.MouseButton.LeftButton)
    dialog = gallery.findChild(WeightsDialog)
    qtbot.waitUntil(dialog.isVisible)
    assert {label: slider.value() for label, slider in dialog.sliders.items()} == {
        "pore": 100, "crack": 100, "foreign_particle": 100, "preparation_artefact": 20,
    }  # fmt: skip
    with qtbot.waitSignal(session.detections_changed):
        dialog.sliders[worst.label].setValue(10)
    qtbot.waitUntil(lambda: gallery.settled and gallery.model.shown[0].label != worst.label)
    lower = session.detection(worst.id).severity
    assert lower == pytest.approx(worst.severity / 10)
    assert [d.severity for d in project.detections() if d.id == worst.id] == [lower], "for lists and exports too"
    words = gallery.model.index(gallery.model.row_of(worst.id)).data(Qt.ItemDataRole.ToolTipRole)
    assert f"Severity {lower:.0f} of 100" in words
    assert "times 10 %" in words
    with qtbot.waitSignal(session.detections_changed):
        QTest.mouseClick(dialog.defaults, Qt.MouseButton.LeftButton)
    assert session.detection(worst.id).severity == pytest.approx(worst.severity)
    dialog.close()
    session.adopt(None)
    project.close()


def test_weights_without_a_project_explain_only(qtbot, session):
    fill(session, some_detections(), scan=scan_record())
    dialog = WeightsDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.sliders
    assert not dialog.defaults.isEnabled()
