"""Every tool with real mouse and keys on the real viewer: what is drawn, changed, cancelled, snapped and undone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QTransform
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyleOptionGraphicsItem

from app.session_opening import Opened
from app.session_state import SavedView, ViewState
from app.viewer.drawing_labels import DrawingLabels, label_for
from core.drawing import Drawing
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.review import Review
from tests.memory_section import MemorySection

LEFT, NONE, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CORNER = (320, 240)  # the level-0 point at the viewport's corner, at 1:1


@pytest.fixture
def drawing(qtbot, viewer, tmp_path):
    """A viewer at 1:1 on a mid-grey section of 0.5 × 0.25 µm per px with a project of its own."""
    section = MemorySection(np.full((960, 1280, 1), 128, np.uint8), pixel_size_um=(0.5, 0.25))
    project = Project.create(tmp_path / "p.schliff")
    with project.database.writing() as db:
        db.execute("INSERT INTO sections VALUES (1, 'print', '/nowhere', 1280, 960, '[0.5, 0.25]', ?)", (STAGE,))
    record = project.section(1)
    opened = Opened(section, project, record, Review(project), SavedView(view=ViewState(640, 480, 1.0)))
    viewer.session.adopt(opened)
    viewer.activateWindow()
    viewer.canvas.setFocus()
    qtbot.waitUntil(lambda: viewer.is_sharp and viewer.canvas.hasFocus())
    return viewer


STAGE = '["none", null, null, null]'


def mouse(viewer, kind, at, modifiers=NONE, button=LEFT, held=None):
    """A real event in the viewport; `at` in its px."""
    buttons = held if held is not None else (Qt.MouseButton.NoButton if kind == "Release" else button)
    if kind == "Move":
        buttons, button = held or Qt.MouseButton.NoButton, Qt.MouseButton.NoButton
    kinds = {
        "Press": QEvent.Type.MouseButtonPress,
        "Move": QEvent.Type.MouseMove,
        "Release": QEvent.Type.MouseButtonRelease,
        "Double": QEvent.Type.MouseButtonDblClick,
    }
    point = QPointF(*at)
    place = viewer.canvas.viewport().mapToGlobal(point)
    QApplication.sendEvent(viewer.canvas.viewport(), QMouseEvent(kinds[kind], point, place, button, buttons, modifiers))


def drag(viewer, *way, modifiers=NONE):
    mouse(viewer, "Press", way[0], modifiers)
    for at in way[1:]:
        mouse(viewer, "Move", at, modifiers, held=LEFT)
    mouse(viewer, "Release", way[-1], modifiers)


def click(viewer, at, modifiers=NONE):
    mouse(viewer, "Move", at, modifiers)
    mouse(viewer, "Press", at, modifiers)
    mouse(viewer, "Release", at, modifiers)


def key(viewer, which, modifiers=NONE):
    QTest.keyClick(viewer.canvas, which, modifiers)


def level0(*points):
    """Viewport px → level-0 px: the middle of the px that a mouse event names."""
    return tuple((x + CORNER[0] + 0.5, y + CORNER[1] + 0.5) for x, y in points)


def take(viewer, tool):
    viewer.session.drawings.set_tool(tool)


def drawn(viewer) -> list[Drawing]:
    return viewer.session.drawings.items


def grabbed(viewer) -> np.ndarray:
    image = viewer.canvas.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


# -- one tool after the other ---------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["ruler", "box", "profile"])
@pytest.mark.parametrize("by_clicks", [False, True])
def test_two_points_by_a_drag_or_by_two_clicks(drawing, tool, by_clicks):
    take(drawing, tool)
    assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    if by_clicks:
        click(drawing, (100, 100))
        mouse(drawing, "Move", (250, 120))
        click(drawing, (300, 150))
    else:
        drag(drawing, (100, 100), (250, 120), (300, 150))
    (made,) = drawn(drawing)
    assert made.kind == tool
    assert made.points == level0((100, 100), (300, 150))
    assert made.id == drawing.session.drawings.selected_id
    assert drawing.canvas.camera.x == 640, "the view stays"
    drag(drawing, (10, 10), (60, 60))
    assert len(drawn(drawing)) == 2, "the tool stays in hand"
    assert DrawingStore(drawing.session.project).drawings(1) == drawn(drawing)


def test_the_ruler_says_length_px_and_angle_beside_the_pointer(drawing):
    take(drawing, "ruler")
    mouse(drawing, "Press", (100, 100))
    mouse(drawing, "Move", (140, 60), held=LEFT)
    said = drawing.tools.desk.readout
    assert said.isVisible()
    assert said.lines == [f"{math.hypot(20, 10):.2f} µm", f"{math.hypot(40, 40):.1f} px", "26.6°"]
    assert not said.geometry().contains(QPoint(140, 60))
    mouse(drawing, "Move", (638, 478), held=LEFT)
    assert drawing.canvas.viewport().rect().contains(said.geometry()), "it turns where there is no room"
    mouse(drawing, "Release", (638, 478))
    assert not said.isVisible()


@pytest.mark.parametrize(
    ("tool", "to", "expected"), [("ruler", (300, 110), (300.5, 100.5)), ("box", (200, 130), (200.5, 200.5))]
)
def test_shift_holds_to_45_degrees_or_to_a_square(drawing, tool, to, expected):
    take(drawing, tool)
    drag(drawing, (100, 100), (150, 105), to, modifiers=SHIFT)
    end = drawn(drawing)[0].points[1]
    assert (end[0] - CORNER[0], end[1] - CORNER[1]) == pytest.approx(expected)
    assert drawing.canvas._band is None, "no region of a scan"


@pytest.mark.parametrize("end", ["double", "enter", "first corner"])
def test_a_polygon_corner_by_corner(drawing, end):
    take(drawing, "polygon")
    corners = [(100, 100), (200, 100), (220, 210), (90, 180)]
    for at in corners:
        click(drawing, at)
    click(drawing, (50, 300))
    key(drawing, Qt.Key.Key_Backspace)
    if end == "double":
        click(drawing, (50, 120))
        mouse(drawing, "Double", (50, 120))
        mouse(drawing, "Release", (50, 120))
        corners.append((50, 120))
    elif end == "enter":
        key(drawing, Qt.Key.Key_Return)
    else:
        click(drawing, (103, 98))
    (made,) = drawn(drawing)
    assert made.kind == "polygon"
    assert made.points == level0(*corners)


def test_an_angle_is_three_points(drawing):
    take(drawing, "angle")
    for at in ((300, 100), (100, 100)):
        click(drawing, at)
    mouse(drawing, "Move", (100, 50))
    assert drawing.tools.desk.readout.lines[0] == "90.0°"
    click(drawing, (100, 20))
    (made,) = drawn(drawing)
    assert made.is_angle
    assert made.points == level0((300, 100), (100, 100), (100, 20))


def test_an_area_follows_the_hand(drawing):
    take(drawing, "area")
    circle = [(200 + 80 * math.cos(t), 200 + 80 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 90)]
    drag(drawing, *circle)
    (made,) = drawn(drawing)
    assert made.kind == "area"
    assert len(made.points) > 40
    from core.measure import measure

    assert measure(made, None).area_px == pytest.approx(math.pi * 80**2, rel=0.02)
    click(drawing, (10, 10))
    assert len(drawn(drawing)) == 1, "a click outlines nothing"


def test_points_are_set_by_clicks(drawing):
    take(drawing, "point")
    click(drawing, (100, 100))
    drag(drawing, (200, 100), (205, 180))
    assert [d.points for d in drawn(drawing)] == [level0((100, 100)), level0((205, 180))]


# -- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["ruler", "box", "profile", "polygon", "angle", "area"])
def test_escape_throws_the_draft_away_then_the_tool(drawing, tool):
    take(drawing, tool)
    mouse(drawing, "Press", (100, 100))
    for at in ((140, 120), (150, 160), (120, 190)):
        mouse(drawing, "Move", at, held=LEFT)
    assert drawing.drawings.item.draft is not None
    key(drawing, Qt.Key.Key_Escape)
    assert drawing.drawings.item.draft is None
    mouse(drawing, "Release", (120, 190))
    assert drawn(drawing) == []
    assert drawing.session.drawings.tool == tool
    key(drawing, Qt.Key.Key_Escape)
    assert drawing.session.drawings.tool == "pointer"
    assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor


def test_another_tool_or_section_leaves_no_draft(drawing):
    take(drawing, "polygon")
    click(drawing, (100, 100))
    take(drawing, "ruler")
    click(drawing, (200, 200))
    assert drawing.drawings.item.draft is not None
    drawing.session.close_section()
    assert drawing.drawings.item.draft is None
    assert not drawing.tools.desk.readout.isVisible()


def test_arrows_nudge_what_is_selected_and_each_hold_is_one_step(drawing):
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    take(drawing, "pointer")
    camera = drawing.canvas.camera
    key(drawing, Qt.Key.Key_Right)
    key(drawing, Qt.Key.Key_Up, SHIFT)
    assert drawn(drawing)[0].points == level0((101, 90), (201, 90))
    for repeated in (False, True, True):
        event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Down, NONE, "", repeated)
        QApplication.sendEvent(drawing.canvas, event)
    QApplication.sendEvent(drawing.canvas, QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Down, NONE))
    assert drawn(drawing)[0].points == level0((101, 93), (201, 93))
    drawing.session.undo()
    assert drawn(drawing)[0].points == level0((101, 90), (201, 90))
    assert drawing.canvas.camera == camera
    key(drawing, Qt.Key.Key_Escape)
    assert drawing.session.drawings.selected is None
    key(drawing, Qt.Key.Key_Right)
    assert drawing.canvas.camera != camera, "with nothing selected they move the view"


def test_space_pressed_in_the_middle_of_a_drag_does_not_keep_the_drawing_at_the_pointer(drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    take(drawing, "pointer")
    mouse(drawing, "Press", (150, 100))
    mouse(drawing, "Move", (160, 110), held=LEFT)
    QTest.keyPress(drawing.canvas, Qt.Key.Key_Space)
    mouse(drawing, "Release", (160, 110))
    QTest.keyRelease(drawing.canvas, Qt.Key.Key_Space)
    mouse(drawing, "Move", (300, 300))
    assert drawing.drawings.item.draft is None
    assert drawn(drawing)[0].points == level0((110, 110), (210, 190))


def hold(viewer, which):
    QApplication.sendEvent(viewer.canvas, QKeyEvent(QEvent.Type.KeyPress, which, NONE))


def test_what_a_held_arrow_moves_is_stored_where_it_belongs_when_the_section_goes(drawing, tmp_path):
    session = drawing.session
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    take(drawing, "pointer")
    hold(drawing, Qt.Key.Key_Right)
    other = Project.create(tmp_path / "other.schliff")
    with other.database.writing() as db:
        db.execute("INSERT INTO sections VALUES (1, 'print', '/nowhere', 1280, 960, '[0.5, 0.25]', ?)", (STAGE,))
    theirs = DrawingStore(other).add(1, [Drawing("point", ((5.0, 5.0),))])
    session.settle()
    session.adopt(Opened(session.section, other, other.section(1), Review(other), drawings=theirs))
    QApplication.sendEvent(drawing.canvas, QKeyEvent(QEvent.Type.KeyRelease, Qt.Key.Key_Right, NONE))
    assert DrawingStore(other).drawings(1) == theirs
    with Project.open(tmp_path / "p.schliff") as own:
        assert DrawingStore(own).drawings(1)[0].points == level0((101, 100), (201, 100))


def test_what_a_held_arrow_moves_stays_when_the_keys_go_elsewhere(drawing):
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    first = drawn(drawing)[0]
    drag(drawing, (100, 200), (200, 200))
    take(drawing, "pointer")
    hold(drawing, Qt.Key.Key_Right)
    drawing.canvas.clearFocus()
    assert drawn(drawing)[1].points == level0((101, 200), (201, 200))
    drawing.session.drawings.select(first.id, "panel")
    drawing.canvas.setFocus()
    key(drawing, Qt.Key.Key_Down)
    assert [d.points for d in drawn(drawing)] == [level0((100, 101), (200, 101)), level0((101, 200), (201, 200))]


def test_delete_removes_and_undo_brings_back(drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    take(drawing, "pointer")
    before = drawn(drawing)[0]
    key(drawing, Qt.Key.Key_Delete)
    assert drawn(drawing) == []
    drawing.session.undo()
    assert drawn(drawing) == [before]
    assert drawing.session.drawings.selected == before


def test_what_undo_brings_back_out_of_sight_is_flown_to(drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    drawing.session.drawings.remove()
    drawing.canvas.look_at(1270, 950)
    drawing.session.undo()
    assert drawing.canvas.visible_box().contains(*drawn(drawing)[0].box.center)
    camera = drawing.canvas.camera
    drawing.session.drawings.select(None, "viewer")
    drawing.session.drawings.select(drawn(drawing)[0].id, "panel")
    assert drawing.canvas.camera == camera, "it is in sight"


# -- the pointer ----------------------------------------------------------------------------------


def test_a_click_on_a_line_selects_and_one_beside_it_lets_go(drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    drag(drawing, (150, 120), (300, 300))
    first, second = (d.id for d in drawn(drawing))
    take(drawing, "pointer")
    click(drawing, (100, 140))
    assert drawing.session.drawings.selected_id == first
    click(drawing, (225, 300))
    assert drawing.session.drawings.selected_id == second
    click(drawing, (250, 200))
    assert drawing.session.drawings.selected is None, "the inside is not the line"


@pytest.mark.parametrize(("grip", "to"), [((200, 180), (260, 250)), ((100, 180), (80, 170))])
def test_a_handle_moves_one_corner(drawing, grip, to):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    take(drawing, "pointer")
    mouse(drawing, "Move", grip)
    assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    drag(drawing, grip, (grip[0] + 30, grip[1]), to)
    assert set(level0(to)) <= set(drawn(drawing)[0].outline)
    assert len(drawn(drawing)) == 1
    assert drawing.canvas.camera.x == 640
    drawing.session.undo()
    assert drawn(drawing)[0].points == level0((100, 100), (200, 180))


def test_the_line_moves_the_whole_and_escape_puts_it_back(drawing):
    take(drawing, "polygon")
    for at in ((100, 100), (200, 100), (150, 200)):
        click(drawing, at)
    key(drawing, Qt.Key.Key_Enter)
    take(drawing, "pointer")
    mouse(drawing, "Move", (150, 100))
    assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.SizeAllCursor
    mouse(drawing, "Press", (150, 100))
    mouse(drawing, "Move", (190, 150), held=LEFT)
    key(drawing, Qt.Key.Key_Escape)
    mouse(drawing, "Release", (190, 150))
    assert drawn(drawing)[0].points == level0((100, 100), (200, 100), (150, 200))
    drag(drawing, (150, 100), (170, 130), (190, 150))
    assert drawn(drawing)[0].points == level0((140, 150), (240, 150), (190, 250))


def test_an_outline_is_moved_as_a_whole(drawing):
    take(drawing, "area")
    ring = [(200 + 80 * math.cos(t), 200 + 80 * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 90)]
    drag(drawing, *ring)
    take(drawing, "pointer")
    before = drawn(drawing)[0]
    drag(drawing, (280, 200), (290, 205), (300, 210))
    assert np.allclose(np.subtract(drawn(drawing)[0].points, before.points), (20, 10))


def test_a_click_that_moves_nothing_is_no_step_of_undo(drawing):
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    take(drawing, "pointer")
    click(drawing, (150, 100))
    drag(drawing, (200, 100), (201, 100))
    drawing.session.undo()
    assert drawn(drawing) == []


def test_a_drag_elsewhere_still_moves_the_view(drawing):
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    take(drawing, "pointer")
    drag(drawing, (400, 300), (350, 300), (300, 300))
    assert drawing.canvas.camera.x == 740


@pytest.mark.parametrize("how", ["middle", "space"])
def test_the_view_moves_while_a_tool_is_in_hand(drawing, how):
    take(drawing, "polygon")
    click(drawing, (100, 100))
    button = Qt.MouseButton.MiddleButton if how == "middle" else LEFT
    if how == "space":
        QTest.keyPress(drawing.canvas, Qt.Key.Key_Space)
        assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.OpenHandCursor
    mouse(drawing, "Press", (400, 300), button=button)
    for x in (350, 300):
        mouse(drawing, "Move", (x, 300), held=button)
    mouse(drawing, "Release", (300, 300), button=button)
    if how == "space":
        QTest.keyRelease(drawing.canvas, Qt.Key.Key_Space)
    assert drawing.canvas.camera.x == 740
    assert drawing.canvas.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    for at in ((100, 100), (100, 200)):
        click(drawing, at)
    key(drawing, Qt.Key.Key_Return)
    start, *rest = level0((100, 100), (200, 100), (200, 200))
    assert drawn(drawing)[0].points == (start, *rest), "the draft stays where it was on the section"


# -- snapping -------------------------------------------------------------------------------------


def test_snapping_is_off_at_first_and_goes_to_points_then_to_px(drawing):
    take(drawing, "ruler")
    drag(drawing, (100, 100), (200, 100))
    drawing.session.drawings.set_snapping(True)
    drag(drawing, (205, 104), (300, 207))
    assert drawn(drawing)[0].points == level0((100, 100), (200, 100))
    start, end = drawn(drawing)[1].points
    assert start == drawn(drawing)[0].points[1], "to the end of the first"
    assert end in ((620, 447), (620, 448), (621, 447), (621, 448))


# -- what is seen ---------------------------------------------------------------------------------


def test_lines_are_as_thin_at_any_zoom_and_hidden_with_their_layer(qtbot, drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (500, 400))
    drawing.session.drawings.select(None, "keys")
    take(drawing, "pointer")
    for zoom in (0.5, 1.0, 8.0, 40.0):
        drawing.canvas.look_at(100.5 + CORNER[0], 240.5 + CORNER[1])  # on its left side
        drawing.canvas.zoom_by(zoom / drawing.canvas.camera.zoom)
        qtbot.waitUntil(lambda: drawing.is_sharp)
        row = grabbed(drawing)[240, 300:340]
        teal = (np.abs(row.astype(int) - (0x38, 0xE0, 0xD0)).sum(axis=1) < 60).sum()
        dark = (row.max(axis=1) < 100).sum()
        assert 1 <= teal <= 3, zoom
        assert 1 <= dark <= 4, zoom
    layers = drawing.session.layers
    drawing.session.set_layers(layers.styled("drawings", visible=False))
    assert (grabbed(drawing)[240, 300:340] == 128).all()
    take(drawing, "point")
    click(drawing, (320, 240))
    assert drawing.session.layers.layer("drawings").visible, "what is drawn must be seen"


def test_labels_give_way_to_each_other_and_to_distance(drawing):
    labels = DrawingLabels()
    rulers = [Drawing("ruler", ((10, 10 + i), (110 + i, 10 + i)), id=i + 1) for i in range(20)]
    labels.set_labels([label_for(ruler, f"{ruler.id} µm") for ruler in rulers])
    for zoom, least, most in ((40.0, 20, 20), (0.7, 1, 19), (0.5, 1, 19), (0.1, 0, 0)):
        chosen = labels.chosen(zoom).tolist()
        assert least <= len(chosen) <= most, zoom
        rects = [labels.rect(index, zoom) for index in chosen]
        assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])
        assert labels.in_sight(zoom, QRectF(0, 0, 1e5, 1e5)) == chosen
        assert labels.in_sight(zoom, QRectF(-500, 0, 50, 1e5)) == []
    assert labels.chosen(0.5)[0] == 19, "the longest comes first"


def painted(item, zoom, origin, part=None) -> np.ndarray:
    """The item alone in 300 × 200 px from level-0 `origin`; `part` (x, y, w, h) of it, as when the view scrolls."""
    image = QImage(300, 200, QImage.Format.Format_RGB888)
    image.fill(Qt.GlobalColor.gray)
    x, y, w, h = part or (0, 0, 300, 200)
    painter, option = QPainter(image), QStyleOptionGraphicsItem()
    painter.setClipRect(x, y, w, h)
    painter.setWorldTransform(QTransform(zoom, 0, 0, zoom, -origin[0] * zoom, -origin[1] * zoom))
    option.exposedRect = QRectF(origin[0] + x / zoom, origin[1] + y / zoom, w / zoom, h / zoom)
    item.paint(painter, option)
    painter.end()
    data = np.frombuffer(image.constBits(), np.uint8).reshape(200, image.bytesPerLine())
    return data[:, :900].reshape(200, 300, 3)[y : y + h, x : x + w].copy()


@pytest.mark.parametrize("zoom", [0.2, 1.0, 40.0])
def test_a_strip_is_painted_as_it_is_in_the_whole(qapp, zoom):
    from app.viewer.drawings_item import DrawingsItem
    from core.geometry import Box

    item = DrawingsItem()
    shapes = [
        Drawing("ruler", ((0, 0), (100000, 80000)), name="long", id=1),
        Drawing("box", ((40, 30), (180, 120)), id=2),
        Drawing("polygon", ((60, 20), (9000, 60), (50, 7000)), id=3),
        Drawing("profile", ((20, 100), (280, 110)), width_px=12, id=4),
        Drawing("point", ((150, 60),), name="here", id=5),
        Drawing("ruler", ((200, 20), (120, 90), (260, 100)), id=6),
    ]
    item.set_drawings(shapes, (0.5, 0.5), Box(0, 0, 100000, 100000))
    item.set_selected(3)
    whole = painted(item, zoom, (10, 10))
    assert (whole != whole[0, 0]).any()
    for part in ((0, 0, 7, 200), (141, 0, 2, 200), (0, 77, 300, 3), (30, 20, 100, 60)):
        x, y, w, h = part
        strip = painted(item, zoom, (10, 10), part).astype(int)
        assert np.abs(strip - whole[y : y + h, x : x + w]).max() <= 24, part  # rounding of clipped ends


def test_what_is_selected_stays_while_something_else_is_drawn(drawing):
    take(drawing, "box")
    drag(drawing, (100, 100), (200, 180))
    before = grabbed(drawing)[80:200, 80:220]
    mouse(drawing, "Press", (400, 300))
    mouse(drawing, "Move", (450, 350), held=LEFT)
    assert np.array_equal(grabbed(drawing)[80:200, 80:220], before)


@pytest.mark.parametrize("zoom", [0.2, 1.0])
def test_hundreds_are_painted_thin_and_a_strip_as_the_whole(qapp, zoom):
    from app.viewer.drawings_item import DrawingsItem
    from core.geometry import Box

    item = DrawingsItem()
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 900, (400, 2)).tolist()
    item.set_drawings(
        [Drawing("polygon", ((x, y), (x + 60, y + 5), (x + 20, y + 50)), id=i + 1) for i, (x, y) in enumerate(corners)]
        + [Drawing("point", ((x + 9, y),), id=i + 1001, label="pore") for i, (x, y) in enumerate(corners)],
        None,
        Box(0, 0, 1000, 1000),
    )
    whole = painted(item, zoom, (10, 10))
    assert (whole != whole[0, 0]).any(axis=2).mean() > 0.05
    for x, y, w, h in ((141, 0, 2, 200), (0, 77, 300, 3), (30, 20, 100, 60)):
        assert np.abs(painted(item, zoom, (10, 10), (x, y, w, h)).astype(int) - whole[y : y + h, x : x + w]).max() <= 24


@pytest.fixture
def at_the_corner(drawing):
    """The section's corner is in the middle of the view, at (320, 240): what is left of it and above it is margin."""
    drawing.canvas.look_at(0, 0)
    assert (drawing.canvas.camera.x, drawing.canvas.camera.y) == (0, 0)
    return drawing


