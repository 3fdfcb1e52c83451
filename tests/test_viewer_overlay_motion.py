"""What overlays show while the zoom changes and when it rests, and that a decision paints only what it changed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter

from app.viewer.boxes_item import FEW
from app.viewer.camera import Camera
from app.viewer.overlay_tiles import TILE
from core.geometry import Box
from core.project import Project
from core.review import Review
from tests.test_viewer_overlay_tiles import many, render
from tests.test_viewer_overlays import LABELS, detection, restyle, score_map, show
from tests.viewer_support import wheel


def covered(picture) -> float:
    """The share of px on which something lies."""
    return float((picture != 128).any(axis=2).mean())


def settled(qtbot, viewer):
    qtbot.waitUntil(lambda: viewer.is_sharp and viewer.overlays.settled and viewer.overlays.worker.idle)


@pytest.mark.parametrize("opacity", [1.0, 0.55])
def test_no_frame_of_a_change_of_zoom_lacks_what_was_there(qtbot, viewer, opacity):
    show(qtbot, viewer, many(5000), score_map())
    restyle(viewer, "heat", opacity=opacity)
    restyle(viewer, "detections", opacity=opacity)
    settled(qtbot, viewer)
    at_rest = covered(render(viewer))
    for factor in (1.1, 1.2, 1.3, 0.9, 0.7, 0.8):
        viewer.canvas.zoom_by(factor)
        assert not viewer.overlays.boxes.settled
        assert covered(render(viewer)) > 0.5 * at_rest


def test_stretched_boxes_lie_where_they_are(qtbot, viewer):
    boxes = [detection(1, 600, 440, side=80), *(detection(i, 20 + i / 10, 20, side=40) for i in range(2, 4 * FEW))]
    show(qtbot, viewer, boxes, zoom=0.5)
    settled(qtbot, viewer)
    viewer.canvas.zoom_by(1.5)
    on = np.argwhere((render(viewer)[100:, 100:] != 128).any(axis=2)) + 100  # row, column; the others are in a corner
    left, right = (320 + (x - 640) * 0.75 for x in (600, 680))
    top, bottom = (240 + (y - 480) * 0.75 for y in (440, 520))
    assert (on.min(axis=0), on.max(axis=0)) == (
        pytest.approx((top, left), abs=6),
        pytest.approx((bottom, right), abs=6),
    )


def test_after_the_zoom_rests_it_looks_as_painted_anew(qtbot, viewer):
    show(qtbot, viewer, many(5000), score_map())
    settled(qtbot, viewer)
    for angle in (120, 120, -120, 120):
        wheel(viewer, QPointF(200, 150), angle)
        render(viewer)
    settled(qtbot, viewer)
    moved = render(viewer)
    for item in (viewer.overlays.boxes, viewer.overlays.heat.item):
        item.show_tiles_of(item.painter, item._bounds, keep=False)
    viewer.overlays.settle()
    assert np.array_equal(moved, render(viewer))


def test_zooming_out_from_a_few_lines_shows_them_and_all_around(qtbot, viewer):
    show(qtbot, viewer, many(5000), zoom=1.0)
    settled(qtbot, viewer)
    viewer.canvas.zoom_by(16.0)
    render(viewer)
    boxes = viewer.overlays.boxes
    qtbot.waitUntil(lambda: not boxes._rest.isActive())
    assert boxes._present_view() is None, "drawn as lines"
    viewer.canvas.zoom_by(1 / 12)
    assert covered(render(viewer)) > 0.2
    assert len(boxes._sheets) == 2


def test_pictures_of_views_before_count_as_memory(qtbot, viewer):
    show(qtbot, viewer, many(5000))
    settled(qtbot, viewer)
    boxes = viewer.overlays.boxes
    before = boxes.used_bytes
    viewer.canvas.zoom_by(1.3)
    render(viewer)
    assert boxes.used_bytes >= before + 640 * 480 * 4
    viewer.session.set_threshold(0.99)
    viewer.overlays.settle()
    assert boxes.used_bytes == 0


def reviewed(viewer, tmp_path, detections):
    """Stores the detections that the viewer shows, so that they can be decided."""
    session = viewer.session
    project = Project.create(tmp_path / "p.schliff")
    with project.database.writing() as db:
        db.execute(
            "INSERT INTO sections (id, fingerprint, path, width_px, height_px, pixel_size_um, stage)"
            " VALUES (1, 'f', '', 1, 1, 'null', '[\"none\", null, null, null]')"
        )
        db.execute(
            "INSERT INTO scans (id, section_id, key, status, threshold, spec, tiles_total, cell_px, context_px, device,"
            " parameters, provenance, started) VALUES ('scan-1', 1, '', 'done', 0.5, ?, 1, 1, 1, '', '', '', '')",
            (
                json.dumps(
                    {"id": "m", "labels": [], "artefact_labels": [], "score_unit": "probability", "threshold": 0.5}
                ),
            ),
        )
        rows = [(d.id, d.label, d.score, d.box.x, d.box.y, d.box.w, d.box.h, d.area_px) for d in detections]
        columns = "id, label, score, x_px, y_px, w_px, h_px, area_px"
        db.executemany(
            f"INSERT INTO detections ({columns}, scan_id, tile) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'scan-1', 0)", rows
        )
    session.project, session.reviewing.review = project, Review(project)
    return project


def test_a_decision_paints_only_the_tiles_of_what_it_is_about(qtbot, viewer, tmp_path):
    detections = many(5000, size=(3000, 3000))
    show(qtbot, viewer, detections, size=(3000, 3000))
    project = reviewed(viewer, tmp_path, detections)
    settled(qtbot, viewer)
    boxes, session = viewer.overlays.boxes, viewer.session
    chosen = min(detections, key=lambda d: abs(d.box.x - 1500) + abs(d.box.y - 1500))
    painted, take = [], boxes.take
    boxes.take = lambda order, made: (painted.append(order.tile), take(order, made))
    others = {id(d) for d in session.detections} - {id(session.detection(chosen.id))}
    session.decide("false_alarm", [chosen.id])
    settled(qtbot, viewer)
    assert session.detection(chosen.id).status == "false_alarm"
    assert session.visible_detections()[session.visible_row(chosen.id)].status == "false_alarm"
    assert others <= {id(d) for d in session.detections}, "read again: only what was decided"
    assert painted
    assert all(tile.box.grown(40 / tile.zoom).intersection(chosen.box) is not None for tile in painted)
    shown = render(viewer)
    viewer.overlays._show_boxes(at_once=True)
    viewer.overlays.settle()
    assert np.array_equal(shown, render(viewer))
    session.project = session.reviewing.review = None
    project.close()


def test_a_decision_keeps_the_rest_of_the_order_and_undo_brings_it_back(qtbot, viewer, tmp_path):
    detections = [detection(i, 40.0 * i, 400, label=LABELS[i % 2]) for i in range(1, 20)]
    show(qtbot, viewer, detections)
    project = reviewed(viewer, tmp_path, detections)
    before = render(viewer)
    viewer.session.decide("defect", [12, 9])
    assert [d.id for d in viewer.session.visible_detections()] == [d.id for d in detections]
    assert (viewer.session.detection(9).status, viewer.session.detection(9).box) == ("defect", detections[8].box)
    settled(qtbot, viewer)
    assert (render(viewer) != before).any()
    viewer.session.undo()
    assert [(d.id, d.status) for d in viewer.session.detections] == [(d.id, "unreviewed") for d in detections]
    viewer.session.select(None, "keys")
    settled(qtbot, viewer)
    viewer.canvas.fly(Camera(640, 480, 1.0), 0)  # undo has gone to what it changed
    assert np.array_equal(render(viewer), before)
    viewer.session.project = viewer.session.reviewing.review = None
    project.close()


def test_only_tiles_that_are_exposed_are_drawn():
    from PySide6.QtGui import QRegion, QTransform

    from app.viewer.overlay_sheet import Device
    from app.viewer.overlay_tiles import OverlayTile

    corner = QRegion(0, 0, 4 * TILE, 20).united(QRegion(0, 0, 20, 4 * TILE))
    device = Device(QTransform(), 1.0, corner)
    shown = [(c, r) for r in range(3) for c in range(3) if device.shows(OverlayTile(1.0, c, r))]
    assert shown == [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]


def test_no_tiles_are_painted_for_where_the_camera_only_passes(qtbot, viewer, qapp):
    show(qtbot, viewer, many(5000))
    settled(qtbot, viewer)
    qapp.setProperty("still", False)
    boxes, worker = viewer.overlays.boxes, viewer.overlays.worker
    boxes._rest.setInterval(0)  # as where each frame takes longer than that
    zooms, want = set(), worker.want
    worker.want = lambda owner, orders: (zooms.update(order.tile.zoom for order in orders), want(owner, orders))
    goal = Camera(640, 480, 1.75)
    viewer.canvas.fly(goal, 200)
    assert viewer.canvas.flying
    qtbot.waitUntil(lambda: viewer.canvas.camera == goal)
    settled(qtbot, viewer)
    assert zooms == {1.75}


def test_a_picture_that_is_needed_no_more_is_painted_over():
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QPixmap

    from app.viewer.overlay_sheet import Device, View, sheet_of

    def painted(spare):
        def draw(painter, device):
            painter.fillRect(10, 20, 30, 40, Qt.GlobalColor.green)

        return sheet_of(Box(0, 0, 100, 80), View(Box(0, 0, 100, 80), 1.0, 1.0), 0.5, 0, draw, spare)

    large, small = QPixmap(120, 90), QPixmap(90, 90)
    large.fill(Qt.GlobalColor.red)
    fresh, over = painted(small), painted(large)
    assert over.pixmap is large
    assert fresh.pixmap is not small
    assert over.box == fresh.box
    assert over.pixmap.copy(0, 0, 100, 80).toImage() == fresh.pixmap.copy(0, 0, 100, 80).toImage()
    target = QPixmap(100, 80)
    target.fill(Qt.GlobalColor.white)
    painter = QPainter(target)
    Device.of(painter).draw_sheets(painter, Box(0, 0, 100, 80), [over])
    painter.end()
    assert target.toImage().pixelColor(25, 40).getRgb() == pytest.approx((127, 255, 127, 255), abs=1)
    assert target.toImage().pixelColor(5, 5) == Qt.GlobalColor.white
