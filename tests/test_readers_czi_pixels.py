"""CZI pixels read without libCZI: the same as libCZI's, fetched sparingly, and refused where they aren't whole."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import core.readers.czi_mosaic
import core.readers.czi_pixels
import core.readers.file_bytes
from core.caches import DecodedCache
from core.errors import InputError
from core.readers.base import open_section
from core.readers.czi_codecs import decode
from core.readers.czi_segments import read_contents
from core.section import Array, Plane, RegionRequest, Section
from tests.czi_files import JPEG, JPEG_XR, LZW, RAW, ZSTD0, ZSTD1, Tile, encode, write_czi_file

RNG = np.random.default_rng(7)


def noise(height: int, width: int, samples: int = 1, dtype: str = "uint8") -> Array:
    return RNG.integers(1, np.iinfo(dtype).max, (height, width, samples), dtype)


def rgb(stored: Array) -> Array:
    return stored[:, :, ::-1] if stored.shape[2] == 3 else stored


def everything(section: Section, plane: Plane = Plane()) -> Array:  # noqa: B008 - frozen
    return section.read(RegionRequest(0, 0, section.info.width_px, section.info.height_px, 1, plane))


def libczi_pixels(path: Path, x: int, y: int, w: int, h: int, plane: dict[str, int]) -> Array:
    from pylibCZIrw import czi

    with czi.open_czi(str(path)) as document:
        total = document.total_bounding_rectangle
        return rgb(document.read(roi=(total.x + x, total.y + y, w, h), plane=plane))


@pytest.mark.parametrize("compression", [RAW, ZSTD0, ZSTD1, JPEG_XR, LZW])
@pytest.mark.parametrize(("dtype", "samples"), [("uint8", 1), ("uint16", 1), ("uint8", 3), ("uint16", 3)])
def test_every_codec_gives_the_pixels_that_were_written(tmp_path: Path, compression: int, dtype: str, samples: int):
    pixels = noise(70, 90, samples, dtype)
    path = write_czi_file(tmp_path / "s.czi", [Tile(-7, 11, pixels, compression)])
    with open_section(path) as section:
        assert np.array_equal(everything(section), rgb(pixels))
        assert np.array_equal(section.read(RegionRequest(13, 29, 40, 31)), rgb(pixels)[29:60, 13:53])
    # Of libCZI's own kinds one is left out: it garbles 48-bit pixels whose bytes are packed, its writer's too.
    if compression != LZW and (compression, dtype, samples) != (ZSTD1, "uint16", 3):
        assert np.array_equal(libczi_pixels(path, 0, 0, 90, 70, {"C": 0}), rgb(pixels))


def test_jpeg_colours_come_as_red_green_blue(tmp_path: Path):
    stored = np.full((64, 64, 3), (20, 60, 200), np.uint8)
    with open_section(write_czi_file(tmp_path / "s.czi", [Tile(0, 0, stored, JPEG)])) as section:
        assert everything(section)[30, 30] == pytest.approx((200, 60, 20), abs=4)


@pytest.mark.parametrize("samples", [1, 3])
def test_overlaps_are_drawn_as_libczi_draws_them(tmp_path: Path, samples: int):
    """Scene after scene, then by M-index whatever the order in the file; tiles without one first; gaps stay black."""
    tiles = []
    for k in RNG.permutation(14):
        where = {"C": 0, "S": int(k % 2)} | ({"M": int(k)} if k > 1 else {})
        x, y = int(RNG.integers(-60, 120)), int(RNG.integers(-60, 120))
        tiles.append(Tile(x, y, noise(int(RNG.integers(20, 70)), int(RNG.integers(20, 70)), samples), where=where))
    path = write_czi_file(tmp_path / "s.czi", tiles)
    with open_section(path) as section:
        width, height = section.info.width_px, section.info.height_px
        whole = libczi_pixels(path, 0, 0, width, height, {"C": 0})
        assert np.array_equal(everything(section), whole)
        for _ in range(60):
            x, y = int(RNG.integers(0, width - 1)), int(RNG.integers(0, height - 1))
            w, h = int(RNG.integers(1, width - x)), int(RNG.integers(1, height - y))
            got = section.read(RegionRequest(x, y, w, h))
            assert np.array_equal(got, whole[y : y + h, x : x + w]), (x, y, w, h)


def test_camera_tiles_come_in_drawing_order(tmp_path: Path):
    tiles = [Tile(10 * m, 5, noise(8, 12), where={"C": c, "M": m}) for c in (0, 1) for m in (2, 0, 1)]
    with open_section(write_czi_file(tmp_path / "s.czi", tiles)) as section:
        assert [(b.x, b.y, b.w, b.h) for b in section.camera_tiles()] == [(10 * m, 0, 12, 8) for m in range(3)]
        assert section.block_px == (10, 8)


def test_a_tile_without_a_dimension_belongs_to_all_planes(tmp_path: Path):
    common, first, second = noise(20, 20), noise(20, 20), noise(20, 20)
    tiles = [
        Tile(0, 0, common, where={"C": 0}),
        Tile(20, 0, first, where={"C": 0, "Z": 0}),
        Tile(20, 0, second, where={"C": 0, "Z": 5, "T": 0}),
    ]
    with open_section(write_czi_file(tmp_path / "s.czi", tiles)) as section:
        assert section.info.z_count == 2
        assert np.array_equal(everything(section, Plane(z=0)), np.hstack([common, first]))
        assert np.array_equal(everything(section, Plane(z=1)), np.hstack([common, second]))


def test_channels_of_different_types_share_one(tmp_path: Path):
    tiles = [Tile(0, 0, noise(9, 9), where={"C": 0}), Tile(0, 0, noise(9, 9, 3, "uint16"), where={"C": 1})]
    with open_section(write_czi_file(tmp_path / "s.czi", tiles)) as section:
        grey, colour = everything(section), everything(section, Plane(c=1))
        assert grey.dtype == colour.dtype == np.uint16
        assert np.array_equal(grey, np.repeat(tiles[0].pixels, 3, axis=2))
        assert np.array_equal(colour, rgb(tiles[1].pixels))


def test_a_channel_of_mixed_types_is_left_to_libczi(tmp_path: Path):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(20, 30)), Tile(30, 0, noise(20, 30, 3))])
    with open_section(path) as section:
        assert np.array_equal(everything(section)[:, :30, :1], libczi_pixels(path, 0, 0, 60, 20, {"C": 0})[:, :30])
        assert everything(section)[:, 30:].any()


class CountingFile(core.readers.file_bytes.FileBytes):
    """Remembers how many bytes were asked for."""

    taken = 0

    def read(self, offset: int, count: int) -> bytes:
        CountingFile.taken += count
        return super().read(offset, count)

    def read_into(self, offset: int, target: Array) -> bool:
        CountingFile.taken += target.nbytes
        return super().read_into(offset, target)


@pytest.mark.parametrize(("width", "height", "most"), [(400, 300, 64 * 400), (40_000, 120, 64 * 64)])
def test_only_the_rows_or_stretches_that_are_needed_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, height: int, most: int
):
    monkeypatch.setattr(core.readers.czi_mosaic, "FileBytes", CountingFile)
    pixels = noise(height, width, 3)
    with open_section(write_czi_file(tmp_path / "s.czi", [Tile(0, 0, pixels)])) as section:
        CountingFile.taken = 0
        got = section.read(RegionRequest(101, 37, 64, 64))
        assert np.array_equal(got, rgb(pixels)[37:101, 101:165])
        assert most * 3 <= CountingFile.taken <= most * 3 + 200
        CountingFile.taken = 0
        assert np.array_equal(everything(section), rgb(pixels))
        assert CountingFile.taken == pixels.nbytes


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> DecodedCache:
    """A cache of this test's own."""
    own = DecodedCache(64 << 20)
    for module in (core.readers.czi_pixels, core.readers.file_bytes):
        monkeypatch.setattr(module, "decoded_parts", lambda: own)
    return own