@pytest.mark.parametrize("tool", ["ruler", "box", "profile", "polygon", "angle", "area", "point"])
def test_nothing_begins_in_the_margin(at_the_corner, tool):
    take(at_the_corner, tool)
    click(at_the_corner, (200, 200))
    assert not drawn(at_the_corner)
    assert at_the_corner.drawings.item.draft is None
    drag(at_the_corner, (200, 200), (250, 220), (300, 230))
    assert not drawn(at_the_corner)


@pytest.mark.parametrize(
    ("tool", "modifiers", "to", "expected"),
    [
        ("ruler", NONE, (300, 340), (0, 100.5)),
        ("box", NONE, (100, 100), (0, 0)),
        ("ruler", SHIFT, (280, 200), (0, 0)),
        ("box", SHIFT, (300, 140), (0, 0)),
    ],
)
def test_what_begins_inside_ends_at_the_edge(at_the_corner, tool, modifiers, to, expected):
    take(at_the_corner, tool)
    drag(at_the_corner, (420, 340), (360, 300), to, modifiers=modifiers)
    (made,) = drawn(at_the_corner)
    assert made.points[0] == (100.5, 100.5)
    assert made.points[1] == pytest.approx(expected, abs=1e-9)


def test_a_drawing_is_dragged_no_farther_than_the_edge(at_the_corner):
    take(at_the_corner, "box")
    drag(at_the_corner, (420, 340), (450, 360), (480, 400))
    take(at_the_corner, "pointer")
    click(at_the_corner, (420, 370))
    drag(at_the_corner, (420, 370), (350, 370), (250, 360))
    (moved,) = drawn(at_the_corner)
    assert (moved.box.x, moved.box.w, moved.box.h) == (0, 60, 60)
    drag(at_the_corner, (320, 330), (300, 250), (250, 100))
    (resized,) = drawn(at_the_corner)
    assert resized.box.x == 0
    assert resized.box.y == 0


