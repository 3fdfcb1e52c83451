"""Damaged and hostile files of every format: none ends the process, hangs, or is refused without a clear line.

Thousands more: `python -m benchmarks.fuzz`. The files are those of `tests/fuzzing`; each is named by its subject and number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzzing.watched import fuzz

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="memory is watched by /proc"),
    pytest.mark.timeout(900),  # on a machine that others use too
]

_SEED = 3
_CZI = ("raw pyramid", "zstd0", "zstd1", "jpeg", "jpeg pyramid", "jpeg-xr", "jpeg-xr-16", "lzw", "libCZI")
_TIFF = ("strips", "tiles", "deflate", "lzw", "jpeg", "zstd", "jpeg2000", "ome", "of others")
_DATA = ("yolo", "yolo outlines", "csv", "masks", "sections", "schliff", "classes")


def _try(wanted: list[tuple[str, int]], tmp_path: Path) -> None:
    found = list(fuzz([(name, 0, count) for name, count in wanted], _SEED, tmp_path / "kept"))
    assert len(found) == sum(count for _, count in wanted)
    outcomes = {tried.outcome for tried in found}
    assert {"opened", "refused"} <= outcomes  # else nothing was damaged, or nothing was sound
    wrong = [f"{one.subject} {one.number}: {one.why[-1500:]}" for one in found if one.outcome == "wrong"]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_sections(tmp_path: Path):
    wanted = [(f"czi {name}", 12) for name in _CZI] + [(f"tiff {name}", 12) for name in _TIFF]
    wanted += [("zarr 0.4", 30), ("zarr 0.5", 40), ("zarr 0.5 plain", 30), ("camera tiles", 60)]
    wanted += [(name, 30) for name in ("png", "jpeg", "bmp", "webp")]
    _try(wanted, tmp_path)


def test_tables_and_labelled_data(tmp_path: Path):
    names = ("fiducials", "edx csv", "h5oina", "inspection csv", "truth csv", "markers", "settings", "scan queue")
    wanted = [(name, 100) for name in (*names, "data coco", "data voc")] + [(f"data {name}", 15) for name in _DATA]
    _try(wanted, tmp_path)


def test_projects_and_models(tmp_path: Path):
    wanted = [("project", 50), ("project of before", 50), ("model weights", 100)]
    _try(wanted, tmp_path)


def test_what_fails_is_noticed_told_with_its_file_and_kept(tmp_path: Path):
    ways = ("crashes", "hangs", "trips", "eats", "mumbles", "refuses")
    found = list(fuzz([(name, 0, 3) for name in ways], _SEED, tmp_path, "tests.fuzzing.broken"))
    assert len(found) == 3 * len(ways)
    wrong = {one.subject: one for one in found if one.outcome == "wrong"}
    assert list(wrong) == [name for name in ways if name != "refuses"]
    assert all(one.number == 1 and (tmp_path / one.subject / "1" / "a.txt").is_file() for one in wrong.values())
    told = [wrong[name].why for name in ("crashes", "hangs", "trips", "eats", "mumbles")]
    for words, why in zip(("the process ended", "it hangs", "KeyError", "MemoryError", "no remedy"), told, strict=True):
        assert words in why
    assert [one.number for one in found if one.outcome == "refused"] == [1]