def test_a_compressed_tile_is_decoded_once_for_all_threads_and_forgotten_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: DecodedCache
):
    decoded: list[int] = []

    def counted(compression: int, data: bytes, shape: tuple[int, int, int], dtype: np.dtype) -> Array:
        decoded.append(len(data))
        return decode(compression, data, shape, dtype)

    monkeypatch.setattr(core.readers.czi_pixels, "decode", counted)
    pixels = noise(256, 256, 3)
    corners = [(x, y) for y in (0, 128) for x in (0, 128)]
    tiles = [Tile(x, y, pixels[y : y + 128, x : x + 128], ZSTD1) for x, y in corners]
    with open_section(write_czi_file(tmp_path / "s.czi", tiles)) as section:

        def right(index: int) -> bool:
            x, y = (index * 37) % 190, (index * 53) % 190
            return np.array_equal(section.read(RegionRequest(x, y, 60, 60)), rgb(pixels)[y : y + 60, x : x + 60])

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(right, range(200)))
        assert len(decoded) == 4
        assert cache._items.used == pixels.nbytes
    assert cache._items.used == 0


def test_eight_threads_read_uncompressed_tiles_alike(tmp_path: Path):
    pixels = noise(600, 500, 3)
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, pixels[:350]), Tile(0, 350, pixels[350:])])
    with open_section(path) as section, ThreadPoolExecutor(8) as pool:

        def right(index: int) -> bool:
            x, y = (index * 37) % 400, (index * 53) % 500
            return np.array_equal(section.read(RegionRequest(x, y, 100, 100)), rgb(pixels)[y : y + 100, x : x + 100])

        assert all(pool.map(right, range(300)))


