"""Grid and the minimap's marks over a section, and the stack that puts layers in order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QGraphicsRectItem

from app.layer_styles import STANDARD_LAYERS, GridStyle
from app.session_picked import Picked
from app.viewer.overlay_grid import steps_for
from tests.test_viewer_overlays import detection, grabbed, restyle, show

# -- the stack --------------------------------------------------------------------------------------


def test_a_layer_joins_takes_its_place_and_leaves(qtbot, viewer):
    show(qtbot, viewer)
    stack, session = viewer.overlays.stack, viewer.session
    red = QGraphicsRectItem(600, 440, 80, 80)
    red.setBrush(QColor("red"))
    stack.add("fiducials", "Fiducials", red)
    assert session.layers.stack[-1].name == "Fiducials"
    assert red.zValue() > max(stack.item(layer.id).zValue() for layer in STANDARD_LAYERS if stack.item(layer.id))
    assert tuple(grabbed(viewer)[240, 320]) == (255, 0, 0)
    session.set_layers(session.layers.moved("fiducials", 0))
    assert tuple(grabbed(viewer)[240, 320]) == (128, 128, 128), "below the section"
    session.set_layers(session.layers.moved("fiducials", 99).styled("fiducials", opacity=0.5))
    assert tuple(grabbed(viewer)[240, 320]) == pytest.approx((192, 64, 64), abs=2)
    show(qtbot, viewer)  # another section, which knows no such layer
    assert "fiducials" in session.layers
    stack.remove("fiducials")
    assert tuple(grabbed(viewer)[240, 320]) == (128, 128, 128)


# -- the grid ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "zoom", "pixel_size", "expected"),
    [
        (GridStyle(), 1.0, (0.5, 0.5), (100.0, 50.0, "µm")),
        (GridStyle(), 0.01, (0.5, 0.5), (10_000.0, 5.0, "mm")),
        (GridStyle(), 1.0, None, (100.0, 100.0, "px")),
        (GridStyle(unit="px"), 0.4, (0.5, 0.5), (500.0, 500.0, "px")),
        (GridStyle(250.0), 1.0, (0.5, 0.5), (500.0, 250.0, "µm")),
        (GridStyle(2000.0), 1.0, (0.5, 0.5), (4000.0, 2.0, "mm")),
        (GridStyle(1.0), 1.0, (0.5, 0.5), None),
    ],
)
def test_lines_are_a_nice_distance_apart(style, zoom, pixel_size, expected):
    steps = steps_for(style, zoom, pixel_size)
    if expected is None:
        assert steps is None, "too close"
    else:
        assert (steps.x_px, steps.y_px, steps.step) == pytest.approx((expected[0], expected[0], expected[1]))
        assert steps.unit == expected[2]


def test_the_grid_counts_from_the_sections_corner(qtbot, viewer):
    show(qtbot, viewer)  # level-0 x 320 to 960, y 240 to 720, 0.5 µm per px
    assert (grabbed(viewer) == 128).all()
    restyle(viewer, "grid", visible=True, opacity=1.0)
    shown = grabbed(viewer)
    column = shown[50, :, 0] != 128
    assert np.flatnonzero(column & ~np.roll(column, 1)).tolist() == pytest.approx([79, 179, 279, 379, 479, 579], abs=1)
    labels = shown[160:180, 80:180]
    assert (labels > 200).all(axis=2).sum() > 20, "200, 200 µm stands at level-0 (400, 400)"
    assert (labels < 60).all(axis=2).sum() > 400, "on a dark ground, whatever lies there"


def test_scrolling_leaves_no_other_grid_than_painting_anew(qtbot, viewer):
    show(qtbot, viewer)
    restyle(viewer, "grid", visible=True)
    viewer.canvas.viewport().repaint()
    for _ in range(5):
        QTest.keyClick(viewer.canvas, Qt.Key.Key_Right)
    scrolled = viewer.canvas.viewport().grab().toImage()
    viewer.canvas.viewport().update()
    assert viewer.canvas.viewport().grab().toImage() == scrolled


# -- the minimap ------------------------------------------------------------------------------------


def test_detections_are_marked_on_the_minimap_unless_hidden(qtbot, viewer):
    show(qtbot, viewer, [detection(1, 200, 200)], zoom=4.0)
    minimap = viewer.minimap
    assert minimap.isVisible()
    at = (round(220 * 168 / 1280), round(220 * 168 / 1280))

    def marked():
        return minimap.grab().toImage().pixelColor(*at) == QColor("white")

    assert marked()
    show(
        qtbot,
        viewer,
        [detection(n, 40 + 30 * n, 200, score=0.99) for n in range(20)] + [detection(30, 900, 800)],
        zoom=4.0,
    )
    elsewhere = (round(920 * 168 / 1280), round(820 * 168 / 1280))

    def is_marked_there():
        return minimap.grab().toImage().pixelColor(*elsewhere) == QColor("white")

    assert not is_marked_there(), "the worst ones are"
    viewer.session.picking.show(Picked("Some", viewer.session.scan.id, (30,)))
    assert is_marked_there()
    viewer.session.picking.clear()
    assert not is_marked_there()
    show(qtbot, viewer, [detection(1, 200, 200)], zoom=4.0)
    layers = viewer.session.layers
    viewer.session.set_layers(replace(layers, on_minimap=False))
    assert not marked()
    viewer.session.set_layers(layers)
    assert marked()
    restyle(viewer, "detections", visible=False)
    assert not marked()
    restyle(viewer, "detections", visible=True)
    viewer.session.set_threshold(0.95)
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert not marked()
