"""Bytes are the same however they come: in one piece, row by row, or in blocks from a slow drive, which is asked less often."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.caches import decoded_parts
from core.errors import InputError
from core.readers import tiff
from core.readers.base import open_section
from core.readers.file_bytes import FileBytes
from core.section import Array, RegionRequest
from tests.slow_section import SlowFile

SIDE = 1536


@pytest.fixture
def content(tmp_path: Path) -> tuple[Path, bytes]:
    data = np.random.default_rng(0).bytes(3_000_000)
    (tmp_path / "s.bin").write_bytes(data)
    return tmp_path / "s.bin", data


def slowed(path: Path) -> SlowFile:
    """A file of which it is known by now that it is slow."""
    file = SlowFile(path)
    for offset in range(8):
        file.read(offset, 10)
    assert file.slow
    file.reads.clear()
    return file


@pytest.mark.parametrize("opened", [FileBytes, slowed])
def test_any_piece_is_exact_and_ends_where_the_file_ends(content: tuple[Path, bytes], opened: type[FileBytes]):
    path, data = content
    file = opened(path)
    for offset, count in ((0, 10), (5, 2_500_000), (1 << 20, 1 << 20), (2_999_990, 100), (3_000_000, 5), (9 << 20, 5)):
        assert file.read(offset, count) == data[offset : offset + count]
        target = np.empty(count, np.uint8)
        assert file.read_into(offset, target) == (offset + count <= len(data))
        whole = max(0, min(count, len(data) - offset))
        assert target[:whole].tobytes() == data[offset : offset + whole]
    file.close()


def test_a_slow_drive_is_asked_once_for_neighbours(content: tuple[Path, bytes]):
    path, data = content
    file = slowed(path)
    for offset in range((1 << 20) + 100, 2_000_000, 50_000):
        assert file.read(offset, 50_000) == data[offset : offset + 50_000]
    asked = list(file.reads)
    file.close()
    assert asked == [(1 << 20, 1 << 20)]
    assert decoded_parts().peek((file.owner, "block", 1)) is None


def test_a_fast_drive_with_one_slow_answer_is_not_taken_for_a_slow_one(content: tuple[Path, bytes]):
    file = SlowFile(content[0])
    file.read(0, 10)
    file.delay_s = 0.0
    for offset in range(20):
        file.read(offset, 10)
    assert not file.slow
    file.close()


def test_rows_far_apart_are_read_until_the_file_ends(content: tuple[Path, bytes]):
    path, data = content
    file, rows = FileBytes(path), np.empty((40, 7, 3), np.uint8)
    assert file.read_rows(5, 1000, rows)
    assert [row.tobytes() for row in rows] == [data[at : at + 21] for at in range(5, 40_005, 1000)]
    assert not file.read_rows(len(data) - 30_000, 1000, rows)
    file.close()


def test_rows_of_a_slow_drive_come_from_whole_blocks(content: tuple[Path, bytes]):
    file, rows = SlowFile(content[0]), np.empty((40, 100), np.uint8)
    assert file.read_rows(0, 1000, rows)
    assert file.slow
    assert [row.tobytes() for row in rows] == [content[1][at : at + 100] for at in range(0, 40_000, 1000)]
    assert file.reads[-1][1] == 1 << 20
    file.close()


def test_what_a_slow_drive_has_lost_is_not_made_up(content: tuple[Path, bytes]):
    file = slowed(content[0])
    os.truncate(content[0], 1_500_000)
    target = np.empty(1_000_000, np.uint8)
    assert not file.read_into(1_200_000, target)
    assert file.read(1_200_000, 1_000_000) == content[1][1_200_000:1_500_000]
    file.close()


@pytest.fixture(params=["tiles", "strips", "rows", "big-endian rows", "zstd"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Array]:
    pixels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    kinds: dict[str, dict[str, Any]] = {
        "tiles": {"tile": (256, 256)},
        "strips": {"rowsperstrip": 64},
        "rows": {},
        "big-endian rows": {"byteorder": ">"},
        "zstd": {"tile": (256, 256), "compression": "zstd"},
    }
    options = kinds[request.param]
    if request.param.startswith("big"):
        pixels = pixels.astype(np.uint16) * 200
    tifffile.imwrite(tmp_path / "s.tif", pixels, photometric="rgb", metadata=None, **options)
    return tmp_path / "s.tif", pixels


BOXES = [(256, 512, 256, 256), (100, 90, 300, 700), (3, 1000, 60, 500), (0, 700, SIDE, 40), (1200, 0, 336, SIDE)]


def test_first_and_second_looks_give_the_same_pixels(written: tuple[Path, Array]):
    path, pixels = written
    with open_section(path) as section, ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            answers = pool.map(lambda box: section.read(RegionRequest(*box)), BOXES)
            for (x, y, w, h), got in zip(BOXES, answers, strict=True):
                assert np.array_equal(got, pixels[y : y + h, x : x + w])
                got[:] = 0  # an answer belongs to whoever asked


def test_a_slow_drive_gives_the_same_pixels(written: tuple[Path, Array], monkeypatch: pytest.MonkeyPatch):
    path, pixels = written
    files: list[SlowFile] = []

    def opened(path: Path) -> SlowFile:
        files.append(slowed(path))
        return files[-1]

    monkeypatch.setattr(tiff, "FileBytes", opened)
    with tiff.TiffSection(path) as section:
        for x, y, w, h in BOXES:
            assert np.array_equal(section.read(RegionRequest(x, y, w, h)), pixels[y : y + h, x : x + w])
        whole_file = -(-path.stat().st_size // (1 << 20))
        assert len(files[0].reads) <= 2 * whole_file


def test_a_file_that_shrinks_while_it_is_open_is_an_error_not_a_crash(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 255, (600, 4000, 3), np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", pixels, photometric="rgb", metadata=None)
    with open_section(tmp_path / "s.tif") as section:
        box = RegionRequest(100, 40, 64, 500)
        assert np.array_equal(section.read(box), pixels[40:540, 100:164])
        os.truncate(tmp_path / "s.tif", 100_000)
        with pytest.raises(InputError, match=r"s\.tif"):
            section.read(box)
