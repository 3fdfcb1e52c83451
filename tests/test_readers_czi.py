"""CZI: real files show libCZI's own pixels, stage positions are right or doubted, damage is refused."""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.geometry import Box
from core.readers.base import open_section
from core.readers.czi_metadata import CziMetadata, PixelToStage, SceneText, parse_metadata
from core.readers.czi_segments import read_contents, read_subblock_xml
from core.readers.czi_stage import TilePosition, find_stage, tile_positions
from core.section import Plane, RegionRequest

FILES = 17


def czi_files(folder: Path) -> list[Path]:
    return sorted((folder / "czi").glob("*.czi"))


def libczi_read(document: Any, roi: tuple[int, int, int, int], plane: Plane) -> np.ndarray:
    pixels = document.read(roi=roi, plane={"C": plane.c, "Z": plane.z, "T": plane.t})
    return pixels[:, :, ::-1] if pixels.shape[2] == 3 else pixels


def test_all_real_files_show_the_pixels_libczi_shows(shared_data: Path):
    from pylibCZIrw import czi

    files = czi_files(shared_data)
    assert len(files) == FILES
    rng = np.random.default_rng(0)
    for path in files:
        with open_section(path) as section, czi.open_czi(str(path)) as document:
            info, total = section.info, document.total_bounding_rectangle
            assert (info.width_px, info.height_px) == (total.w, total.h), path.name
            counts = len(info.channel_names), info.z_count, info.t_count
            boxes = [(0, 0, total.w, total.h), (total.w - 1, total.h - 1, 1, 1)]
            boxes += [scene.box.outer_pixels() for scene in info.scenes]
            for _ in range(4):
                x, y = int(rng.integers(0, total.w - 1)), int(rng.integers(0, total.h - 1))
                boxes.append((x, y, int(rng.integers(1, total.w - x)), int(rng.integers(1, total.h - y))))
            for plane in (Plane(*indices) for indices in np.ndindex(counts)):
                for x, y, w, h in boxes:
                    want = libczi_read(document, (total.x + x, total.y + y, w, h), plane)
                    got = section.read(RegionRequest(x, y, w, h, 1, plane))
                    assert got.dtype == want.dtype
                    assert np.array_equal(got, want), (path.name, plane, x, y, w, h)


def test_scenes_are_those_of_libczi(shared_data: Path):
    from pylibCZIrw import czi

    path = shared_data / "czi" / "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi"
    with open_section(path) as section, czi.open_czi(str(path)) as document:
        found = {scene.index: (scene.box.x, scene.box.y, scene.box.w, scene.box.h) for scene in section.info.scenes}
        assert found == {i: tuple(r) for i, r in document.scenes_bounding_rectangle.items()}
        assert [scene.name for scene in section.info.scenes] == ["TR1", "P1", "TR2"]


def test_the_stage_of_a_good_mosaic_is_right_to_half_a_micron(shared_data: Path):
    path = shared_data / "czi" / "1_tileregion.czi"
    contents = read_contents(path)
    with open_section(path) as section, path.open("rb") as file:
        stage = section.info.stage
        assert stage.source == "tile_positions"
        checked = 0
        for number in np.flatnonzero(contents.directory.is_level0).tolist():
            subblock = contents.directory.subblock(number)
            root = parse_tags(read_subblock_xml(file, subblock))
            if root:
                place = stage.to_stage(subblock.x - 118583 + subblock.w / 2, subblock.y - 88865 + subblock.h / 2)
                assert place == pytest.approx(root, abs=0.5)
                checked += 1
        assert checked == 7
        middle = section.info.box.center
        assert stage.to_stage(*middle) == pytest.approx((47729.178, 35660.098), abs=0.5)
        assert stage.to_pixel(47729.178, 35660.098) == pytest.approx(middle, abs=1)
        assert stage.disagreement_um == pytest.approx(0, abs=0.5)
        assert section.info.warnings == ()


def parse_tags(xml: bytes) -> tuple[float, float] | None:
    from core.readers.parsing import parse_xml

    root = parse_xml(xml) if xml else None
    if root is None or root.findtext("Tags/StageXPosition") is None:
        return None
    return float(root.findtext("Tags/StageXPosition") or 0), float(root.findtext("Tags/StageYPosition") or 0)