def test_where_labels_collide_the_larger_drawing_keeps_its_own(qapp):
    polygon = Drawing("polygon", ((100, 100), (1000, 100), (1000, 900), (100, 900)), id=1)
    sliver = Drawing("area", ((0, 105), (1010, 105), (1010, 125), (0, 125)), id=2)
    point = Drawing("point", ((1002, 102),), name="pore", id=3)
    labels = DrawingLabels()
    labels.set_labels([label_for(drawing, "0.21 mm²") for drawing in (sliver, point, polygon)])
    assert labels.chosen(0.25).tolist() == [2]
    assert labels.chosen(64.0).tolist() == [2, 0, 1], "there is room for all"


def test_a_label_can_be_read_whatever_colour_its_class_has(qapp):
    from PySide6.QtCore import QRectF
    from PySide6.QtGui import QColor, QImage, QPainter

    from app.viewer.drawing_labels import paint_label

    for chosen in ("#550088", "#000000", "#12a87b", "#009e73", "#0072b2"):
        image = QImage(80, 24, QImage.Format.Format_RGB32)
        image.fill(QColor("#d0d0d0"))
        painter = QPainter(image)
        paint_label(painter, "366 µm²", QRectF(0, 0, 80, 24), QColor(chosen))
        painter.end()
        lightest = max(image.pixelColor(x, y).lightness() for x in range(4, 76) for y in range(4, 20))
        assert lightest > 140, chosen
