"""Bytes are the same however they come: read, from a map, or in blocks from a slow drive, which is asked less often."""

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
from core.readers import file_bytes, tiff
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


def test_what_was_asked_for_before_comes_from_a_map(content: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: True)
    path, data = content
    file = FileBytes(path)
    assert file.mapped("part", 100, at_first=False) is None
    mapped = file.mapped("part", 100, at_first=False)
    assert mapped is not None
    assert mapped[17:100].tobytes() == data[17:100]
    file.close()


def test_a_map_is_made_anew_when_its_pages_outgrow_their_share(
    content: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: True)
    monkeypatch.setattr(file_bytes, "share", lambda use: 2000)
    file = FileBytes(content[0])
    first = file.mapped("a", 600, at_first=True)
    assert file.mapped("a", 600, at_first=True) is first
    assert file.mapped("b", 300, at_first=True) is first
    assert file.mapped("c", 600, at_first=True) is not first
    file.close()


def test_nothing_is_mapped_that_may_vanish(content: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch):
    file = FileBytes(content[0])
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: False)
    assert file.mapped("part", 100, at_first=True) is None
    file.close()
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: True)
    file = FileBytes(content[0])
    assert file.mapped("part", 100, at_first=True) is not None
    os.truncate(content[0], 1000)
    assert file.mapped("part", 100, at_first=True) is None
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


def test_first_and_second_looks_give_the_same_pixels(written: tuple[Path, Array], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: True)
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


def test_a_file_that_shrinks_while_it_is_open_is_an_error_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_bytes, "_is_on_fixed_drive", lambda path: True)
    pixels = np.random.default_rng(0).integers(0, 255, (600, 4000, 3), np.uint8)
    tifffile.imwrite(tmp_path / "s.tif", pixels, photometric="rgb", metadata=None)
    with open_section(tmp_path / "s.tif") as section:
        box = RegionRequest(100, 40, 64, 500)
        assert np.array_equal(section.read(box), pixels[40:540, 100:164])
        os.truncate(tmp_path / "s.tif", 100_000)
        with pytest.raises(InputError, match=r"s\.tif"):
            section.read(box)
