"""Overlays in tiles: thousands of boxes as frames or density, what stands in for them, memory, and the growing heat map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

import app.viewer.overlay_boxes as overlay_boxes
from app.viewer.boxes_item import FEW
from app.viewer.overlay_boxes import BoxPainter, Stroke, density_picture
from app.viewer.overlay_heat import HeatLook, HeatPainter, level_for
from app.viewer.overlay_tiles import TILE, OverlayTile, Painted
from core.box_index import BoxIndex
from core.geometry import Box
from core.project.maps import ScanMaps
from core.project.score_map import ScoreMap
from tests.test_viewer_overlays import detection, grabbed, restyle, score_map, show

BLUE = (0x56, 0xB4, 0xE9)
PLAIN = [Stroke("#56b4e9", 1.75, False, 255)]


def many(count, size=(1280, 960), side=20.0, seed=1):
    places = np.random.default_rng(seed).uniform(0, np.array(size) - side, (count, 2))
    return [detection(i + 1, float(x), float(y), side=side) for i, (x, y) in enumerate(places)]


def painter_of(edges, strokes=PLAIN):
    return BoxPainter(BoxIndex(np.array(edges, float)), strokes, np.zeros(len(edges), int))


def spread_out(count, size, side=20.0):
    corner = np.random.default_rng(0).uniform(0, size, (count, 2))
    return np.concatenate([corner, corner + side], axis=1)


# -- one tile ---------------------------------------------------------------------------------------


def test_a_frame_lies_where_its_box_is_across_tiles():
    painter = painter_of([(500.0, 100.0, 530.0, 140.0)])
    left, right = (painter.paint(OverlayTile(1.0, column, 0)).pixels for column in (0, 1))
    both = np.concatenate([left, right], axis=1)
    blue = (both[..., 2::-1] == BLUE).all(axis=2)
    assert np.flatnonzero(blue.any(axis=0))[[0, -1]].tolist() == pytest.approx([500, 530], abs=1)
    assert np.flatnonzero(blue.any(axis=1))[[0, -1]].tolist() == pytest.approx([100, 140], abs=1)
    assert not blue[104:136, 504:526].any(), "it is no filled box"
    assert painter.paint(OverlayTile(1.0, 3, 3)) == Painted(None)


def test_thousands_of_frames_in_a_tile_are_drawn_like_a_few(monkeypatch):
    painter = painter_of(spread_out(12_000, 1200, side=37.0))
    tile = OverlayTile(1.0, 1, 1)
    at_once = painter.paint(tile).pixels
    monkeypatch.setattr(overlay_boxes, "_MANY_LINES", 10**9)
    assert np.array_equal(at_once, painter.paint(tile).pixels)


def test_lines_are_twice_as_wide_where_the_screen_has_twice_the_px():
    painter = painter_of([(40.0, 40.0, 200.0, 200.0)])
    for ratio in (1.0, 2.0):
        pixels = painter.paint(OverlayTile(ratio, 0, 0, ratio)).pixels
        blue = (pixels[..., 2::-1] == BLUE).all(axis=2)
        assert blue[round(120 * ratio), : round(100 * ratio)].sum() == round(1.75 * ratio)


def test_rejected_frames_lie_below_and_are_dashed():
    strokes = [Stroke("#a9afb8", 1.0, True, 110), *PLAIN]
    index = BoxIndex(np.array([(50.0, 50.0, 150.0, 150.0), (50.0, 50.0, 150.0, 250.0)]))
    pixels = BoxPainter(index, strokes, np.array([0, 1])).paint(OverlayTile(1.0, 0, 0)).pixels
    assert tuple(pixels[50, 100, 2::-1]) == BLUE
    bottom = (pixels[150, 60:140] == BoxPainter(index, strokes, np.array([0, 1]))._palette.view(np.uint8)[4:8]).all(
        axis=1
    )
    assert 20 < bottom.sum() < 60, "only where it is alone, on and off"


def test_what_has_an_outline_is_framed_by_it_once_it_is_large_enough():
    box, ring = (450.0, 100.0, 550.0, 200.0), np.array([(500.0, 100.0), (550.0, 150.0), (500.0, 200.0), (450.0, 150.0)])
    painter = BoxPainter(BoxIndex(np.array([box])), PLAIN, np.array([0]), {0: ring})
    both = np.concatenate([painter.paint(OverlayTile(1.0, column, 0)).pixels for column in (0, 1)], axis=1)
    blue = (both[..., 2::-1] == BLUE).all(axis=2)
    assert blue[125, 473:478].any(), "on the ring, in one tile"
    assert blue[125, 523:528].any(), "and in the other"
    assert not blue[99:103, 450:480].any(), "no corner of a box"
    small = painter.paint(OverlayTile(0.1, 0, 0)).pixels
    assert (small[10, 45:55, 2::-1] == BLUE).all(axis=1).sum() > 8, "too small on the screen: its box"


def test_a_few_outlines_are_drawn_as_lines(qtbot, viewer):
    ring = ((540.0, 400.0), (580.0, 440.0), (540.0, 480.0), (500.0, 440.0))
    show(qtbot, viewer, [replace(detection(1, 500, 400, side=80.0), outline=ring)])  # viewport (180, 160) to (260, 240)
    shown = grabbed(viewer)
    assert (shown[178:183, 198:203] != 128).any(), "the ring passes here"
    assert (shown[158:170, 178:190] == 128).all(), "where a box would have a corner"


def test_crowds_of_small_boxes_become_density_and_large_or_sparse_ones_do_not():
    crowd = painter_of(spread_out(20_000, 10_000))
    assert crowd.density_share(0.05) == 1.0
    assert crowd.density_share(2.0) == 0.0
    shares = [crowd.density_share(zoom) for zoom in np.geomspace(0.05, 2, 40)]
    assert shares == sorted(shares, reverse=True)
    assert any(0.05 < share < 0.95 for share in shares), "it fades"
    assert painter_of(spread_out(100, 10_000)).density_share(0.05) == 0.0


def test_density_grows_with_the_number_and_one_alone_can_be_seen():
    rng = np.random.default_rng(0)
    points = np.concatenate([[(50.0, 50.0)], rng.normal((150, 50), 4, (10, 2)), rng.normal((250, 50), 4, (300, 2))])
    picture = density_picture(points, 300, 100, 4)
    alpha, green = picture[..., 3], picture[..., 1].astype(float) / np.maximum(picture[..., 3], 1)
    assert alpha[50, 50] > 80
    assert green[50, 50] < green[50, 150] < green[50, 250]
    assert alpha[5, 5] == 0


# -- in a window ------------------------------------------------------------------------------------


def test_many_boxes_are_drawn_by_tiles_and_look_like_a_few(qtbot, viewer):
    marked = detection(99_999, 620, 460)
    show(qtbot, viewer, [marked])
    alone = grabbed(viewer)
    crowd = [d for d in many(4 * FEW) if d.box.intersection(marked.box.grown(30)) is None]
    show(qtbot, viewer, [marked, *crowd])
    together = grabbed(viewer)
    part = (slice(215, 265), slice(295, 345))
    assert (together != alone).any()
    difference = np.abs(alone[part].astype(int) - together[part]).max(axis=2) > 40
    assert difference.sum() <= 2 * 4 * 42, "lines may lie one px beside"
    assert (together[part] == BLUE).all(axis=2).any()


def test_clicking_and_hovering_find_one_of_a_hundred_thousand(qtbot, viewer):
    boxes = many(100_000, side=6.0)
    show(qtbot, viewer, boxes)
    box = boxes[0].box
    viewer.canvas.look_at(*box.center)
    viewer.canvas.zoom_by(16.0)
    position = viewer.canvas.mapFromScene(*box.center)
    qtbot.mouseClick(viewer.canvas.viewport(), Qt.MouseButton.LeftButton, pos=position)
    hit = viewer.session.selected
    assert hit is not None
    assert hit.box.grown(1).contains(*box.center)
    assert viewer.overlays.hit(-500, -500, 1.0) is None


def test_while_the_zoom_changes_the_tiles_that_are_there_are_stretched(qtbot, viewer):
    show(qtbot, viewer, many(5000), zoom=1.0)
    viewer.canvas.zoom_by(1.3)
    boxes = viewer.overlays.boxes
    assert not boxes.settled
    stretched = render(viewer)
    assert (stretched != 128).any(axis=2).mean() > 0.2, "nothing has vanished"
    qtbot.waitUntil(lambda: viewer.overlays.settled and viewer.overlays.worker.idle)
    assert boxes.settled


def render(viewer):
    """As it is now, without waiting for anything."""
    from tests.viewer_support import grabbed as grabbed_as_it_is

    return grabbed_as_it_is(viewer)


def test_a_changed_set_replaces_tiles_without_a_blank_moment(qtbot, viewer):
    show(qtbot, viewer, many(5000))
    before = (render(viewer) != 128).any(axis=2).mean()
    viewer.session.adopt_detections(many(5000, seed=2))
    viewer.overlays._show_boxes(at_once=True)
    between = (render(viewer) != 128).any(axis=2).mean()
    assert between == pytest.approx(before, rel=0.2)
    qtbot.waitUntil(lambda: viewer.overlays.settled)


def test_the_selected_box_is_framed_on_top_of_density(qtbot, viewer):
    boxes = many(30_000, size=(6000, 6000), side=10.0)
    show(qtbot, viewer, boxes, zoom=0.1, size=(6000, 6000))
    chosen = min(boxes, key=lambda d: abs(d.box.x - 3000) + abs(d.box.y - 3000))
    x, y = viewer.canvas.mapFromScene(*chosen.box.center).toTuple()
    viewer.session.select(chosen.id, "session")
    shown = grabbed(viewer)
    assert (shown[y - 10 : y + 11, x - 10 : x + 11] == 255).all(axis=2).sum() > 20


def test_memory_is_bounded_beside_what_is_in_sight(qtbot, viewer):
    show(qtbot, viewer, many(5000, size=(6000, 6000)), zoom=1.0, size=(6000, 6000))
    boxes = viewer.overlays.boxes
    boxes._budget = 0
    for zoom in (0.9, 1.1, 1.2):
        viewer.canvas.zoom_by(zoom / viewer.canvas.camera.zoom)
        for x in range(500, 5500, 700):
            viewer.canvas.look_at(x, 3000)
            viewer.overlays.settle()
    tile = TILE * TILE * 4
    assert boxes.used_bytes <= (4 * 4 + 9) * tile  # 640 × 480 px lie on up to 3 × 2 tiles; one around; the stand-in
    assert boxes.settled


def test_what_lies_over_what_follows_the_session(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 660, 500, side=100)], score_map())
    restyle(viewer, "heat", opacity=1.0)
    edge = (260, 370)  # on the frame, over the hot block
    assert tuple(grabbed(viewer)[edge]) == BLUE
    layers = viewer.session.layers
    viewer.session.set_layers(layers.moved("heat", layers.place_of("detections")))
    assert tuple(grabbed(viewer)[edge]) != BLUE
    restyle(viewer, "heat", visible=False)
    assert tuple(grabbed(viewer)[edge]) == BLUE
    restyle(viewer, "section", visible=False)
    assert tuple(grabbed(viewer)[10, 10]) != (128, 128, 128)


# -- the heat map -----------------------------------------------------------------------------------


def test_seen_from_afar_one_hot_cell_is_still_there():
    values = np.full((1, 3000, 3000), 0.1, np.float32)
    values[0, 2777, 1333] = 0.9
    painter = HeatPainter(ScoreMap.of(values, 8.0), HeatLook("inferno", 0.0, 1.0, 0.5))
    for zoom in (1.0, 1 / 8, 1 / 64):
        x, y = (v * 8.0 * zoom for v in (1333.5, 2777.5))
        painted = painter.paint(OverlayTile(zoom, int(x // TILE), int(y // TILE)))
        while not painted.complete:
            painted = painter.paint(OverlayTile(zoom, int(x // TILE), int(y // TILE)))
        row, column = np.argwhere(painted.pixels[..., 3] > 100).mean(axis=0)
        assert (column, row) == pytest.approx((x % TILE, y % TILE), abs=8 * zoom + 3)


def test_the_level_fits_the_zoom():
    assert [level_for(8.0, zoom, 9) for zoom in (4.0, 0.25, 0.24, 0.1, 1e-6)] == [0, 0, 1, 2, 9]


def test_the_map_grows_where_the_scan_has_stored_more(qtbot, viewer, tmp_path):
    maps = ScanMaps(tmp_path / "scan-1.zarr")
    maps.create((64, 80), 16, 1, 1)
    show(qtbot, viewer, score_map=ScoreMap(maps.score_source(), 16.0))
    assert (grabbed(viewer) == 128).all()
    qtbot.waitUntil(lambda: viewer.overlays.worker.idle)
    heat = viewer.overlays.heat.item
    painted = []
    take = heat.take
    heat.take = lambda order, made: (painted.append(order.tile.box), take(order, made))
    maps.write("scores", 32, 32, np.full((1, 16, 16), 0.9, np.float32))  # level-0 (512, 512) to (768, 768)
    viewer.session.score_map_changed.emit()
    qtbot.waitUntil(lambda: viewer.overlays.heat._job is None and viewer.overlays.settled)
    shown = grabbed(viewer)
    assert (shown[300:400, 220:420] != 128).any(axis=2).all()
    assert (shown[:250] == 128).all()
    assert painted
    stored = Box(512, 512, 256, 256)
    assert all(box.intersection(stored) is not None for box in painted), "only tiles that it touches"


@pytest.mark.parametrize(("mode", "low", "high"), [("auto", 0.3, 0.95), ("fixed", 0.2, 0.8)])
def test_the_range_of_colours_is_found_or_fixed(qtbot, viewer, mode, low, high):
    scores = np.full((1, 60, 80), 0.3, np.float32)
    scores[0, 20:40, 30:50] = 0.95
    show(qtbot, viewer, score_map=ScoreMap.of(scores, 16.0))
    layers = viewer.session.layers.with_heat(range_mode=mode, low=0.2, high=0.8, floor=0.25)
    viewer.session.set_layers(layers)
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    look = viewer.overlays.heat._look
    assert (look.low, look.high, look.floor) == pytest.approx((low, high, 0.25), abs=1e-3)


def test_another_viewer_has_layers_of_its_own(qtbot, viewer):
    from app.viewer.viewer import Viewer

    show(qtbot, viewer, many(2000))
    other = Viewer(viewer.session)
    qtbot.addWidget(other)
    other.resize(400, 300)
    other.show()
    viewer.session.set_threshold(0.6)
    qtbot.waitUntil(lambda: other.overlays.settled and viewer.overlays.settled)
    assert other.overlays.boxes is not viewer.overlays.boxes
    assert len(other.overlays.boxes.centres) == 2000
    other.close_tiles()
    assert viewer.overlays.hit(*viewer.overlays.boxes.centres[0], 1.0) is not None


def test_a_click_beside_all_boxes_selects_none(qtbot, viewer):
    show(qtbot, viewer, [detection(i, 400 + i, 300) for i in range(1, FEW + 50)])
    qtbot.mouseClick(viewer.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(20, 400))
    assert viewer.session.selected_id is None


def test_changes_that_come_fast_end_with_the_last(qtbot, viewer):
    show(qtbot, viewer, many(7000))
    for threshold in (0.95, 0.5, 0.95, 0.1):
        viewer.session.set_threshold(threshold)
        qtbot.wait(1)
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert len(viewer.overlays.boxes.centres) == 7000
    viewer.session.set_threshold(0.95)
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert len(viewer.overlays.boxes.centres) == 0