@pytest.mark.parametrize(
    ("name", "source", "middle", "doubted"),
    [
        ("Airyscan.czi", "pixel_to_stage", (-1269.89, 3135.35), False),
        ("T=3_Z=5_CH=2_X=240_Y=170.czi", "pixel_to_stage", (16983.85, 18631.45), True),
        ("WellD6_S1.czi", "tile_positions", (49500, 35500), False),
        ("S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi", "scene_center", None, True),
    ],
)
def test_the_most_trusted_stage_source_wins_and_others_are_compared(
    shared_data: Path, name: str, source: str, middle: tuple[float, float] | None, doubted: bool
):
    with open_section(shared_data / "czi" / name) as section:
        stage = section.info.stage
        assert stage.source == source
        if middle is not None:
            assert stage.to_stage(*section.info.box.center) == pytest.approx(middle, abs=0.5)
        assert any("apart" in warning for warning in section.info.warnings) == doubted


def test_wrong_tile_tags_give_way_to_scene_centres(shared_data: Path):
    """The tiles' tags of this file are up to 190 µm off; its scenes' centres agree with one another to 1 µm."""
    with open_section(shared_data / "czi" / "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi") as section:
        for scene, center in zip(
            section.info.scenes, [(38397.3, 12724.7), (37980, 13020), (38679.4, 13260.3)], strict=True
        ):
            assert section.info.stage.to_stage(*scene.box.center) == pytest.approx(center, abs=1.0)
        assert (section.info.stage.disagreement_um or 0) > 50


def metadata(**fields: Any) -> CziMetadata:
    return CziMetadata(pixel_size_um=(0.5, 0.5), **fields)


def test_pixel_to_stage_flips_and_turns_about_the_middle():
    given = PixelToStage(90, False, True, (100, 200))
    stage, _ = find_stage(metadata(pixel_to_stage=given), (400, 200), {}, [])
    assert stage.to_stage(200, 100) == pytest.approx((200, 250))  # ws / 2 + tx, hs / 2 + ty
    # 10 px to the right: flipped to -5 µm along u, then a quarter turn (+x to +y) makes it -5 µm along Y.
    assert stage.to_stage(210, 100) == pytest.approx((200, 245))
    assert stage.to_stage(200, 110) == pytest.approx((195, 250))


def grid(columns: int, rows: int, turn: np.ndarray, noise: float = 0.0) -> list[TilePosition]:
    rng = np.random.default_rng(0)
    tiles = []
    for j in range(rows):
        for i in range(columns):
            center = (i * 900 + 500.0, j * 900 + 500.0)
            place = turn @ np.array(center) * 0.5 + np.array([1000, -2000]) + rng.normal(0, noise, 2)
            tiles.append(TilePosition(center, (float(place[0]), float(place[1])), 0.0, 1000))
    return tiles


@pytest.mark.parametrize("degrees", [0, 0.4, -1.2, 90, 180])
@pytest.mark.parametrize("mirrored", [False, True])
def test_signs_and_rotation_come_from_the_tiles(degrees: float, mirrored: bool):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirrored:
        turn = turn @ np.diag([-1, 1])
    tiles = grid(8, 6, turn, noise=0.3)
    tiles[5] = TilePosition(tiles[5].center_px, (0.0, 0.0), 0.0, 1000)  # one stale tag
    stage, _ = find_stage(metadata(), (7300, 5500), {}, tiles)
    want = turn @ np.array([3000, 4000]) * 0.5 + np.array([1000, -2000])
    assert stage.source == "tile_positions"
    assert stage.to_stage(3000, 4000) == pytest.approx(tuple(want), abs=1.0)
    assert stage.residual_um is not None
    assert stage.residual_um < 1.0


def test_a_row_of_tiles_keeps_the_plain_orientation():
    stage, _ = find_stage(metadata(), (3700, 1000), {}, grid(4, 1, np.eye(2)))
    assert stage.affine == ((0.5, 0.0, pytest.approx(1000)), (0.0, 0.5, pytest.approx(-2000)))


def test_a_disagreement_over_5_um_is_told():
    scenes = {0: Box(0, 0, 7300, 5500)}
    told = metadata(scenes={0: SceneText("a", (1000 + 1825 + 8, -2000 + 1375))})
    stage, warnings = find_stage(told, (7300, 5500), scenes, grid(8, 6, np.eye(2)))
    assert stage.disagreement_um == pytest.approx(8, abs=0.1)
    assert len(warnings) == 1
    assert "8.0 µm apart" in warnings[0]