def test_plain_files_are_opened_and_read_without_libczi(tmp_path: Path):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(40, 40, 3), ZSTD1)])
    code = (
        "import sys; from core.readers.base import open_section; from core.section import Plane, RegionRequest;"
        f"s = open_section({str(path)!r}); s.read(RegionRequest(0, 0, 9, 9)); s.preview(4, Plane()); s.close();"
        "print([m for m in ('pylibCZIrw', 'tifffile', 'zarr', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_entries_of_different_length_are_told_apart(tmp_path: Path):
    tiles = [
        Tile(int(RNG.integers(-99, 99)), k, noise(5, 6), where=dict.fromkeys("CZTMS"[: k % 5 + 1], k))
        for k in range(40)
    ]
    directory = read_contents(write_czi_file(tmp_path / "s.czi", tiles)).directory
    assert len(directory) == 40
    for number, tile in enumerate(tiles):
        found = directory.subblock(number)
        assert (found.x, found.y, found.w, found.h, found.where) == (tile.x, tile.y, 6, 5, tile.where)


HEADER = 32


def damages() -> dict[str, Callable[[bytearray, int], None]]:
    """What can be wrong with one subblock at a position of the file."""

    def put(offset: int, kind: str, value: int) -> Callable[[bytearray, int], None]:
        return lambda data, position: struct.pack_into(kind, data, position + offset, value)

    return {
        "no such segment": put(0, "<q", 0),
        "negative metadata": put(HEADER, "<i", -1),
        "huge metadata": put(HEADER, "<i", 2_000_000_000),
        "negative data": put(HEADER + 8, "<q", -8),
        "huge data": put(HEADER + 8, "<q", 1 << 60),
        "too little data": put(HEADER + 8, "<q", 100),
        "no schema": put(HEADER + 16, "<h", 0),
        "another pixel type": put(HEADER + 18, "<i", 3),
        "another compression": put(HEADER + 34, "<i", 4),
        "many dimensions": put(HEADER + 16 + 28, "<i", 1 << 30),
    }


@pytest.mark.parametrize("what", damages())
@pytest.mark.parametrize("compression", [RAW, ZSTD1])
def test_a_damaged_tile_is_an_error_where_it_is_seen_and_only_there(tmp_path: Path, what: str, compression: int):
    good = noise(50, 60)
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(50, 60), compression), Tile(60, 0, good, compression)])
    position = read_contents(path).directory.subblock(0).position
    data = bytearray(path.read_bytes())
    damages()[what](data, position)
    path.write_bytes(data)
    with open_section(path) as section:
        assert np.array_equal(section.read(RegionRequest(60, 0, 60, 50)), good)
        with pytest.raises(InputError, match=r"s\.czi.*tile at 0, 0.*Copy"):
            section.read(RegionRequest(50, 0, 20, 20))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x03\x02\x01" + encode(noise(50, 60), ZSTD0),
        encode(noise(49, 60), ZSTD1),
        encode(noise(51, 60), ZSTD1),
        encode(noise(5000, 5000) // 255, ZSTD1),
        encode(noise(50, 60), ZSTD1)[:-40],
        encode(noise(50, 30, 1, "uint16"), ZSTD1),
    ],
)
def test_zstd_of_another_size_is_refused(tmp_path: Path, payload: bytes):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(50, 60), ZSTD1, payload=payload)])
    with open_section(path) as section, pytest.raises(InputError, match="decoded"):
        everything(section)


