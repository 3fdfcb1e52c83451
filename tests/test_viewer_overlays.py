"""Heat map, boxes, scale bar and read-out: what is drawn where, and what a click, a key or the threshold changes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QToolTip

from app.colour_maps import COLOUR_MAPS, colour_table
from app.session_opening import Opened
from app.session_picked import Picked
from app.session_state import SavedView, ViewState
from app.viewer.readout import position_text, value_text, zoom_text
from app.viewer.scale_bar import WIDEST
from core.detection import Detection
from core.frames import StageTransform
from core.geometry import Box
from core.project.records import ScanRecord
from core.project.score_map import ScoreMap
from core.scale_bar import scale_for
from tests.memory_section import MemorySection
from tests.viewer_support import grabbed as grabbed_as_it_is

LABELS = ("pore", "crack", "preparation_artefact")


def scan_record(threshold=0.5, cell_px=16.0) -> ScanRecord:
    return ScanRecord(
        "scan-1", 1, "key", "m", "Model", "1", None, "classifier", LABELS, ("preparation_artefact",), "probability", "done",
        threshold, 4, 4, 0, cell_px, 64.0, 1.0, "cpu", {}, "2026-01-01", "2026-01-01",
    )  # fmt: skip


def detection(number, x, y, side=40.0, score=0.9, label="pore", status="unreviewed") -> Detection:
    return Detection(number, 1, "scan-1", "m", label, score, Box(x, y, side, side), side * side, score * 100, status)


def show(qtbot, viewer, detections=(), score_map=None, zoom=1.0, size=(960, 1280), record=None):
    """A mid-grey section looked at around its middle."""
    section = MemorySection(np.full((*size, 1), 128, np.uint8))
    saved = SavedView(view=ViewState(size[1] / 2, size[0] / 2, zoom))
    record = record or scan_record()
    viewer.session.adopt(
        Opened(section, saved=saved, scans=[record], scan=record, detections=list(detections), score_map=score_map)
    )
    qtbot.waitUntil(lambda: viewer.is_sharp and viewer.overlays.settled)


def restyle(viewer, layer_id, **changes):
    viewer.session.set_layers(viewer.session.layers.styled(layer_id, **changes))


def grabbed(viewer) -> np.ndarray:
    """With all layers as the session is now."""
    viewer.overlays.settle()
    return grabbed_as_it_is(viewer)


def changed(viewer, x, y, w, h) -> bool:
    """Whether anything but mid-grey is drawn in this part of the viewport."""
    return bool((grabbed(viewer)[y : y + h, x : x + w] != 128).any())


def test_a_box_is_drawn_around_its_detection_in_its_class_colour(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 500, 400)])  # viewport (180, 160) to (220, 200)
    shown = grabbed(viewer)
    assert tuple(shown[160, 200]) == (0x56, 0xB4, 0xE9)
    assert tuple(shown[200, 190]) == (0x56, 0xB4, 0xE9)
    assert tuple(shown[180, 200]) == (128, 128, 128)
    assert not changed(viewer, 230, 100, 300, 300)


def test_lines_keep_their_width_at_any_zoom_and_small_boxes_stay_visible(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 636, 476, side=8)])
    for zoom in (0.4, 0.5, 4.0):
        viewer.canvas.zoom_by(zoom / viewer.canvas.camera.zoom)
        qtbot.waitUntil(lambda: viewer.is_sharp)
        blue = (grabbed(viewer) == (0x56, 0xB4, 0xE9)).all(axis=2)
        rows = np.flatnonzero(blue.any(axis=1))
        assert rows.size
        side = rows[-1] - rows[0] + 1
        assert side == pytest.approx(max(8, 8 * zoom) + 1.75, abs=2)
        assert 1 <= blue[:, 320].sum() <= 4  # two lines across the middle column


def test_only_what_passes_threshold_and_labels_is_drawn_live(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 400, 400, score=0.9), detection(2, 800, 400, score=0.6, label="crack")])
    left, right = (70, 150, 60, 60), (470, 150, 60, 60)
    assert changed(viewer, *left)
    assert changed(viewer, *right)
    viewer.session.set_threshold(0.7)
    assert changed(viewer, *left)
    assert not changed(viewer, *right)
    viewer.session.set_threshold(0.5)
    viewer.session.set_hidden_labels({"pore"})
    assert not changed(viewer, *left)
    assert changed(viewer, *right)
    restyle(viewer, "detections", visible=False)
    assert not changed(viewer, *right)


def test_a_click_selects_the_box_and_a_click_beside_it_none(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 400, 300, side=200), detection(2, 480, 380, side=30)])
    viewport = viewer.canvas.viewport()
    chosen = []
    viewer.session.selection_changed.connect(lambda source: chosen.append((viewer.session.selected_id, source)))
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(480 - 320 + 15, 380 - 240 + 15))
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(410 - 320, 310 - 240))
    qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=QPoint(600, 440))
    assert chosen == [(2, "viewer"), (1, "viewer"), (None, "viewer")]


def test_the_selected_box_stands_out(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 500, 400)])
    before = grabbed(viewer)
    viewer.session.select(1, "viewer")
    assert tuple(grabbed(viewer)[156, 200]) == (255, 255, 255)
    assert tuple(before[156, 200]) == (128, 128, 128)


def test_what_a_short_list_brought_up_is_framed_below_the_threshold_too(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 500, 400)])
    session = viewer.session
    session.set_threshold(2.0)
    session.select(1, "viewer")
    qtbot.waitUntil(lambda: not len(viewer.overlays.boxes.boxes.detections))
    assert tuple(grabbed(viewer)[156, 200]) == (128, 128, 128)
    session.picking.show(Picked("Of them one", session.scan.id if session.scan else "", (1,)))
    assert tuple(grabbed(viewer)[156, 200]) == (255, 255, 255)
    session.picking.clear()
    assert tuple(grabbed(viewer)[156, 200]) == (128, 128, 128)


def test_choosing_in_the_gallery_flies_there(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 1200, 100)])
    viewer.session.select(1, "gallery")
    assert (viewer.canvas.camera.x, viewer.canvas.camera.y) == (1220, 120)


def test_a_decision_changes_how_the_box_is_drawn(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 500, 400)])
    before = grabbed(viewer)
    viewer.session.adopt_detections([detection(1, 500, 400, status="false_alarm")])
    after = grabbed(viewer)
    assert (before != after).any()
    artefact = [detection(1, 500, 400, label="preparation_artefact")]
    viewer.session.adopt_detections(artefact)
    row = grabbed(viewer)[160, 180:221, 0]
    assert len(np.flatnonzero(np.diff(row.astype(int)))) > 4  # dashed: on and off along the edge


def test_hovering_tells_class_score_and_status(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 500, 400, score=0.876, label="crack")])
    viewer.canvas.tip_wanted.emit(520, 420, viewer.mapToGlobal(QPoint(200, 180)))
    assert QToolTip.text() == "<b>Crack</b><br>score 0.876<br>unreviewed"
    QToolTip.hideText()


def score_map(rows=60, columns=80, cell_px=16.0):
    values = np.zeros((len(LABELS), rows, columns), np.float32)
    values[0, 30:40, 40:50] = 0.95  # level-0 (640, 480) to (800, 640): viewport (320, 240) to (480, 400)
    values[1, 10, 10] = 0.6
    values[:, :, 70:] = np.nan
    return ScoreMap.of(values, cell_px)


def test_the_heat_map_lies_where_the_scores_are_and_only_above_the_threshold(qtbot, viewer):
    show(qtbot, viewer, score_map=score_map())
    restyle(viewer, "heat", opacity=1.0)
    viewer.session.set_layers(viewer.session.layers.with_heat(colour_map="viridis"))
    shown = grabbed(viewer)
    inside = tuple(colour_table("viridis")[round(0.95 * 255)].tolist())
    assert np.abs(shown[300, 400].astype(int) - inside).max() <= 2
    assert not changed(viewer, 0, 0, 290, 200)
    assert changed(viewer, 320, 240, 160, 160)
    viewer.session.set_threshold(0.97)
    assert not changed(viewer, 0, 0, 640, 480)
    viewer.session.set_threshold(0.5)
    viewer.session.set_layers(viewer.session.layers.with_heat(label_index=1))
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert not changed(viewer, 320, 240, 160, 160)
    restyle(viewer, "heat", visible=False)
    assert not changed(viewer, 0, 0, 640, 480)


def test_colour_scales_rise_evenly_in_lightness():
    for name in COLOUR_MAPS:
        linear = (colour_table(name) / 255.0) ** 2.2
        lightness = np.cbrt(linear @ (0.2126, 0.7152, 0.0722))
        assert (np.diff(lightness) > -0.003).all(), name
        assert lightness[-1] > 0.85
    assert (colour_table("no such scale") == colour_table(COLOUR_MAPS[0])).all()


def test_ten_thousand_boxes_are_painted_and_can_be_hit(qtbot, viewer):
    rng = np.random.default_rng(1)
    places = rng.uniform(0, (1240, 920), (10_000, 2))
    show(qtbot, viewer, [detection(i, x, y, side=20) for i, (x, y) in enumerate(places)], zoom=0.5)
    image = QImage(640, 480, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    viewer.canvas.render(painter)
    painter.end()
    assert len({image.pixel(x, 240) for x in range(640)}) >= 2, "boxes on the ground"
    assert viewer.overlays.hit(*places[0] + 10, 0.5) is not None


@pytest.mark.parametrize(
    ("zoom", "um_per_px", "text", "width"),
    [
        (1.0, 0.5, "50 µm", 100.0),
        (1.0, None, "100 px", 100.0),
        (0.01, 1.0, "10 mm", 100.0),
        (0.02, 0.22, "1 mm", 1000 / 0.22 * 0.02),
        (64.0, 0.05, "100 nm", 128.0),
        (16.0, 0.1, "1 µm", 160.0),
    ],
)
def test_the_scale_bar_has_a_nice_length(zoom, um_per_px, text, width):
    scale = scale_for(zoom, um_per_px, WIDEST)
    assert scale.text == text
    assert scale.width == pytest.approx(width)
    assert 160 / 2.5 - 1e-6 <= scale.width <= 160 + 1e-6


def test_the_read_out_says_stage_only_where_there_is_one():
    stage = StageTransform("pixel_to_stage", ((0.5, 0.0, 1000.0), (0.0, 0.5, -2000.0)))
    pixels = np.zeros((8, 8, 1), np.uint8)
    with_stage = MemorySection(pixels, stage=stage).info
    assert position_text(with_stage, 10.5, 20.25) == "x 10  y 20 px   stage 1005.2, -1989.9 µm"
    assert "stage" not in position_text(MemorySection(pixels).info, 10.5, 20.5)
    assert position_text(MemorySection(pixels, pixel_size_um=None).info, 3.9, 4.1) == "x 3  y 4 px"
    assert value_text((1, 2, 3)) == "RGB 1 2 3"
    assert value_text((4095,)) == "grey 4095"
    assert [zoom_text(z) for z in (1, 0.155, 0.0123)] == ["100 %", "16 %", "1.2 %"]


def test_the_pointer_hits_what_is_drawn_at_any_zoom(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 638, 478, side=4)], zoom=0.4)
    position = viewer.canvas.mapFromScene(QPointF(640, 480))
    assert viewer.overlays.hit(*viewer.canvas.section_point(QPointF(position) + QPointF(5, 0)), 0.4) is not None
    assert viewer.overlays.hit(*viewer.canvas.section_point(QPointF(position) + QPointF(12, 0)), 0.4) is None
