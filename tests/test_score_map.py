"""Scores seen from any height: maxima of blocks, folded piece by piece, from memory and from a scan on disk."""

from __future__ import annotations

import numpy as np
import pytest

import core.project.map_levels as map_levels
import core.project.score_map as score_map_module
from core.geometry import Box
from core.project.map_levels import MapLevels, block_maxima
from core.project.maps import ScanMaps
from core.project.score_map import ScoreMap


def some_scores(labels=2, rows=333, columns=517, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 1, (labels, rows, columns)).astype(np.float16).astype(np.float32)
    values[:, 100:140, 300:] = np.nan
    return values


def look_until_complete(scores, *cells):
    """One look folds only for a while, which may be too short on a busy machine."""
    for _ in range(1000):
        block = scores.look(*cells)
        if block.complete:
            return block.scores
    raise AssertionError("it is never complete")


def expected(values, level, label=None):
    chosen = values[label] if label is not None else np.fmax.reduce(values, axis=0)
    return block_maxima(chosen, 2**level)


@pytest.mark.parametrize("label", [None, 1])
@pytest.mark.parametrize("level", range(9))
def test_every_level_holds_the_highest_of_its_blocks(level, label):
    values = some_scores()
    block = ScoreMap.of(values, 8.0).look(level, 0, 0, -(-333 // 2**level), -(-517 // 2**level), label)
    assert block.complete
    assert np.array_equal(block.scores, expected(values, level, label), equal_nan=True)


def test_a_part_is_a_part_of_the_whole_and_nothing_lies_beyond():
    values = some_scores()
    scores = ScoreMap.of(values, 8.0)
    for level in (0, 1, 3, 5):
        whole = expected(values, level)
        part = scores.look(level, -1, 1, 6, 5).scores
        assert np.isnan(part[0]).all()
        assert np.array_equal(part[1:], whole[:5, 1:6][:, : part.shape[1]], equal_nan=True)


def stored_map(tmp_path, values, tile_cells):
    maps = ScanMaps(tmp_path / "scan-1.zarr")
    maps.create(values.shape[1:], tile_cells, 1, len(values))
    for row in range(0, values.shape[1], tile_cells):
        for column in range(0, values.shape[2], tile_cells):
            part = values[:, row : row + tile_cells, column : column + tile_cells]
            maps.write("scores", row, column, part)
    return maps


@pytest.mark.parametrize("tile_cells", [30, 64])
def test_stored_chunks_of_any_size_give_the_same(tmp_path, tile_cells):
    values = some_scores(rows=150, columns=210)
    scores = ScoreMap(stored_map(tmp_path, values, tile_cells).score_source(), 8.0)
    for level in range(8):
        shape = -(-150 // 2**level), -(-210 // 2**level)
        assert np.array_equal(look_until_complete(scores, level, 0, 0, *shape), expected(values, level), equal_nan=True)
    assert np.array_equal(scores.scores_in(Box(8, 16, 15, 8)), values[:, 2:3, 1:3])
    assert scores.scores_in(Box(8 * 209, 0, 800, 8)).shape == (2, 1, 1)


def test_what_a_scan_stores_later_is_found_and_only_that(tmp_path):
    values = some_scores(1, 256, 256)
    values[0, 200, 70] = 7.0
    maps = ScanMaps(tmp_path / "scan-1.zarr")
    maps.create((256, 256), 64, 1, 1)
    maps.write("scores", 0, 0, values[:, :64, :64])
    scores = ScoreMap(maps.score_source(), 10.0)
    before = scores.refresh()
    assert before.sum() == 1
    assert np.nanmax(scores.look(4, 0, 0, 16, 16).scores) < 1
    maps.write("scores", 192, 64, values[:, 192:, 64:128])
    after = scores.refresh()
    assert scores.boxes_of(after & ~before) == [Box(640, 1920, 640, 640)]
    seen = look_until_complete(scores, 4, 0, 0, 16, 16)
    assert np.nanmax(seen) == seen[12, 4] == 7.0


def test_one_look_folds_for_a_while_only_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(score_map_module, "AT_ONCE_S", 0.0)
    values = some_scores(1, 128, 128)
    values[:, 100, 100] = 5.0
    scores = ScoreMap(stored_map(tmp_path, values, 64).score_source(), 8.0)
    blocks = [scores.look(3, 0, 0, 16, 16) for _ in range(4)]
    assert [block.complete for block in blocks] == [False, False, False, True]
    assert np.nanmax(blocks[-1].scores) == 5.0


def counting(maps, reads):
    source = maps.score_source()
    read = source.read

    def counted(*cells):
        reads.append(cells)
        return read(*cells)

    source.read = counted
    return source


def test_a_large_map_is_folded_once_and_remembered_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(map_levels, "MANY_CHUNKS", 3)
    values = some_scores(1, 256, 256)
    maps = stored_map(tmp_path, values, 64)
    reads = []
    for _ in range(2):
        source = counting(maps, reads)
        scores = ScoreMap(source, 8.0, MapLevels(source.shape, source.chunk, maps.levels_folder))
        assert np.array_equal(look_until_complete(scores, 4, 0, 0, 16, 16), expected(values, 4), equal_nan=True)
        assert len(reads) == 16
    for damaged in sorted(maps.levels_folder.iterdir()):
        damaged.write_bytes(b"not what it was")
        source = counting(maps, reads)
        scores = ScoreMap(source, 8.0, MapLevels(source.shape, source.chunk, maps.levels_folder))
        assert np.array_equal(look_until_complete(scores, 4, 0, 0, 16, 16), expected(values, 4), equal_nan=True)


def test_where_nothing_can_be_written_it_is_kept_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(map_levels, "MANY_CHUNKS", 3)
    maps = stored_map(tmp_path, some_scores(1, 256, 256), 64)
    maps.levels_folder.write_text("in the way")
    source = maps.score_source()
    scores = ScoreMap(source, 8.0, MapLevels(source.shape, source.chunk, maps.levels_folder))
    look_until_complete(scores, 4, 0, 0, 16, 16)


def test_the_spread_is_that_of_the_highest_scores():
    values = np.full((1, 400, 400), np.nan, np.float32)
    assert ScoreMap.of(values, 8.0).spread().high == 1.0
    values[0, :200] = 3.0
    values[0, 7, 7] = 9.0
    spread = ScoreMap.of(values, 8.0).spread()
    assert spread.complete
    assert spread.low == pytest.approx(3.0)
    assert 3.0 < spread.high <= 9.0