def test_without_a_pixel_size_there_is_no_stage():
    stage, warnings = find_stage(CziMetadata(scenes={0: SceneText("", (1, 2))}), (10, 10), {0: Box(0, 0, 10, 10)}, [])
    assert stage.source == "none"
    assert "pixel size" in warnings[0]


def test_hostile_metadata_is_not_expanded():
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert parse_metadata(bomb) is None
    assert parse_metadata(b"<not closed") is None


def write_czi(path: Path, tiles: list[tuple[int, int, np.ndarray]], **plane: int) -> Path:
    from pylibCZIrw import czi

    with czi.create_czi(str(path)) as document:
        for x, y, pixels in tiles:
            document.write(pixels, location=(x, y), plane={"C": 0, "Z": 0, "T": 0, **plane})
    return path


def test_gaps_are_black_and_later_tiles_lie_on_top(tmp_path: Path):
    low, high = np.full((20, 30, 1), 7, np.uint8), np.full((20, 30, 1), 9, np.uint8)
    with open_section(write_czi(tmp_path / "s.czi", [(-50, -60, low), (-30, -50, high), (40, 30, low)])) as section:
        assert (section.info.width_px, section.info.height_px) == (120, 110)
        pixels = section.read(RegionRequest(0, 0, 120, 110))[:, :, 0]
        assert pixels[15, 25] == 9
        assert pixels[5, 5] == 7
        assert pixels[60, 60] == 0
        assert pixels[95, 95] == 7
        assert section.info.stage.source == "none"
        assert "no pixel size" in section.info.warnings[0]


def test_planes_are_counted_and_told_apart(tmp_path: Path):
    from pylibCZIrw import czi

    path = tmp_path / "s.czi"
    with czi.create_czi(str(path)) as document:
        for c in range(2):
            for z in range(3):
                value = np.full((8, 9, 1), 10 * c + z, np.uint16)
                document.write(value, plane={"C": c, "Z": z, "T": 0})
    with open_section(path) as section:
        assert (len(section.info.channel_names), section.info.z_count, section.info.t_count) == (2, 3, 1)
        assert section.read(RegionRequest(0, 0, 9, 8, 1, Plane(c=1, z=2)))[0, 0, 0] == 12


def test_floats_are_converted_and_said_so(tmp_path: Path):
    pixels = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30, 1)
    with open_section(write_czi(tmp_path / "s.czi", [(0, 0, pixels)])) as section:
        got = section.read(RegionRequest(0, 0, 30, 20))
        assert got.dtype == np.uint16
        assert np.array_equal(got, np.rint(pixels.astype(float) * 65535))
        assert any("Gray32Float" in warning for warning in section.info.warnings)


def test_a_preview_is_the_whole_section_at_about_the_scale(shared_data: Path):
    with open_section(shared_data / "czi" / "1_tileregion.czi") as section:
        quick = section.preview(4, Plane())
        assert quick is not None
        exact = section.read(RegionRequest(0, 0, section.info.width_px, section.info.height_px, 4))
        assert abs(quick.shape[0] - exact.shape[0]) <= 1
        assert abs(quick.shape[1] - exact.shape[1]) <= 1


