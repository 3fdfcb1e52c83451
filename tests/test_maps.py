"""How a scan's maps lie on disk: our own quick way of writing chunks is Zarr's, whoever reads or writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.project.maps import ScanMaps

ROWS, COLUMNS, SIDE = 20, 30, 8


def tiles() -> list[tuple[int, int, int, int]]:
    """Row, column, height and width of each chunk's part of the map."""
    return [
        (r, c, min(SIDE, ROWS - r), min(SIDE, COLUMNS - c))
        for r in range(0, ROWS, SIDE)
        for c in range(0, COLUMNS, SIDE)
    ]


def whole() -> np.ndarray:
    values = np.random.default_rng(0).normal(0, 3, (2, ROWS, COLUMNS)).astype(np.float16)
    return values.astype(np.float32)


@pytest.fixture
def maps(tmp_path: Path) -> ScanMaps:
    maps = ScanMaps(tmp_path / "a.zarr")
    maps.create((ROWS, COLUMNS), SIDE, 2, 1)
    return maps


def fill(maps: ScanMaps) -> None:
    for row, column, height, width in tiles():
        maps.write("model", row, column, whole()[:, row : row + height, column : column + width])


def test_zarr_reads_what_was_written_without_it(maps: ScanMaps):
    fill(maps)
    np.testing.assert_array_equal(zarr.open_array(maps.folder / "model", mode="r")[:], whole().astype(np.float16))
    assert not list(maps.folder.rglob("*.part"))


def test_what_zarr_wrote_is_read_without_it(maps: ScanMaps):
    zarr.open_array(maps.folder / "model", mode="r+")[:] = whole().astype(np.float16)
    np.testing.assert_array_equal(ScanMaps(maps.folder).read("model", 0, 0, ROWS, COLUMNS), whole())


@settings(max_examples=60, deadline=None)
@given(st.integers(-9, 25), st.integers(-9, 35), st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_any_block_is_that_of_the_whole_map(tmp_path_factory, row, column, rows, columns, anew):
    folder = tmp_path_factory.getbasetemp() / "block.zarr"
    maps = ScanMaps(folder)
    if not maps.exists():
        maps.create((ROWS, COLUMNS), SIDE, 2, 1)
        fill(maps)
    framed = np.full((2, 100, 100), np.nan, np.float32)
    framed[:, 20 : 20 + ROWS, 20 : 20 + COLUMNS] = whole()
    expected = framed[:, 20 + row : 20 + row + rows, 20 + column : 20 + column + columns]
    np.testing.assert_array_equal(
        (ScanMaps(folder) if anew else maps).read("model", row, column, rows, columns), expected
    )


def test_part_of_a_chunk_may_be_written_too(maps: ScanMaps):
    maps.write("scores", 3, 5, np.ones((1, 2, 9), np.float32))
    values = maps.read("scores", 0, 0, ROWS, COLUMNS)
    assert np.nansum(values) == 18
    assert values[0, 4, 13] == 1


def test_neighbours_are_kept_in_memory(maps: ScanMaps):
    fill(maps)
    for path in (maps.folder / "model" / "c" / "0").glob("*/*"):
        path.unlink()
    np.testing.assert_array_equal(maps.read("model", 0, 0, ROWS, COLUMNS), whole())


@pytest.mark.parametrize("can_link", [True, False])
def test_another_scan_takes_chunks_over(
    maps: ScanMaps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_link: bool
):
    fill(maps)
    (maps.folder / "model" / "c" / "0" / "0" / "1").unlink()
    other = ScanMaps(tmp_path / "b.zarr")
    other.create((ROWS, COLUMNS), SIDE, 2, 3)
    if not can_link:
        monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError))
    assert other.take_model(maps, [(0, 0), (0, 1), (2, 3)]) == [(0, 0), (2, 3)]
    taken = other.read("model", 0, 0, ROWS, COLUMNS)
    np.testing.assert_array_equal(taken[:, :8, :8], whole()[:, :8, :8])
    np.testing.assert_array_equal(taken[:, 16:, 24:], whole()[:, 16:, 24:])
    assert np.isnan(taken[:, :8, 8:]).all()
    other.write("model", 0, 0, np.zeros((2, 8, 8), np.float32))
    np.testing.assert_array_equal(ScanMaps(maps.folder).read("model", 0, 0, 8, 8), whole()[:, :8, :8])


def test_nothing_is_taken_over_from_a_map_laid_out_differently(maps: ScanMaps, tmp_path: Path):
    fill(maps)
    other = ScanMaps(tmp_path / "b.zarr")
    other.create((ROWS, COLUMNS), 2 * SIDE, 2, 1)
    assert other.take_model(maps, [(0, 0)]) == []
    assert other.take_model(ScanMaps(tmp_path / "none.zarr"), [(0, 0)]) == []


def test_a_cut_chunk_is_said_to_be_damaged(maps: ScanMaps):
    fill(maps)
    (maps.folder / "model" / "c" / "0" / "1" / "1").write_bytes(b"cut")
    with pytest.raises(InputError, match="damaged"):
        ScanMaps(maps.folder).read("model", 0, 0, ROWS, COLUMNS)
