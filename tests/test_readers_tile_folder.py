"""A folder of camera tiles is one section: placed by a CSV or by names, drawn in order, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import InputError
from core.geometry import Box
from core.readers.base import open_section
from core.readers.fingerprint import fingerprint
from core.section import Array, RegionRequest, Section

W, H = 96, 64


def big(width: int, height: int, samples: int = 1) -> Array:
    """Blurred noise: every neighbourhood is like no other, and yet smooth enough to be matched."""
    noise = np.random.default_rng(0).integers(0, 255, (height, width, samples), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.2).reshape(height, width, samples)


def write(folder: Path, name: str, pixels: Array) -> None:
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), pixels[:, :, ::-1])


def flat(value: int, width: int = W, height: int = H, samples: int = 1) -> Array:
    return np.full((height, width, samples), value, np.uint8)


def whole(section: Section) -> Array:
    return section.read(RegionRequest(0, 0, section.info.width_px, section.info.height_px))


def two_tiles(folder: Path, table: str, encoding: str = "utf-8") -> Path:
    write(folder, "a.png", flat(10))
    write(folder, "b.png", flat(20))
    (folder / "positions.csv").write_text(table, encoding=encoding)
    return folder


@pytest.mark.parametrize(
    ("table", "encoding"),
    [
        ("name,x,y\na.png,100,50\nb.png,160,40\n", "utf-8"),
        ("File;X (px);Y (px)\r\na.png;100;50\r\nb.png;160,0;40,0\r\n", "utf-8-sig"),
        ("filename\tx_px\ty_px\na\t100\t50\nb\t160\t40\n", "utf-16"),
        ("y_px,x_px,tile,comment\n50,100,C:\\scan\\a.png,first\n40,160,C:\\scan\\B.PNG,\n", "utf-8"),
        ("# pixel_size_um = 0,5\nname;x (µm);y (µm)\na.png;50;25\nb.png;80,0;20\n", "cp1252"),
        ("name,x_mm,y_mm,pixel_size_um\na.png,0.05,0.025,0.5\nb.png,0.08,0.02,0.5\n", "utf-8"),
        ('"name","pos_x [um]","pos_y [um]","um_per_px"\n"a.png",50,25,0.5\n"b.png",80,20,0.5\n', "utf-8"),
    ],
)
def test_a_table_places_tiles_whatever_program_wrote_it(tmp_path: Path, table: str, encoding: str):
    folder = two_tiles(tmp_path / "tiles", table, encoding)
    with open_section(folder) as section:
        info = section.info
        assert (info.width_px, info.height_px) == (60 + W, 10 + H)
        assert section.camera_tiles() == (Box(0, 10, W, H), Box(60, 0, W, H))
        assert info.pixel_size_um == ((0.5, 0.5) if "um" in table else None)
        pixels = whole(section)[:, :, 0]
        assert (pixels[0, 0], pixels[12, 0], pixels[12, 59], pixels[12, 60], pixels[-1, -1]) == (0, 10, 10, 20, 0)
        assert (pixels[-1, 0], pixels[H + 2, 70]) == (10, 10)


def test_the_last_line_is_drawn_last(tmp_path: Path):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\nb.png,40,0\na.png,0,0\n")
    with open_section(folder) as section:
        assert whole(section)[5, 50, 0] == 10


def test_a_missing_unit_is_told(tmp_path: Path):
    with open_section(two_tiles(tmp_path / "tiles", "name,x,y\na,0,0\nb,9,9\n")) as section:
        assert any("taken as px" in warning for warning in section.info.warnings)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("name,x_px,y_px\na.png,0,0\nb.png,9,9\nc.png,1,1\nd.png,5,5\n", "2 of 4 tiles are missing.*c.png"),
        ("name,x_um,y_um\na.png,0,0\nb.png,9,9\n", "how large a pixel is"),
        ("name,x_px,y_px\na.png,0,0\nb.png,nine,9\n", "line 3: 'nine' is not a number"),
        ("name,x_px,y_px\na.png,0,0\nb.png,9\n", "line 3 is too short"),
        ("name,x_px,y_px\na.png,0,0\na.png,9,9\n", "a.png stands in it twice"),
        ("name,x_px,y_px\na.png,0,0\nb.png,9e9,9\n", "millions of px apart"),
        ("defect,area\na,0\n", "nothing says where its 2 pictures lie"),
    ],
)
def test_a_table_that_cannot_be_followed_is_refused_in_one_line(tmp_path: Path, table: str, says: str):
    folder = two_tiles(tmp_path / "tiles", table)
    with pytest.raises(InputError, match=says) as caught:
        open_section(folder)
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_tiles_of_different_size_or_kind_are_refused_by_name(tmp_path: Path):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\na.png,0,0\nb.png,9,9\n")
    write(folder, "b.png", flat(1, width=W + 1))
    with pytest.raises(InputError, match=r"b\.png.*97 × 64 px, the other tiles 96 × 64"):
        open_section(folder)
    write(folder, "b.png", np.zeros((H, W, 1), np.uint16))
    with pytest.raises(InputError, match=r"b\.png.*grey of 16 bits, the other tiles grey of 8 bits"):
        open_section(folder)


def test_corners_in_names_place_tiles(tmp_path: Path):
    pixels = big(200, H, 3)
    for x in (0, 60, 104):
        write(tmp_path / "tiles", f"Slice_{x + 1536}_0_{x + 1536 + W}_{H}.png", pixels[:, x : x + W])
    write(tmp_path / "tiles", "overview.png", flat(7, samples=3))
    with open_section(tmp_path / "tiles") as section:
        assert np.array_equal(whole(section), pixels)
        assert any("1 pictures in the folder have no place" in warning for warning in section.info.warnings)


@pytest.mark.parametrize("pattern", ["scan_X{x}_Y{y}.png", "t-x={x},y={y}.png", "x{x:05}y{y:05}.bmp"])
def test_numbers_of_px_in_names_place_tiles(tmp_path: Path, pattern: str):
    pixels = big(60 + W, 40 + H)
    for y in (0, 40):
        for x in (0, 60):
            write(tmp_path / "tiles", pattern.format(x=x + 1000, y=y + 500), pixels[y : y + H, x : x + W])
    with open_section(tmp_path / "tiles") as section:
        assert np.array_equal(whole(section), pixels)


@pytest.mark.parametrize(
    "pattern", ["r{r:02}c{c:02}.png", "s_x{c:03}_y{r:03}.png", "row{r}_col{c}.png", "C{c}R{r}.png"]
)
def test_rows_and_columns_are_placed_by_the_overlap_that_is_measured(tmp_path: Path, pattern: str):
    step_x, step_y = 80, 52
    pixels = big(step_x * 2 + W, step_y + H)
    for r in range(2):
        for c in range(3):
            tile = pixels[r * step_y : r * step_y + H, c * step_x : c * step_x + W]
            write(tmp_path / "tiles", pattern.format(r=r + 1, c=c + 1), tile)
    with open_section(tmp_path / "tiles") as section:
        assert np.array_equal(whole(section), pixels)
        assert any("columns overlap by 16 px, as measured" in warning for warning in section.info.warnings)
        assert any("rows overlap by 12 px, as measured" in warning for warning in section.info.warnings)


def test_rows_and_columns_without_overlap_lie_edge_to_edge_and_it_is_said(tmp_path: Path):
    pixels = big(2 * W, H)
    for c in range(2):
        write(tmp_path / "tiles", f"r0c{c}.png", pixels[:, c * W : (c + 1) * W])
    with open_section(tmp_path / "tiles") as section:
        assert np.array_equal(whole(section), pixels)
        assert any("columns overlap is not known" in warning for warning in section.info.warnings)


@pytest.mark.parametrize("names", [("x0.5_y1.png", "x0.7_y1.png"), ("x0_y0.png", "x9000000_y9000000.png")])
def test_numbers_that_are_neither_px_nor_rows_are_refused(tmp_path: Path, names: tuple[str, ...]):
    for number, name in enumerate(names):
        write(tmp_path / "tiles", name, flat(number))
    for more in range(8 if "x0.5" in names[0] else 0):
        write(tmp_path / "tiles", f"x{more + 1}.5_y1.png", flat(9))
    with pytest.raises(InputError, match=r"neither px nor rows and columns.*CSV"):
        open_section(tmp_path / "tiles")


def test_two_sections_in_one_folder_are_refused(tmp_path: Path):
    for name in ("top", "bottom"):
        write(tmp_path / "tiles", f"{name}_r0c0.png", flat(1))
        write(tmp_path / "tiles", f"{name}_r0c1.png", flat(2))
    with pytest.raises(InputError, match="claim the same place"):
        open_section(tmp_path / "tiles")


def test_pictures_without_places_are_refused_with_what_to_do(tmp_path: Path):
    for name in ("one.png", "two.png", "sample12.png"):
        write(tmp_path / "tiles", name, flat(1))
    with pytest.raises(InputError, match=r"nothing says where its 3 pictures lie.*CSV"):
        open_section(tmp_path / "tiles")


def test_a_table_without_its_tiles_is_refused(tmp_path: Path):
    (tmp_path / "places.csv").write_text("name,x_px,y_px\na.png,0,0\n")
    with pytest.raises(InputError, match="holds no pictures"):
        open_section(tmp_path)
    (tmp_path / "places.csv").write_text("defect,area\n1,2\n")
    with pytest.raises(InputError, match="no section in this folder"):
        open_section(tmp_path)


def test_a_damaged_tile_is_named_when_it_is_looked_at(tmp_path: Path):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\na.png,0,0\nb.png,90,0\n")
    pixels = big(W, H)
    write(folder, "b.png", pixels)
    data = bytearray((folder / "b.png").read_bytes())
    data[60:400] = bytes(340)
    (folder / "b.png").write_bytes(data)
    with open_section(folder) as section:
        assert section.read(RegionRequest(0, 0, 40, 40))[0, 0, 0] == 10
        with pytest.raises(InputError, match=r"b\.png"):
            section.read(RegionRequest(100, 0, 40, 40))


def test_moving_a_tile_changes_the_fingerprint(tmp_path: Path):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\na.png,0,0\nb.png,90,0\n")
    before = fingerprint(folder)
    (folder / "positions.csv").write_text("name,x_px,y_px\na.png,0,0\nb.png,80,0\n")
    moved = fingerprint(folder)
    (folder / "b.png").rename(folder / "c.png")
    assert len({before, moved, fingerprint(folder)}) == 3


def test_what_says_nothing_of_the_tiles_does_not_change_the_fingerprint(tmp_path: Path):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\na.png,0,0\nb.png,90,0\n")
    before = fingerprint(folder)
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "a.png.bak"):
        (folder / name).write_text("left behind")
    (folder / "section.schliff").mkdir()
    assert fingerprint(folder) == before


@pytest.mark.parametrize(
    "text", ['"' + "x" * 200_000, "# pixel_size_um = 0.2.5\nname,x_px,y_px\na.png,0,0\nb.png,90,0\n"]
)
def test_a_table_that_makes_no_sense_is_no_crash(tmp_path: Path, text: str):
    folder = two_tiles(tmp_path / "tiles", "name,x_px,y_px\na.png,0,0\nb.png,90,0\n")
    (folder / "a.txt").write_text(text)
    with open_section(folder) as section:
        assert len(section.camera_tiles()) == 2


def test_a_table_without_tiles_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="lists no tiles"):
        open_section(two_tiles(tmp_path / "tiles", "name,x_px,y_px\n"))


def test_a_folder_that_may_not_be_read_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InputError, match="no permission"):
        open_section(tmp_path)


def test_real_tiles_make_the_panorama_that_was_made_of_them(shared_data: Path):
    root = shared_data / "nasa_micronet"
    panorama = cv2.imread(str(root / "panoramas" / "Slice1Bottom.png"), cv2.IMREAD_GRAYSCALE)
    with open_section(root / "instance_segmentation" / "data" / "train") as section:
        assert len(section.camera_tiles()) == 34
        assert panorama is not None
        assert np.array_equal(whole(section)[:, :, 0], panorama)