def test_thousands_of_tiles_are_one_section(tmp_path: Path):
    tile = np.zeros((4, 4, 1), np.uint8)
    path = write_czi(tmp_path / "many.czi", [(4 * (i % 100), 4 * (i // 100), tile) for i in range(8000)])
    with open_section(path) as section:
        assert (section.info.width_px, section.info.height_px) == (400, 320)


def test_reading_after_closing_is_an_error_not_a_crash(tmp_path: Path):
    section = open_section(write_czi(tmp_path / "s.czi", [(0, 0, np.zeros((9, 9, 1), np.uint8))]))
    section.close()
    section.close()
    with pytest.raises(InputError, match="closed"):
        section.read(RegionRequest(0, 0, 5, 5))


@pytest.mark.parametrize(("name", "share"), [("S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi", 0.01), ("newCZI_compressed.czi", 0.9)])
def test_a_file_without_its_list_of_tiles_is_refused(shared_data: Path, tmp_path: Path, name: str, share: float):
    data = (shared_data / "czi" / name).read_bytes()
    path = tmp_path / "cut.czi"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut\.czi.*[Cc]opy"):
        open_section(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_tiles_that_a_cut_file_has_lost_are_told_at_once_and_never_shown_as_gaps(
    shared_data: Path, tmp_path: Path, share: float
):
    whole = shared_data / "czi" / "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi"  # its list of tiles lies before them
    data = whole.read_bytes()
    path = tmp_path / "cut.czi"
    path.write_bytes(data[: int(len(data) * share)])
    refused, shown = [], 0
    with open_section(whole) as complete, open_section(path) as section:
        (told,) = [warning for warning in section.info.warnings if "of its 336 tiles lie beyond the end" in warning]
        for t, z, c in np.ndindex(2, 3, 2):
            for box in section.camera_tiles():
                request = RegionRequest(int(box.x) + 4, int(box.y) + 4, 4, 4, 1, Plane(c, z, t))
                try:
                    assert np.array_equal(section.read(request), complete.read(request))
                    shown += 1
                except InputError as error:
                    refused.append(str(error))
    assert len(refused) == pytest.approx(int(told.split()[0]), abs=12)  # some places lie under another tile
    assert all(re.search(r"cut\.czi.*beyond the end of the file.*Copy", text) for text in refused)
    assert shown > 0


def damage(path: Path, position: int, value: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(value)


def test_a_directory_that_lies_is_refused(tmp_path: Path):
    tile = np.zeros((50, 60, 1), np.uint8)
    good = write_czi(tmp_path / "good.czi", [(0, 0, tile), (60, 0, tile)])
    directory = struct.unpack_from("<q", good.read_bytes(), 32 + 52)[0]
    entry = directory + 32 + 128
    lies = {
        "count": (directory + 32, struct.pack("<i", 2_000_000_000)),
        "negative count": (directory + 32, struct.pack("<i", -5)),
        "no tiles": (directory + 32, struct.pack("<i", 0)),
        "before the start": (entry + 6, struct.pack("<q", -5)),
        "dimensions": (entry + 28, struct.pack("<i", 1 << 20)),
        "schema": (entry, b"XX"),
        "position": (32 + 52, struct.pack("<q", 1 << 60)),
        "far away": (good.read_bytes().index(b"X\0\0\0", entry + 32) + 4, struct.pack("<i", 1 << 28)),
        "never written": (32 + 52, struct.pack("<q", 0)),
    }
    for name, (position, value) in lies.items():
        path = tmp_path / f"{name}.czi"
        shutil.copy(good, path)
        damage(path, position, value)
        with pytest.raises(InputError, match=name):
            open_section(path)


def test_tiles_that_lie_nowhere_leave_the_others(tmp_path: Path):
    pixels = np.full((50, 60, 1), 7, np.uint8)
    path = write_czi(tmp_path / "a.czi", [(0, 0, pixels), (60, 0, pixels)])
    directory = struct.unpack_from("<q", path.read_bytes(), 32 + 52)[0]
    damage(path, directory + 32 + 128 + 6, struct.pack("<q", (1 << 63) - 1))
    with open_section(path) as section:
        assert any("1 of its 2 tiles lie beyond the end" in warning for warning in section.info.warnings)
        assert (section.read(RegionRequest(60, 0, 60, 50)) == 7).all()
        with pytest.raises(InputError, match="beyond the end"):
            section.read(RegionRequest(0, 0, 60, 50))


def test_random_damage_never_crashes_or_hangs(tmp_path: Path):
    rng = np.random.default_rng(3)
    from pylibCZIrw import czi

    good = tmp_path / "good.czi"
    with czi.create_czi(str(good), compression_options="zstd1:ExplicitLevel=1") as document:
        document.write(rng.integers(0, 4000, (60, 70, 1)).astype(np.uint16), location=(0, 0))
    data = good.read_bytes()
    path, refused = tmp_path / "bad.czi", 0
    for _ in range(80):
        broken = bytearray(data)
        for _ in range(int(rng.integers(1, 12))):
            at = int(rng.integers(0, len(broken) - 4))
            broken[at : at + 4] = rng.bytes(4)
        path.write_bytes(broken)
        try:
            with open_section(path) as section:
                section.read(RegionRequest(0, 0, min(section.info.width_px, 200), min(section.info.height_px, 200)))
        except InputError:
            refused += 1
    assert refused > 10  # much of a file matters to nobody


def test_tags_are_read_from_a_bounded_number_of_tiles(shared_data: Path):
    path = shared_data / "czi" / "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi"
    assert 5 < len(tile_positions(path, read_contents(path).directory, (0, 0))) <= 128
