"""TIFF: every fixture opens with the right pixels or gives one clear error; what files declare is not believed blindly."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.errors import InputError, SchliffError
from core.readers import tiff_pages
from core.readers.base import open_section
from core.readers.file_bytes import FileBytes
from core.readers.tiff_pages import PageReader, huge_parts
from core.section import Array, Plane, RegionRequest
from tests.tiff_expected import MAGIC, expected, whole

AT_LEAST_OPENED = 220


@pytest.mark.filterwarnings("ignore")
def test_every_fixture_opens_right_or_says_why_not(shared_data: Path):
    counts: Counter[str] = Counter()
    told: list[tuple[Path, SchliffError]] = []
    for path in sorted((shared_data / "tiff").rglob("*")):
        if not path.is_file():
            continue
        is_tiff = path.read_bytes()[:4] in MAGIC
        try:
            info, got = whole(path)
        except SchliffError as error:
            told.append((path, error))
            counts["refused" if is_tiff else "no TIFF, refused"] += 1
            continue
        if not is_tiff:
            assert info.format == "PNG", path.name
            continue
        want = expected(path, info, got.shape)
        counts["opened"] += 1
        assert got.shape == want.shape, path.name
        assert np.array_equal(got, want), path.name
        counts["converted" if any("16-bit" in warning for warning in info.warnings) else "equal"] += 1
    assert all(str(path) in str(error) and error.remedy for path, error in told)
    assert counts["opened"] >= AT_LEAST_OPENED


def write_lie(path: Path, width: int, height: int, compression: int, data: bytes, big: bool = False) -> Path:
    """A TIFF header by hand: one strip that claims to be the whole picture."""
    entries = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, compression), (262, 3, 1),
        (273, 4, 8), (277, 3, 1), (278, 4, height), (279, 4, len(data)),
    ]  # fmt: skip
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, v) for tag, kind, v in entries)
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + ifd + struct.pack("<I", 0))
    return path


@pytest.mark.parametrize("compression", [1, 5, 8, 7])
@pytest.mark.parametrize("data", [b"", b"\x80\x0b\x60\x50" * 16])
def test_two_million_pixels_squared_without_data_are_refused(tmp_path: Path, compression: int, data: bytes):
    path = write_lie(tmp_path / "huge.tif", 2_000_000, 2_000_000, compression, data)
    with pytest.raises(SchliffError, match=r"huge\.tif: .*2000000 × 2000000"):
        open_section(path)


def test_one_huge_compressed_strip_is_refused_before_it_eats_memory(tmp_path: Path):
    path = write_lie(tmp_path / "strip.tif", 60_000, 60_000, 8, bytes(1 << 20))
    with pytest.raises(SchliffError, match=r"strip.*tiled TIFF"):
        open_section(path)


def test_opening_decodes_no_large_strip_and_says_that_looking_will_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    decoded: list[int] = []
    decode = PageReader._decode

    def counted(reader: PageReader, file: FileBytes, index: int) -> Array:
        decoded.append(index)
        return decode(reader, file, index)

    monkeypatch.setattr(PageReader, "_decode", counted)
    pixels = np.zeros((5000, 4000), np.uint8)
    pixels[1234, 2345] = 9
    path = tmp_path / "strip.tif"
    tifffile.imwrite(path, pixels, rowsperstrip=5000, compression="zlib", metadata=None)
    with open_section(path) as section:
        assert any("one compressed strip of 20 MB" in warning for warning in section.info.warnings)
        assert decoded == []
        assert section.read(RegionRequest(2345, 1234, 1, 1)) == 9
        assert section.read(RegionRequest(2300, 1200, 90, 90)).max() == 9
        assert decoded == [0]
    tifffile.imwrite(path, pixels, rowsperstrip=500, compression="zlib", metadata=None)
    with open_section(path) as section:
        assert not any("strip" in warning for warning in section.info.warnings)


@pytest.mark.parametrize("as_subifds", [True, False])
def test_a_file_cut_off_among_its_overviews_opens_with_the_rest_and_says_so(tmp_path: Path, as_subifds: bool):
    pixels = np.random.default_rng(0).integers(0, 255, (256, 256), np.uint8)
    path = tmp_path / "pyramid.tif"
    with tifffile.TiffWriter(path) as writer:
        for factor in (1, 2, 4):
            kind = {"subifds": 2 if as_subifds else None} if factor == 1 else {"subfiletype": 1}
            writer.write(pixels[::factor, ::factor].copy(), tile=(64, 64), metadata=None, **kind)
    data = path.read_bytes()
    ends = []
    for length in range(len(data), 0, -1500):
        path.write_bytes(data[:length])
        try:
            with open_section(path) as section:
                told = any("ends before all that it announces" in warning for warning in section.info.warnings)
                assert told == (length < len(data))
                assert np.array_equal(section.read(RegionRequest(0, 0, 256, 256))[:, :, 0], pixels)
                ends.append(len(section.info.levels))
        except SchliffError:
            assert length < 66_000 + 1500  # level 0 itself
            break
    assert set(ends) == {1, 2, 3}


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"tile": (512, 256)}, (2048, 2048)),
        ({"tile": (480, 480)}, (2400, 2400)),
        ({"tile": (4096, 4096)}, (3000, 4000)),
        ({"rowsperstrip": 100, "compression": "zstd"}, (3000, 4000)),
        ({"rowsperstrip": 7}, (3000, 4000)),
    ],
)
def test_blocks_hold_whole_tiles_or_whole_strips(tmp_path: Path, options: dict[str, Any], want: tuple[int, int]):
    pixels = np.zeros((4000, 3000), np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", pixels, metadata=None, **options)
    with open_section(tmp_path / "b.tif") as section:
        assert section.block_px == want


def test_blocks_of_wide_strips_are_whole_strips_of_at_most_64_mb(tmp_path: Path):
    pixels = np.zeros((900, 40_000, 3), np.uint8)
    for options, rows in (({"rowsperstrip": 50, "compression": "zstd"}, 550), ({"rowsperstrip": 50}, 559)):
        tifffile.imwrite(tmp_path / "w.tif", pixels, photometric="rgb", metadata=None, **options)
        with open_section(tmp_path / "w.tif") as section:
            assert section.block_px == (40_000, rows)


def test_one_huge_plain_strip_is_read_row_by_row(tmp_path: Path):
    path = tmp_path / "rows.tif"
    pixels: Array = tifffile.memmap(path, shape=(20_000, 30_000), dtype="uint8", photometric="minisblack")
    pixels[15_000:15_004, 20_000:20_004] = 200
    pixels.flush()  # type: ignore[attr-defined]
    with open_section(path) as section:
        got = section.read(RegionRequest(19_998, 14_998, 8, 8))
        assert got[2:6, 2:6].min() == 200
        assert got.sum() == 200 * 16


def test_planes_of_stacks_are_told_apart(tmp_path: Path):
    stack = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4, 1, 1) * np.ones((1, 1, 1, 9, 11), np.uint16)
    ome, imagej = tmp_path / "a.ome.tif", tmp_path / "b.tif"
    tifffile.imwrite(ome, stack, metadata={"axes": "TCZYX"}, photometric="minisblack")
    tifffile.imwrite(imagej, np.swapaxes(stack, 1, 2), imagej=True, metadata={"axes": "TZCYX"})
    for path in (ome, imagej):
        with open_section(path) as section:
            info = section.info
            assert (info.t_count, len(info.channel_names), info.z_count) == (2, 3, 4)
            for t, c, z in ((0, 0, 0), (1, 2, 3), (1, 0, 2)):
                assert section.read(RegionRequest(0, 0, 11, 9, 1, Plane(c, z, t)))[4, 4, 0] == stack[t, c, z, 0, 0]


def test_huge_strips_of_many_planes_share_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pixels = np.random.default_rng(0).integers(0, 255, (5, 300, 400), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, rowsperstrip=300, compression="zlib", metadata={"axes": "CYX"})
    monkeypatch.setattr(tiff_pages, "share", lambda use: 1000)
    monkeypatch.setattr(tiff_pages, "_LARGEST_SEGMENT", 250_000)
    huge_parts.cache_clear()
    with open_section(tmp_path / "a.tif") as section:
        for c in range(5):
            assert (section.read(RegionRequest(7, 9, 50, 60, 1, Plane(c)))[..., 0] == pixels[c, 9:69, 7:57]).all()
        assert 0 < huge_parts()._items.used <= 250_000
    assert huge_parts()._items.used == 0
    huge_parts.cache_clear()


def test_a_list_of_tiles_without_all_their_lengths_is_refused(tmp_path: Path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((200, 200), np.uint8), tile=(64, 64), compression="zlib", metadata=None)
    with tifffile.TiffFile(path) as tiff:
        count_at = tiff.pages[0].tags["TileByteCounts"].offset + 4  # type: ignore[union-attr]
    with path.open("r+b") as file:
        file.seek(count_at)
        file.write((7).to_bytes(4, "little"))
    with pytest.raises(InputError, match="pixels are missing"):
        open_section(path)


@pytest.mark.parametrize("kept", [5, 8, 200])
def test_a_file_cut_off_near_its_beginning_is_refused_in_plain_words(tmp_path: Path, kept: int):
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, np.zeros((300, 300), np.uint8), tile=(64, 64), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError) as refused:
        open_section(path)
    assert "missing" in str(refused.value)
    for jargon in ("index", "unpack", "buffer", "Error"):
        assert jargon not in str(refused.value)


def test_the_notes_of_tifffile_stay_off_the_terminal(tmp_path: Path):
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, np.zeros((300, 300), np.uint8), tile=(64, 64), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:200])
    command = [sys.executable, "-m", "app", "info", str(path)]
    run = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 1, run.stderr


def test_a_cut_off_plane_is_refused(tmp_path: Path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path,
        np.random.default_rng(0).integers(0, 255, (3, 50, 60), np.uint8),
        compression="zlib",
        photometric="minisblack",
    )
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[2].dataoffsets[0]
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: start + 10])
    with pytest.raises(SchliffError, match=r"stack\.tif"):
        open_section(path)


def test_older_ome_pyramids_of_separate_series_become_levels(tmp_path: Path):
    full = np.random.default_rng(0).integers(0, 255, (96, 128), np.uint8)
    half = full.reshape(48, 2, 64, 2).mean((1, 3)).astype(np.uint8)
    path = tmp_path / "old.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for level in (full, half):
            tiff.write(level, tile=(32, 32), photometric="minisblack", metadata={"axes": "YX"})
    with open_section(path) as section:
        assert [level.downsample for level in section.info.levels] == [1, 2]
        assert np.array_equal(section.read_level(1, 0, 0, 64, 48, Plane())[:, :, 0], half)


@pytest.mark.parametrize(
    ("resolution", "unit", "want"),
    [
        ((72, 72), "INCH", None),
        ((300, 300), "INCH", None),
        ((96, 96), "INCH", None),
        ((1, 1), "NONE", None),
        ((20_000, 25_000), "CENTIMETER", (0.5, 0.4)),
        ((28.3464567, 28.3464567), "CENTIMETER", None),
    ],
)
def test_a_plain_resolution_counts_only_when_plausible(tmp_path: Path, resolution: Any, unit: str, want: Any):
    path = tmp_path / "r.tif"
    tifffile.imwrite(path, np.zeros((9, 9), np.uint8), resolution=resolution, resolutionunit=unit, metadata=None)
    with open_section(path) as section:
        assert section.info.pixel_size_um == (pytest.approx(want, rel=1e-6) if want else None)
        assert any("no pixel size" in warning for warning in section.info.warnings) == (want is None)


def test_imagej_units_are_understood(tmp_path: Path):
    path = tmp_path / "ij.tif"
    pixels = np.zeros((9, 9), np.uint8)
    tifffile.imwrite(path, pixels, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    with open_section(path) as section:
        assert section.info.pixel_size_um == pytest.approx((0.25, 0.25))
    tifffile.imwrite(path, pixels, imagej=True, resolution=(4, 4), metadata={"unit": "pixel"})
    with open_section(path) as section:
        assert section.info.pixel_size_um is None


@pytest.mark.parametrize("unit", ["mm", "reference frame"])
def test_an_ome_plane_position_is_the_middle_where_it_has_a_length(tmp_path: Path, unit: str):
    path = tmp_path / "s.ome.tif"
    metadata = {
        "axes": "YX", "PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm",
        "Plane": {"PositionX": [12.5], "PositionXUnit": [unit], "PositionY": [-3], "PositionYUnit": [unit]},
    }  # fmt: skip
    tifffile.imwrite(path, np.zeros((40, 60), np.uint8), metadata=metadata, photometric="minisblack")
    with open_section(path) as section:
        assert section.info.pixel_size_um == (0.5, 0.5)
        if unit == "mm":
            assert section.info.stage.source == "ome_plane"
            assert section.info.stage.to_stage(30, 20) == pytest.approx((12500, -3000))
        else:
            assert section.info.stage.source == "none"
            assert any("no unit of length" in warning for warning in section.info.warnings)


def test_alpha_is_dropped_and_white_is_zero_turned(tmp_path: Path):
    rgba = np.random.default_rng(0).integers(0, 255, (8, 9, 4), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(whole(tmp_path / "a.tif")[1], rgba[:, :, :3])
    tifffile.imwrite(tmp_path / "w.tif", rgba[:, :, 0], photometric="miniswhite")
    assert np.array_equal(whole(tmp_path / "w.tif")[1][:, :, 0], 255 - rgba[:, :, 0])
