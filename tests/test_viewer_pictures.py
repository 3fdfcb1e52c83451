"""Pictures over a section as they are drawn: where they lie, as sharp as their file, moved, matched, swept aside, kept."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.viewer.overlay_picture import MOST_PX, PicturePainter, read_picture
from app.viewer.overlay_tiles import OverlayTile
from core.errors import InputError
from core.jobs import CancelToken, no_progress
from core.placement import Placement
from core.project import Project
from core.project.picture_store import PictureStore
from core.readers.fingerprint import fingerprint
from core.registration.fiducials import Fiducial
from core.registration.laid_pictures import LaidPicture
from tests.test_viewer_overlays import grabbed, show
from tests.window_support import open_and_wait, open_window, press

LEFT = Qt.MouseButton.LeftButton
MIDDLE = Placement.around((640, 480), (60, 40), 2.0)  # viewport (260, 200) to (380, 280)


@pytest.fixture
def picture(tmp_path: Path) -> str:
    """60 × 40 px: the left third blue, the rest white."""
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[:, :20] = (255, 0, 0)
    cv2.imwrite(str(tmp_path / "sem.png"), pixels)
    return str(tmp_path / "sem.png")


def lay(qtbot, viewer, path, placement, number=1):
    """As if it had been laid there, opaque."""
    pictures, session = viewer.session.pictures, viewer.session
    if pictures.get(number) is None:
        pictures.add(LaidPicture(number, path, fingerprint(Path(path)), (60, 40), placement))
    else:
        pictures.lay_by_hand(number, placement)
    session.set_layers(session.layers.styled(f"picture {number}", opacity=1.0))
    qtbot.waitUntil(lambda: viewer.overlays.settled)


def test_it_lies_where_its_placement_says(qtbot, viewer, picture):
    show(qtbot, viewer)
    lay(qtbot, viewer, picture, MIDDLE)
    shown = grabbed(viewer)
    assert tuple(shown[240, 280]) == (0, 0, 255)
    assert tuple(shown[240, 340]) == (255, 255, 255)
    assert tuple(shown[240, 255]) == (128, 128, 128)
    lay(qtbot, viewer, picture, Placement.around((640, 480), (60, 40), 2.0, 90.0))
    shown = grabbed(viewer)
    assert tuple(shown[200, 320]) == (0, 0, 255), "its left side is up now"
    assert tuple(shown[280, 320]) == (255, 255, 255)
    lay(qtbot, viewer, picture, MIDDLE.mirrored((60, 40)))
    assert tuple(grabbed(viewer)[240, 360]) == (0, 0, 255), "its left side is right"
    viewer.session.pictures.remove(1)
    assert (grabbed(viewer) == 128).all()
    assert "picture 1" not in viewer.session.layers


def test_two_have_layers_of_their_own(qtbot, viewer, picture):
    show(qtbot, viewer)
    lay(qtbot, viewer, picture, MIDDLE)
    lay(qtbot, viewer, picture, Placement.around((420, 340), (60, 40), 2.0), 2)
    session = viewer.session
    session.set_layers(session.layers.styled("picture 1", visible=False))
    shown = grabbed(viewer)
    assert tuple(shown[240, 280]) == (128, 128, 128)
    assert tuple(shown[100, 110]) == (255, 255, 255)


def test_a_swipe_uncovers_the_section_left_of_a_divider(qtbot, viewer, picture):
    show(qtbot, viewer)
    lay(qtbot, viewer, picture, MIDDLE)
    pictures, divider = viewer.session.pictures, viewer.swipe.divider
    assert not divider.isVisible()
    pictures.set_swipe(0.5)  # at 320
    assert divider.isVisible()
    assert divider.geometry().center().x() == pytest.approx(320, abs=1)
    divider.hide()
    shown = grabbed(viewer)
    assert tuple(shown[240, 280]) == (128, 128, 128)
    assert tuple(shown[240, 340]) == (255, 255, 255)
    divider.show()
    QTest.mousePress(divider, LEFT, pos=QPoint(6, 100))
    QTest.mouseMove(divider, QPoint(6 - 50, 100))
    QTest.mouseRelease(divider, LEFT, pos=QPoint(6 - 50, 100))
    assert pictures.swipe == pytest.approx(270 / 640, abs=0.01)
    divider.hide()
    assert tuple(grabbed(viewer)[240, 280]) == (0, 0, 255)
    assert tuple(grabbed(viewer)[240, 265]) == (128, 128, 128)
    viewer.canvas.look_at(660, 480)  # 20 px to the left
    assert tuple(grabbed(viewer)[240, 265]) == (128, 128, 128)
    assert tuple(grabbed(viewer)[240, 275]) == (0, 0, 255)
    viewer.canvas.look_at(640, 480)
    pictures.set_swipe(None)
    assert not divider.isVisible()
    assert tuple(grabbed(viewer)[240, 265]) == (0, 0, 255)


def test_the_mouse_moves_it_only_while_that_is_on(qtbot, viewer, picture):
    show(qtbot, viewer)
    viewport, pictures = viewer.canvas.viewport(), viewer.session.pictures

    def drag():
        QTest.mousePress(viewport, LEFT, pos=QPoint(320, 240))
        QTest.mouseMove(viewport, QPoint(350, 250))
        QTest.mouseMove(viewport, QPoint(370, 260))
        QTest.mouseRelease(viewport, LEFT, pos=QPoint(370, 260))

    lay(qtbot, viewer, picture, MIDDLE)
    pictures.set_movable(True)
    before = viewer.canvas.camera
    drag()
    assert viewer.canvas.camera == before
    assert pictures.lies(pictures.chosen).to_section(30, 20) == pytest.approx((690, 500))
    qtbot.waitUntil(lambda: viewer.overlays.settled)
    assert tuple(grabbed(viewer)[260, 330]) == (0, 0, 255)
    lay(qtbot, viewer, picture, MIDDLE)
    pictures.set_movable(False)
    drag()
    assert pictures.lies(pictures.chosen) == MIDDLE
    assert viewer.canvas.camera != before


def test_what_is_moved_while_the_section_goes_is_left_where_it_is(qtbot, viewer, picture):
    show(qtbot, viewer)
    session, viewport = viewer.session, viewer.canvas.viewport()
    lay(qtbot, viewer, picture, MIDDLE)
    session.pictures.set_movable(True)
    session.drawings.set_tool("ruler")
    QTest.mousePress(viewport, LEFT, pos=QPoint(320, 240))
    QTest.mouseMove(viewport, QPoint(370, 260))
    session.leaving.emit()
    laid = session.pictures.lies(session.pictures.chosen)
    assert laid.to_section(30, 20) == pytest.approx((690, 500))
    QTest.mouseRelease(viewport, LEFT, pos=QPoint(400, 300))
    assert session.pictures.lies(session.pictures.chosen) == laid
    assert viewport.cursor().shape() == Qt.CursorShape.CrossCursor, "the ruler is still in hand"


def test_it_is_pulled_to_where_the_section_shows_the_same(qtbot, viewer, picture):
    show(qtbot, viewer)
    viewport, pictures = viewer.canvas.viewport(), viewer.session.pictures
    lay(qtbot, viewer, picture, MIDDLE)
    viewer.session.drawings.set_tool("match")

    def pull(a, b):
        QTest.mousePress(viewport, LEFT, pos=QPoint(*a))
        QTest.mouseMove(viewport, QPoint(*b))
        QTest.mouseRelease(viewport, LEFT, pos=QPoint(*b))

    QTest.mouseClick(viewport, LEFT, pos=QPoint(100, 100))  # not on the picture
    QTest.mouseClick(viewport, LEFT, pos=QPoint(150, 120))
    assert not pictures.chosen.matches
    pull((270, 210), (250, 200))
    laid = pictures.chosen
    assert laid.way == "matched"
    assert pictures.lies(laid).to_section(*laid.matches[0].picture) == pytest.approx((570, 440), abs=2)
    assert pictures.lies(laid).scale == pytest.approx(2.0)
    pull((350, 260), (400, 300))
    assert len(pictures.chosen.matches) == 2
    assert pictures.lies(pictures.chosen).scale > 2.2
    assert pictures.lies(pictures.chosen).to_section(*laid.matches[0].picture) == pytest.approx((570, 440), abs=2)
    lies = pictures.lies(pictures.chosen)
    pictures.forget_matches()
    assert (pictures.chosen.way, pictures.lies(pictures.chosen)) == ("hand", lies)


# -- reading ----------------------------------------------------------------------------------------


def painted_by(source, placement: Placement, tile: OverlayTile) -> np.ndarray:
    pixels = PicturePainter(source, placement).paint(tile).pixels
    assert pixels is not None
    return pixels


def read(path: Path):
    return read_picture(str(path), fingerprint(path), path.parent, no_progress, CancelToken())


def test_seen_from_afar_it_is_averaged_not_picked(tmp_path):
    pixels = np.indices((512, 512)).sum(axis=0) % 2 * 255
    cv2.imwrite(str(tmp_path / "checker.png"), pixels.astype(np.uint8))
    source = read(tmp_path / "checker.png")
    assert source.size == (512, 512)
    assert source.section is None, "all of it is in memory"
    painted = painted_by(source, Placement(), OverlayTile(0.2, 0, 0))
    inner = painted[10:90, 10:90, :3].astype(int)
    assert abs(inner - 127).max() <= 3
    assert painted[200, 200, 3] == 0


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """4096 × 2048 px, more than is kept: each px of it tells its place."""
    y, x = np.mgrid[:2048, :4096]
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, ((x * 7 + y * 13) % 251).astype(np.uint8), tile=(256, 256))
    return path


@pytest.mark.parametrize("placement", [Placement(), Placement.around((900, 700), (4096, 2048), 1.0, 180.0)])
def test_looked_at_closely_it_is_as_sharp_as_its_file(large: Path, placement: Placement):
    source = read(large)
    assert source.downsample > 1
    assert sum(copy.nbytes for copy in source.copies) <= MOST_PX * 4 * 4 / 3 + 1
    painted = painted_by(source, placement, OverlayTile(1.0, 1, 1))
    pixels = tifffile.imread(large)
    for row, column in ((10, 20), (300, 500), (511, 0)):
        x, y = placement.to_picture(512 + column + 0.5, 512 + row + 0.5)
        assert painted[row, column, 0] == pixels[int(y), int(x)]
        assert painted[row, column, 3] == 255
    source.close()
    assert PicturePainter(source, placement).paint(OverlayTile(1.0, 1, 1)).pixels is None


def test_between_the_file_and_its_copies_it_looks_the_same(large: Path):
    """At the zoom where one gives way to the other."""
    source = read(large)
    for zoom in (0.9 / source.downsample, 1.1 / source.downsample):
        painted = painted_by(source, Placement(), OverlayTile(zoom, 0, 0))
        assert abs(painted[50:400, 50:400, 0].astype(float).mean() - 125) < 3
    source.close()


def test_a_picture_that_has_gone_or_changed_is_refused(tmp_path: Path, picture: str):
    with pytest.raises(InputError, match="not where it was"):
        read_picture(str(tmp_path / "no.png"), "f", tmp_path, no_progress, CancelToken())
    with pytest.raises(InputError, match="its content has changed"):
        read_picture(picture, "another", tmp_path, no_progress, CancelToken())
    moved = read_picture("/elsewhere/sem.png", fingerprint(Path(picture)), tmp_path, no_progress, CancelToken())
    assert moved.size == (60, 40)


# -- in a window ------------------------------------------------------------------------------------

ZEISS = """\
AP_IMAGE_PIXEL_SIZE
Image Pixel Size = 500.0 nm
AP_STAGE_AT_X
Stage at X = 10.160 mm
AP_STAGE_AT_Y
Stage at Y = 20.080 mm
AP_STAGE_AT_T
Stage at T = 3.0 \N{DEGREE SIGN}
"""


@pytest.fixture
def section(tmp_path: Path) -> Path:
    path = tmp_path / "steel.ome.tif"
    size = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, np.full((600, 800), 90, np.uint8), metadata={"axes": "YX", **size}, photometric="minisblack")
    return path


@pytest.fixture
def sem_image(tmp_path: Path) -> Path:
    """60 × 40 px of 0.5 µm; its middle at 10.160, 20.080 mm."""
    path = tmp_path / "sem.tif"
    pixels = np.full((40, 60), 255, np.uint8)
    tifffile.imwrite(path, pixels, extratags=[(34118, "s", 0, ZEISS.encode("cp1252"), True)], metadata=None)
    return path


def seen_upside_down(x_px: float, y_px: float) -> tuple[float, float]:
    """SEM mm: the section lies turned by half a turn, its corner at 10.4, 20.0."""
    return 10.4 - x_px * 0.0005, 20.0 + y_px * 0.0005


def test_an_sem_image_lies_through_the_registration_follows_it_and_is_there_again(qtbot, qapp, section, sem_image):
    places = ((100.0, 100.0), (700.0, 120.0), (650.0, 500.0), (120.0, 480.0))
    fiducials = [Fiducial(f"F{n}", *at, *seen_upside_down(*at), "mm") for n, at in enumerate(places)]
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, section)
        session = window.session
        session.registration.replace_all(fiducials)
        qtbot.waitUntil(lambda: session.project is not None, timeout=10_000)
        window.docks.bring("layers")
        group = window.docks.layers.pictures
        group.open_path(str(sem_image))
        qtbot.waitUntil(lambda: bool(session.pictures.items))
        laid = session.pictures.chosen
        assert laid.way == "registration"
        lies = session.pictures.lies(laid)
        assert lies.to_section(30, 20) == pytest.approx((480, 160), abs=1e-6)
        assert lies.to_section(60, 20) == pytest.approx((450, 160), abs=1e-6), "half a turn"
        assert (lies.scale, lies.is_mirrored) == (pytest.approx(1.0), False)
        assert "tilted by 3.0°" in group.told.text()
        assert group.turn.isVisible()
        assert not group.scale.isVisible()
        group.turn.setValue(180.0)
        assert session.pictures.lies(session.pictures.chosen).to_section(60, 20) == pytest.approx((510, 160), abs=1e-6)
        rows = window.docks.layers.layers.rows
        assert "sem.tif" in [rows.item(row).text() for row in range(rows.count())]
        session.set_layers(session.layers.styled("picture 1", opacity=0.3))
        press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert session.pictures.chosen.turn_deg == 0.0
        moved = [Fiducial(one.name, one.x_px + 40, one.y_px, one.sem_x, one.sem_y, "mm") for one in fiducials]
        session.registration.replace_all(moved)
        assert session.pictures.lies(session.pictures.chosen).to_section(30, 20) == pytest.approx((520, 160), abs=1e-6)
        home = session.project.path
    with Project.open(home) as project:
        (kept,) = PictureStore(project).pictures(1)
        assert (kept.path, kept.stage_um) == (str(sem_image), (10160.0, 20080.0))
    with open_window(qapp) as window:
        open_and_wait(qtbot, window, section)
        session = window.session
        assert session.pictures.lies(session.pictures.items[0]).to_section(30, 20) == pytest.approx(
            (520, 160), abs=1e-6
        )
        assert session.layers.layer("picture 1").opacity == 0.3
        session.set_layers(session.layers.styled("picture 1", opacity=1.0))
        qtbot.waitUntil(lambda: window.viewer.overlays.settled and window.viewer.overlays.pictures.shows(1))
        at = window.viewer.canvas.mapFromScene(520.0, 160.0)
        assert window.viewer.picture().pixelColor(at).red() == 255
        press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the fiducials
        press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the picture
        assert session.pictures.items == ()
        press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        assert len(session.pictures.items) == 1
