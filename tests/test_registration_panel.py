"""Registering a section to the SEM in the window: picked by real clicks, typed in, undone, kept, shown beside and over it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from app.panels.details import Details
from app.panels.layers_panel import LayersPanel
from app.registration.model import SEM_X
from app.registration.panel import RegistrationPanel
from app.tools.loupe import SIDE_PX, Loupe
from app.viewer.camera import Camera
from core.errors import InputError
from core.project import Project
from core.project.attachments import Attachments
from core.readers.base import open_section
from core.registration.arrows import arrow_factor, residual_arrows
from core.registration.fiducials import Fiducial, fiducials_csv, fiducials_in
from core.registration.pasted import positions_in
from core.registration.registration import register
from tests.gallery_support import ArraySection, fill_from_project, some_detections
from tests.toy import spotted_image
from tests.viewer_support import grabbed, rgb, show, wait_sharp
from tests.window_support import open_and_wait, open_window, press

LEFT = Qt.MouseButton.LeftButton
UM_PER_PX = 0.5
# Of a section 640 px wide: places, and how far off the SEM's µm are there.
PLACES = ((100.0, 90.0), (540.0, 100.0), (520.0, 530.0), (90.0, 500.0))
OFF_UM = ((0.4, 0.0), (-0.4, 0.0), (0.4, 0.0), (-0.4, 0.0))
TURN = math.radians(37.0)


def sem_mm(x_px, y_px, off=(0.0, 0.0)):
    """Mirrored, turned by 37°, shifted; in mm."""
    x, y = x_px * UM_PER_PX, -y_px * UM_PER_PX
    u = 12_000 + math.cos(TURN) * x - math.sin(TURN) * y + off[0]
    v = -7_000 + math.sin(TURN) * x + math.cos(TURN) * y + off[1]
    return u / 1000, v / 1000


def fiducials(count=4):
    """As they are after picking and typing, with true places."""
    known = [(place, sem_mm(*place, off)) for place, off in zip(PLACES, OFF_UM, strict=True)][:count]
    return [Fiducial(f"F{n}", *place, *sem, "mm") for n, (place, sem) in enumerate(known, 1)]


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "steel.ome.tif"
    size = {
        "PhysicalSizeX": UM_PER_PX,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": UM_PER_PX,
        "PhysicalSizeYUnit": "µm",
    }
    tifffile.imwrite(path, spotted_image(640), photometric="rgb", metadata={"axes": "YXS", **size})
    return path


@pytest.fixture
def scanned(session, tmp_path):
    """A session with detections in a project."""
    project = fill_from_project(session, tmp_path, some_detections())
    yield session
    session.adopt(None)
    project.close()


def view_point(window, place):
    """The pixel of the viewport whose middle lies nearest to a level-0 point."""
    view = window.viewer.canvas.viewportTransform().map(QPointF(*place))
    return QPoint(math.floor(view.x()), math.floor(view.y()))


def click(window, place):
    viewport, at = window.viewer.canvas.viewport(), view_point(window, place)
    QTest.mouseMove(viewport, at)
    QTest.mouseClick(viewport, LEFT, pos=at)


def type_into(panel, row, column, text):
    """As a person does: the cell is clicked, then typed into."""
    table = panel.table
    QTest.mouseClick(table.viewport(), LEFT, pos=table.visualRect(panel.model.index(row, column)).center())
    QTest.keyClick(table, text[0])
    editor = QApplication.focusWidget()
    assert isinstance(editor, QLineEdit)
    QTest.keyClicks(editor, text[1:])
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QApplication.processEvents()  # Qt takes it with the next turn of its loop


def test_four_places_are_picked_typed_undone_and_there_again_after_a_restart(qtbot, qapp, image):
    with open_window(qapp) as window:
        window.resize(1280, 800)
        open_and_wait(qtbot, window, image)
        window.menus.actions["registration"].trigger()
        panel, registration = window.docks.registration, window.session.registration
        window.activateWindow()
        qtbot.waitUntil(lambda: panel.isVisible() and window.isActiveWindow())
        QTest.mouseClick(panel.pick, LEFT)
        assert window.session.drawings.tool == "fiducial"
        qtbot.waitUntil(lambda: window.is_settled)
        for place in PLACES:
            click(window, place)
            qtbot.waitUntil(lambda: window.session.project is not None and window.is_settled)  # a notice moves the view
        zoom = window.viewer.canvas.camera.zoom
        for one, place in zip(registration.fiducials, PLACES, strict=True):
            assert math.dist((one.x_px, one.y_px), place) <= 0.75 / zoom
            assert not one.is_seen
        loupe = window.viewer.tools.desk.loupe
        qtbot.waitUntil(lambda: loupe.settled)
        assert loupe.isVisible()
        press(qtbot, window, Qt.Key.Key_Escape)
        assert window.session.drawings.tool == "pointer"
        assert not panel.pick.isChecked()
        assert not loupe.isVisible()
        assert window.session.registration.fit is None
        assert panel.results.reason.text().startswith("4 picked, 0 with SEM positions")
        for row, one in enumerate(registration.fiducials):
            for column, value in zip((SEM_X, SEM_X + 1), sem_mm(one.x_px, one.y_px, OFF_UM[row]), strict=True):
                type_into(panel, row, column, f"{value:.6f}".replace(".", ","))
        fit = registration.fit
        assert fit.fit.mirrored
        assert fit.fit.scale == pytest.approx(1.0, abs=2e-3)
        assert panel.results.facts["Mirrored"].text() == "yes"
        assert panel.results.facts["Residuals"].text() == f"{fit.rms_um:.2f} µm rms"
        assert 0.2 < fit.rms_um < 0.5
        assert fit.to_sem(320.0, 300.0) == pytest.approx(sem_mm(320.0, 300.0), abs=1e-3)
        assert "fiducials" in window.session.layers
        assert window.viewer.overlays.stack.item("fiducials").isVisible()
        typed = registration.fiducials
        qtbot.waitUntil(window.menus.actions["undo"].isEnabled)
        press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert registration.fiducials == (
            *typed[:3],
            Fiducial("F4", typed[3].x_px, typed[3].y_px, typed[3].sem_x, None, "mm"),
        )
        assert [one.is_seen for one in registration.fiducials] == [True, True, True, False]
        press(qtbot, window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
        assert registration.fiducials == typed
    with open_window(qapp) as again:
        open_and_wait(qtbot, again, image)
        assert again.session.registration.fiducials == typed
        assert again.session.registration.fit.rms_um == pytest.approx(fit.rms_um)
        assert again.viewer.overlays.stack.item("fiducials").isVisible()


def test_escape_in_the_list_puts_the_tool_away(qtbot, scanned):
    panel = RegistrationPanel(scanned)
    qtbot.addWidget(panel)
    panel.pick_requested.connect(lambda on: scanned.drawings.set_tool("fiducial" if on else "pointer"))
    scanned.registration.add(*PLACES[0])
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.pick.click()
    assert scanned.drawings.tool == "fiducial"
    panel.table.edit(panel.model.index(0, SEM_X))
    editor = panel.table.findChild(QLineEdit)
    qtbot.waitUntil(editor.hasFocus)
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.waitUntil(panel.table.hasFocus)
    assert scanned.drawings.tool == "fiducial", "first what is being typed is dropped"
    qtbot.keyClick(panel.table, Qt.Key.Key_Escape)
    assert scanned.drawings.tool == "pointer"
    assert not panel.pick.isChecked()


def test_a_mark_is_dragged_and_nudged_finer_than_the_screen(qtbot, qapp, image):
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, image)
        registration = window.session.registration
        press(qtbot, window, Qt.Key.Key_F, Qt.KeyboardModifier.ShiftModifier)
        window.viewer.canvas.setFocus()
        qtbot.waitUntil(lambda: window.is_settled)
        click(window, PLACES[0])
        (one,) = registration.fiducials
        qtbot.waitUntil(lambda: window.session.project is not None)
        viewport, zoom = window.viewer.canvas.viewport(), window.viewer.canvas.camera.zoom
        begin = view_point(window, (one.x_px, one.y_px))
        QTest.mousePress(viewport, LEFT, pos=begin)
        for step in (10, 40):
            QTest.mouseMove(viewport, begin + QPoint(step, 0))
        assert registration.fiducials == (one,), "not before it is let go"
        QTest.mouseRelease(viewport, LEFT, pos=begin + QPoint(40, 0))
        (moved,) = registration.fiducials
        assert (moved.x_px - one.x_px, moved.y_px) == pytest.approx((40 / zoom, one.y_px))
        for _ in range(2):
            press(qtbot, window, Qt.Key.Key_Down)
        (nudged,) = registration.fiducials
        assert nudged.y_px - moved.y_px == pytest.approx(2 * 0.125 / zoom)
        window.session.undo()
        assert registration.fiducials[0].y_px - moved.y_px == pytest.approx(0.125 / zoom), "each key was one step"
        begin = view_point(window, (moved.x_px, moved.y_px))
        QTest.mousePress(viewport, LEFT, pos=begin)
        QTest.mouseMove(viewport, begin + QPoint(0, 30))
        window.session.undo()
        QTest.mouseMove(viewport, begin + QPoint(0, 60))
        QTest.mouseRelease(viewport, LEFT, pos=begin + QPoint(0, 60))
        assert registration.fiducials == (moved,), "undo lets go of it"
        press(qtbot, window, Qt.Key.Key_Delete)
        assert registration.fiducials == ()


@pytest.mark.parametrize("zoom", [1.0, 0.06, 3.0])
def test_the_loupe_shows_to_a_tenth_of_a_pixel_what_is_pointed_at(qtbot, viewer, session, zoom):
    pixels = np.zeros((400, 12_000, 3), np.uint8)  # long, so that it can be seen from far
    pixels[:, 200:] = 255
    pixels[160:, 200:] = (255, 0, 0)
    show(viewer, ArraySection(pixels))
    viewer.canvas.fly(Camera(220.0, 150.0, zoom), 0)
    assert viewer.canvas.camera.zoom == pytest.approx(zoom)
    loupe = Loupe(session, viewer.canvas)
    loupe.look_at((200.0, 160.0))
    qtbot.waitUntil(lambda: loupe.settled)
    shown, middle, by = rgb(loupe.grab().toImage()), SIDE_PX // 2, 4
    assert shown[middle - by, middle - by].max() == 0
    assert shown[middle - by, middle + by].min() == 255
    assert shown[middle + by, middle + by].tolist() == [255, 0, 0]
    loupe.look_at(None)
    assert loupe.isHidden()


def test_the_layer_is_in_the_list_once_there_is_one_and_shown_while_picking(qtbot, viewer, session):
    panel = LayersPanel(session)
    qtbot.addWidget(panel)
    show(viewer, ArraySection(np.zeros((600, 640, 3), np.uint8)))
    assert "fiducials" not in session.layers
    session.registration.adopt(fiducials(), "auto")
    item = viewer.overlays.stack.item("fiducials")
    assert item.isVisible()
    row = panel.layers.rows.item(0)
    assert (row.text(), row.checkState()) == ("Fiducials", Qt.CheckState.Checked)
    row.setCheckState(Qt.CheckState.Unchecked)
    assert not item.isVisible()
    session.drawings.set_tool("fiducial")
    assert item.isVisible()
    session.drawings.set_tool("pointer")
    assert not item.isVisible()
    session.registration.adopt((), "auto")
    assert not panel.layers.rows.item(0).flags() & Qt.ItemFlag.ItemIsEnabled


def test_marks_arrows_and_hull_are_painted_where_they_are(qtbot, viewer, session):
    show(viewer, ArraySection(np.zeros((600, 640, 3), np.uint8)))
    session.registration.adopt(fiducials(), "auto")
    wait_sharp(qtbot, viewer)
    shown = grabbed(viewer).astype(int)
    view = viewer.canvas.viewportTransform()

    def colour_near(x_px, y_px, reach=3):
        at = view.map(QPointF(x_px, y_px))
        x, y = round(at.x()), round(at.y())
        return shown[y - reach : y + reach + 1, x - reach : x + reach + 1].max(axis=(0, 1))

    ring = 7.0 / viewer.canvas.camera.zoom
    for x, y in PLACES:
        red, green, blue = colour_near(x - ring, y)
        assert min(red, green) > 150 > blue, "a yellow ring"
    assert colour_near((PLACES[0][0] + PLACES[1][0]) / 2, (PLACES[0][1] + PLACES[1][1]) / 2, 8).min() > 60, "the hull"
    (_, head), *_ = residual_arrows(session.registration.fit)
    red, _, blue = colour_near(*head)
    assert red > 200 > 120 > blue
    assert colour_near(320.0, 300.0).max() == 0


def test_pasting_fills_rows_or_takes_a_whole_list(qtbot, scanned):
    panel = RegistrationPanel(scanned)
    qtbot.addWidget(panel)
    told = []
    scanned.message.connect(lambda level, text: told.append((level, text)))
    registration = scanned.registration
    for place in PLACES:
        registration.add(*place)
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("12,5\t-7,25\n\n13.5 ; -6\n")
    panel.paste()
    assert [(one.sem_x, one.sem_y) for one in registration.fiducials[:3]] == [(12.5, -7.25), (13.5, -6.0), (None, None)]
    clipboard.setText("1 2\n3 4\n5 6")
    panel.paste()
    assert told[-1][0] == "error"
    assert "3 positions" in told[-1][1]
    assert not registration.fiducials[2].is_seen, "all or nothing"
    clipboard.setText("1 2\nabc")
    panel.paste()
    assert "line 2" in told[-1][1]
    clipboard.setText(fiducials_csv(fiducials()))
    panel.paste()
    assert list(registration.fiducials) == fiducials()
    scanned.undo()
    assert len(registration.fiducials) == 4
    assert not registration.fiducials[3].is_seen


def test_a_list_goes_to_a_file_and_comes_back(qtbot, scanned, tmp_path, monkeypatch):
    panel = RegistrationPanel(scanned)
    qtbot.addWidget(panel)
    scanned.registration.replace_all(fiducials())
    path = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    panel.ask_and_export()
    QTest.mouseClick(panel.buttons["clear"], LEFT)
    assert scanned.registration.fiducials == ()
    assert not panel.buttons["export"].isEnabled()
    panel.ask_and_import()
    assert list(scanned.registration.fiducials) == fiducials()


def test_cells_refuse_what_is_no_number_and_check_points_leave_the_fit(qtbot, scanned):
    panel = RegistrationPanel(scanned)
    qtbot.addWidget(panel)
    panel.resize(1000, 220)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    told = []
    scanned.message.connect(lambda level, text: told.append(text))
    registration = scanned.registration
    registration.replace_all([*fiducials(), Fiducial("C", 300.0, 300.0, *sem_mm(300.0, 300.0, (3.0, 4.0)), "mm")])
    type_into(panel, 0, SEM_X, "about 12")
    assert told[-1] == "F1: 'about 12' is not a number."
    assert list(registration.fiducials)[:4] == fiducials()
    index = panel.model.index(4, panel.model.columnCount() - 1)
    assert panel.model.setData(index, Qt.CheckState.Checked.value, Qt.ItemDataRole.CheckStateRole)
    assert [one.role for one in registration.fiducials] == [*["fiducial"] * 4, "check"]
    assert [panel.model.index(row, 5).data() for row in (0, 4)] == ["0.40", "5.00"]
    registration.set_unit("um")
    assert "check the units" in panel.results.warnings.text()
    assert panel.model.headerData(SEM_X, Qt.Orientation.Horizontal) == "SEM x, µm"
    registration.set_unit("mm")
    registration.replace_all(fiducials(3))
    registration.set_kind("affine")
    assert panel.results.facts["Residuals"].text() == "–", "three points and an affine always fit"
    assert {panel.model.index(row, 5).data() for row in range(3)} == {"–"}
    assert "always fit exactly" in panel.results.warnings.text()


def test_the_details_say_where_a_defect_is_in_the_sem(qtbot, scanned):
    details = Details(scanned)
    qtbot.addWidget(details)
    scanned.select(scanned.detections[0].id, "viewer")
    assert details.fact("SEM") == ""
    assert details.copy_sem.isHidden()
    scanned.registration.replace_all(fiducials())
    fit, (x, y) = scanned.registration.fit, scanned.selected.box.center
    expected = fit.to_sem(x, y)
    assert details.fact("SEM") == f"{expected[0]:.4f}, {expected[1]:.4f} mm"
    assert details.fact("SEM error").startswith(f"within {fit.predicted_error_um(x, y):.1f} µm")
    assert details.fact("SEM error").endswith("outside the fiducials") is not fit.surrounds(x, y)
    assert details.fact("SEM field") == f"{fit.field_um(scanned.selected.box):g} µm wide"
    QTest.mouseClick(details.copy_sem, LEFT)
    assert QGuiApplication.clipboard().text() == f"{expected[0]:.4f}\t{expected[1]:.4f}"


def test_a_defect_centred_in_the_sem_becomes_a_fiducial_once(qtbot, scanned):
    panel = RegistrationPanel(scanned)
    qtbot.addWidget(panel)
    assert not panel.use_defect.isEnabled()
    scanned.select(scanned.detections[2].id, "viewer")
    for _ in range(2):
        QTest.mouseClick(panel.use_defect, LEFT)
    (one,) = scanned.registration.fiducials
    assert (one.x_px, one.y_px) == scanned.selected.box.center
    assert one.detection_id == scanned.selected_id
    assert one.name == f"#{scanned.selected_id}"


def test_another_section_has_none_of_this_ones_fiducials(qtbot, session, tmp_path, image):
    other = tmp_path / "other.ome.tif"
    other.write_bytes(image.read_bytes())
    for path in (image, other):
        with qtbot.waitSignal(session.path_opened, timeout=20_000):
            session.open_path(path)
        assert session.registration.fiducials == ()
        session.registration.add(*PLACES[0])  # its project is made while the section is left
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(image)
    assert [one.name for one in session.registration.fiducials] == ["F1"]


def test_damaged_fiducials_keep_nobody_from_the_section(qtbot, session, image):
    with Project.open_or_create(image.with_name("steel.schliff")) as project, open_section(image) as section:
        Attachments(project, "registration").keep({project.add_section(section).id: {"fiducials": [{"odd": 1}]}})
    told = []
    session.message.connect(lambda level, text: told.append((level, text)))
    with qtbot.waitSignal(session.path_opened, timeout=20_000):
        session.open_path(image)
    assert session.section is not None
    assert session.registration.fiducials == ()
    assert [level for level, text in told if "without its registration" in text] == ["warning"]


def test_arrows_are_so_long_that_they_are_seen_and_point_to_where_the_sem_saw_it():
    fit = register(fiducials(), (UM_PER_PX, UM_PER_PX))
    factor = arrow_factor(fit)
    (x0, y0), (x1, y1) = residual_arrows(fit)[0]
    assert (x0, y0) == PLACES[0]
    away = (x1 - x0) / factor * UM_PER_PX, (y1 - y0) / factor * UM_PER_PX
    assert math.hypot(*away) == pytest.approx(fit.residuals[0].um, rel=1e-3)
    seen = fit.to_pixel(fiducials()[0].sem_x, fiducials()[0].sem_y)
    assert (x0 + (x1 - x0) / factor, y0 + (y1 - y0) / factor) == pytest.approx(seen)
    assert 0.05 * 450 < math.hypot(x1 - x0, y1 - y0) <= 0.25 * 450
    assert residual_arrows(register(fiducials(3), (UM_PER_PX, UM_PER_PX), "affine")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1,5\t-2,5", (1.5, -2.5)), ("1.5, -2.5", (1.5, -2.5)), ("3,4", (3.0, 4.0)), ("\N{MINUS SIGN}1 2", (-1.0, 2.0))],
)
def test_positions_are_read_however_they_are_written(text, expected):
    assert positions_in(text) == [expected]


@pytest.mark.parametrize("text", ["1,5,2,5", "1 2 3", "x y", "nan 1", "7"])
def test_what_is_not_two_numbers_is_refused(text):
    with pytest.raises(InputError, match="line 1"):
        positions_in(text)


def test_a_list_says_which_were_not_seen_yet():
    text = fiducials_csv([Fiducial("=F1", 1.0, 2.0, None, None, "mm"), *fiducials(1)])
    assert text.splitlines()[1] == "'=F1,1.000,2.000,,,mm,fiducial"
    first, *_ = fiducials_in(text)
    assert (first.sem_x, first.sem_y) == (None, None)