def test_far_too_much_compressed_data_is_not_even_read(tmp_path: Path):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(50, 60), ZSTD1, payload=bytes(300_000))])
    with open_section(path) as section, pytest.raises(InputError, match="300000 bytes of pixels instead of 3000"):
        everything(section)


def test_a_drive_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(50, 60)), Tile(60, 0, noise(50, 60))])

    def fail(self: object, offset: int, count: object) -> None:
        raise OSError(5, "Input/output error")

    with open_section(path) as section:
        everything(section)
        for name in ("read", "read_into"):
            monkeypatch.setattr(core.readers.file_bytes.FileBytes, name, fail)
        with pytest.raises(InputError, match=r"s\.czi.*Input/output error.*drive"):
            everything(section)


@pytest.mark.parametrize("compression", [JPEG, JPEG_XR, LZW])
@pytest.mark.parametrize("shape", [(50, 61, 1), (49, 60, 1), (50, 60, 3), (900, 900, 1)])
def test_pictures_of_another_size_are_refused(tmp_path: Path, compression: int, shape: tuple[int, int, int]):
    payload = encode(noise(*shape), compression)
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, noise(50, 60), compression, payload=payload)])
    with open_section(path) as section, pytest.raises(InputError, match=r"decoded|instead of"):
        everything(section)


def test_a_tile_under_another_one_is_not_read(tmp_path: Path):
    hidden = Tile(5, 5, noise(20, 20), ZSTD1, where={"C": 0, "M": 0}, payload=b"nothing")
    shown = Tile(0, 0, noise(50, 60), where={"C": 0, "M": 1})
    with open_section(write_czi_file(tmp_path / "s.czi", [shown, hidden])) as section:
        assert np.array_equal(everything(section), shown.pixels)


def test_a_hundred_flipped_bytes_are_never_a_crash(shared_data: Path, tmp_path: Path):
    data = (shared_data / "czi" / "100x100.czi").read_bytes()
    path = tmp_path / "flipped.czi"
    rng, told = np.random.default_rng(11), []
    for _ in range(100):
        flipped = bytearray(data)
        flipped[int(rng.integers(0, len(data)))] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(flipped)
        try:
            with open_section(path) as section:
                info = section.info
                width, height = min(info.width_px, 300), min(info.height_px, 300)
                got = section.read(RegionRequest(0, 0, width, height))
                assert got.shape == (height, width, info.samples)
                section.preview(2, Plane())
        except InputError as error:
            told.append(str(error))
    assert told
    assert all("flipped.czi" in text for text in told)
