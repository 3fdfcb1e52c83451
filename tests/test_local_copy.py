"""A local copy is whole or isn't there: verified, resumed, refused where there is no room."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core import local_copy
from core.errors import CancelledError, InputError, ResourceError
from core.jobs import CancelToken, Step
from core.local_copy import copy_locally


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_copy, "_PIECE", 1000)


def source_file(folder: Path, size: int = 10_500) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "s.tif"
    file.write_bytes(np.random.default_rng(0).bytes(size))
    return file


def stop_after(token: CancelToken, pieces: int) -> list[Step]:
    """A list that cancels once it holds so many steps."""

    class Steps(list[Step]):
        def append(self, step: Step) -> None:
            super().append(step)
            if len(self) == pieces:
                token.cancel()

    return Steps()


def test_a_copy_is_the_same_and_counts_bytes(tmp_path: Path):
    source, steps = source_file(tmp_path / "net"), list[Step]()
    copy = copy_locally(source, tmp_path / "local" / "deep", steps.append)
    assert copy == tmp_path / "local" / "deep" / "s.tif"
    assert copy.read_bytes() == source.read_bytes()
    assert [file.name for file in copy.parent.iterdir()] == ["s.tif"]
    assert (steps[0].done, steps[-1].done, steps[-1].total) == (0, 10_500, 10_500)


def test_a_copy_that_is_there_is_given_at_once(tmp_path: Path):
    source = source_file(tmp_path / "net")
    copy, steps = copy_locally(source, tmp_path / "local"), list[Step]()
    assert copy_locally(source, tmp_path / "local", steps.append) == copy
    assert steps == []


def test_another_file_of_that_name_is_not_touched(tmp_path: Path):
    source = source_file(tmp_path / "net")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "s.tif").write_bytes(b"mine")
    with pytest.raises(ResourceError, match="already"):
        copy_locally(source, tmp_path / "local")
    assert (tmp_path / "local" / "s.tif").read_bytes() == b"mine"


def test_a_stopped_copy_goes_on_where_it_ended(tmp_path: Path):
    source, token = source_file(tmp_path / "net"), CancelToken()
    with pytest.raises(CancelledError):
        copy_locally(source, tmp_path / "local", stop_after(token, 5).append, token)
    assert not (tmp_path / "local" / "s.tif").exists()
    steps: list[Step] = []
    copy = copy_locally(source, tmp_path / "local", steps.append)
    assert steps[0].done == 3000  # all but the last piece, which may not be on the disk
    assert copy.read_bytes() == source.read_bytes()
    assert [file.name for file in copy.parent.iterdir()] == ["s.tif"]


def test_a_stopped_copy_begins_anew_when_the_source_has_changed(tmp_path: Path):
    source, token = source_file(tmp_path / "net"), CancelToken()
    with pytest.raises(CancelledError):
        copy_locally(source, tmp_path / "local", stop_after(token, 5).append, token)
    source.write_bytes(source.read_bytes()[::-1])
    steps: list[Step] = []
    assert copy_locally(source, tmp_path / "local", steps.append).read_bytes() == source.read_bytes()
    assert steps[0].done == 0


def test_a_piece_that_was_cut_off_is_copied_again(tmp_path: Path):
    source, token = source_file(tmp_path / "net"), CancelToken()
    with pytest.raises(CancelledError):
        copy_locally(source, tmp_path / "local", stop_after(token, 5).append, token)
    growing = next(file for file in (tmp_path / "local").iterdir() if file.name.endswith(".copying"))
    growing.write_bytes(growing.read_bytes()[:3333])
    assert copy_locally(source, tmp_path / "local").read_bytes() == source.read_bytes()


def test_a_copy_that_went_wrong_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = source_file(tmp_path / "net")
    monkeypatch.setattr(
        local_copy, "_write_all", lambda descriptor, piece: local_copy.os.write(descriptor, piece[::-1])
    )
    with pytest.raises(InputError, match="not the same"):
        copy_locally(source, tmp_path / "local")
    assert not any(file.name.endswith((".tif", ".copying")) for file in (tmp_path / "local").iterdir())


def test_without_room_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = source_file(tmp_path / "net")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(ResourceError, match=r"needs 0\.0 GB and 0\.0 GB are free"):
        copy_locally(source, tmp_path / "local")
    assert not (tmp_path / "local" / "s.tif").exists()


def test_a_folder_is_copied_with_all_its_files(tmp_path: Path):
    source = tmp_path / "net" / "s.zarr"
    for name in ("zarr.json", "0/zarr.json", "0/c/0/0", "0/c/0/1"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(np.random.default_rng(len(name)).bytes(2500))
    token = CancelToken()
    with pytest.raises(CancelledError):
        copy_locally(source, tmp_path / "local", stop_after(token, 6).append, token)
    copy = copy_locally(source, tmp_path / "local")
    files = sorted(file.relative_to(source) for file in source.rglob("*") if file.is_file())
    assert sorted(file.relative_to(copy) for file in copy.rglob("*") if file.is_file()) == files
    assert all((copy / file).read_bytes() == (source / file).read_bytes() for file in files)


def test_a_missing_source_is_told(tmp_path: Path):
    with pytest.raises(InputError, match=r"gone\.tif"):
        copy_locally(tmp_path / "gone.tif", tmp_path)


@pytest.mark.parametrize("size", [10_500, 10_000, 900])
def test_what_a_power_cut_left_empty_is_copied_again(tmp_path: Path, size: int):
    source, token = source_file(tmp_path / "net", size), CancelToken()
    with pytest.raises(CancelledError):
        copy_locally(source, tmp_path / "local", stop_after(token, 1).append, token)
    kept = (size - 1) // 1000 * 1000
    (tmp_path / "local" / "s.tif.copying").write_bytes(source.read_bytes()[:kept] + bytes(size - kept))
    assert copy_locally(source, tmp_path / "local").read_bytes() == source.read_bytes()


def test_trouble_with_one_file_of_the_source_names_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = source_file(tmp_path / "net")
    opened = Path.open

    def refused(path: Path, *args: Any, **named: Any) -> Any:
        if path == source and named.get("buffering") == 0:
            raise OSError(5, "Input/output error")
        return opened(path, *args, **named)

    monkeypatch.setattr(local_copy, "fingerprint", lambda path: "same")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(InputError, match=r"s\.tif.*Check the drive"):
        copy_locally(source, tmp_path / "local")
