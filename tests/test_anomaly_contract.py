"""What holds for every model that learnt what is normal, in a whole scan: one defect is one detection, scores belong to
places and not to tiles, and no picture is too odd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from core.detection import Detection
from core.geometry import Box
from core.models.texture import TextureModel
from core.train.trainers import trainers
from tests.anomaly_support import DEFECT, SIDE_PX, TILE_PX, WAYS, discs, load, scan, train
from tests.test_texture import metal
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_thread", "quick_disk")

Array = np.ndarray
EVERY = pytest.mark.parametrize("way", WAYS)
Folder = Callable[[str], Path]
Scanned = tuple[Array, list[Detection]]
SMALL_PX = 168


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The folder of a model, trained once."""
    made: dict[str, Path] = {}

    def of(way: str) -> Path:
        if way not in made:
            made[way] = train(way, tmp_path_factory.mktemp(way))
        return made[way]

    return of


@pytest.fixture(scope="module")
def scanned(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Scanned]:
    """A section with a defect, scanned once by small tiles, one after the other."""
    place = tmp_path_factory.mktemp("section")
    section = write_image(place / "s.png", discs(7, DEFECT))
    made: dict[str, Scanned] = {}

    def of(way: str) -> Scanned:
        if way not in made:
            made[way] = scan(load(way, folder(way)), section, place / way, tile_px=TILE_PX, batch=1)
        return made[way]

    return of


def test_every_way_to_learn_what_is_normal_is_here() -> None:
    assert {spec.id for spec in trainers().values() if spec.data == ("normal",)} <= {way[0] for way in WAYS.values()}


# One-class machines answer for windows of 48 px every 16 px, too coarse for a box this tight.
@pytest.mark.parametrize("way", ["cgan", "vae", "memory"])
def test_a_defect_across_windows_and_tiles_is_one_detection(way: str, scanned: Callable[[str], Scanned]) -> None:
    _, found = scanned(way)
    _is_one_detection(found)


def test_a_defect_across_tiles_is_one_detection_for_textures_too(tmp_path: Path) -> None:
    """They learn from the section itself, of which the defect is to be a small part, and look at 64 px and more at once."""
    defect = Box(352, 352, 160, 160)  # around the corner of four tiles
    pixels = metal(864, 864, 7)
    pixels[352:512, 352:512] = metal(160, 160, 3)[..., :1] // 4 + 160
    _, found = scan(TextureModel(), write_image(tmp_path / "s.png", pixels), tmp_path / "p", 3 * TILE_PX)
    _is_one_detection(found, defect)


@pytest.mark.parametrize("side", [24, 32, 48, 64])
def test_textures_box_a_small_defect_across_tiles_as_tightly(side: int, tmp_path: Path) -> None:
    """Smaller than what most of their scales look at. A cell is 8 px wide and sees 4 px beyond, so a strong defect's box is one
    cell too wide on each side where the defect ends at a cell's edge: of 32 px and less its IoU is then less than half."""
    middle = 7 * 64  # the corner of four tiles
    defect = Box(middle - side / 2, middle - side / 2, side, side)
    pixels = metal(2 * middle, 2 * middle, 7)
    cv2.circle(pixels, (middle, middle), side // 2, (20, 20, 20), -1)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 0.8)
    _, found = scan(TextureModel(), write_image(tmp_path / "s.png", pixels), tmp_path / "p", middle)
    _is_one_detection(found, defect, least=0.5 if side >= 48 else 0.25)
    assert defect.grown(12).intersection(found[0].box) == found[0].box


def _is_one_detection(found: list[Detection], defect: Box = DEFECT, least: float = 0.5) -> None:
    """Whatever else is found, no box of that reaches into the defect's."""
    there = [one for one in found if one.box.intersection(defect)]
    assert len(there) == 1, [(one.score, one.box) for one in found]
    assert there == found[:1]  # worst first
    assert there[0].box.iou(defect) >= least


@EVERY
def test_scores_depend_on_neither_place_nor_tiles_nor_batches_nor_order(
    way: str, folder: Folder, scanned: Callable[[str], Scanned], tmp_path: Path
) -> None:
    """The same picture on a larger one, in tiles twice as large, several at once, from the other end."""
    here, _ = scanned(way)
    wide = np.pad(discs(7, DEFECT), ((2 * TILE_PX, 0), (2 * TILE_PX, 0), (0, 0)), mode="reflect")
    path, model = write_image(tmp_path / "wide.png", wide), load(way, folder(way))
    there, _ = scan(model, path, tmp_path / "p", 2 * TILE_PX, batch=3, start_at=(2 * TILE_PX + SIDE_PX - 1,) * 2)
    cell = model.spec.stride_px
    moved = there[2 * TILE_PX // cell :, 2 * TILE_PX // cell :]
    assert moved.shape == here.shape
    assert np.isfinite(here).all()
    beyond = model.spec.halo_px // cell + model.spec.context_cells  # the upper and left edges were mirrored here
    # Scores are kept as half floats, of which the next one may be the nearest.
    np.testing.assert_allclose(moved[beyond:, beyond:], here[beyond:, beyond:], atol=1e-4, rtol=2**-10)


def _float_with_gaps(path: Path) -> Path:
    values = discs(7, side=SMALL_PX)[..., 0].astype(np.float32) / 7
    values[80:110, 10:60] = np.nan
    tifffile.imwrite(path.with_suffix(".tif"), values)
    return path.with_suffix(".tif")


def _deep(path: Path) -> Path:
    cv2.imwrite(str(path), discs(7, DEFECT).astype(np.uint16) * 13 + 400)
    return path


ODD: dict[str, Callable[[Path], Path]] = {
    "NaN": _float_with_gaps,
    "flat": lambda path: write_image(path, np.full((SMALL_PX, SMALL_PX, 3), 128, np.uint8)),
    "saturated": lambda path: write_image(path, np.full((SMALL_PX, SMALL_PX, 3), 255, np.uint8)),
    "very dark": lambda path: write_image(path, discs(7, side=SMALL_PX) // 60),
    "16 bit": _deep,
    "tiny": lambda path: write_image(path, discs(7)[:20, :25]),
}


@EVERY
@pytest.mark.parametrize("odd", ODD)
def test_odd_pictures_have_scores(way: str, odd: str, folder: Folder, tmp_path: Path) -> None:
    cells, _ = scan(load(way, folder(way)), ODD[odd](tmp_path / "s.png"), tmp_path / "p", tile_px=TILE_PX)
    assert np.isfinite(cells[:-1, :-1]).all()  # the middle of the last ones may lie beyond the picture
