"""Projects made to do harm, or damaged: each is refused in one clear line, runs nothing, and leads nowhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from core.errors import InputError
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.project.maps import ScanMaps
from core.review import Review
from core.specimen_mask import Mask
from tests.fuzzing import folders
from tests.test_hostile import Bomb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "p.schliff"
    Project.create(path).close()
    return path


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc/x", "a/b", "..", "", ".hidden", "C:\\x"])
def test_a_scan_whose_name_leads_out_of_the_project_is_refused(project: Path, name: str):
    with Project.open(project) as opened, pytest.raises(InputError, match="impossible name") as caught:
        opened.maps(name)
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["project.sqlite", "maps"])
def test_links_in_a_project_are_not_followed(project: Path, tmp_path: Path, name: str):
    elsewhere = tmp_path / f"elsewhere-{name}"
    if (project / name).exists():
        (project / name).rename(elsewhere)
    else:
        elsewhere.mkdir()
    (project / name).symlink_to(elsewhere)
    with pytest.raises(InputError, match="link") as caught:
        Project.open(project)
    assert caught.value.path == project / name


def test_linked_maps_of_a_scan_are_not_followed(project: Path, tmp_path: Path):
    (project / "maps").mkdir(exist_ok=True)
    (project / "maps" / "toy-1.zarr").symlink_to(tmp_path)
    with Project.open(project) as opened, pytest.raises(InputError, match="link"):
        opened.maps("toy-1")


def test_a_project_folder_may_itself_be_a_link(project: Path, tmp_path: Path):
    (tmp_path / "other.schliff").symlink_to(project)
    Project.open(tmp_path / "other.schliff").close()


@pytest.mark.parametrize("value", ["[" * 5000, "[1, 2", "{}", "null", "17"])
def test_a_damaged_value_is_told_with_its_project(project: Path, value: str):
    with closing(sqlite3.connect(project / "project.sqlite")) as db:
        db.execute(
            "INSERT INTO sections (fingerprint, path, width_px, height_px, pixel_size_um, stage) VALUES ('a', 'b', 1, 1, ?, ?)",
            ("[1, 1]", value),
        )
        db.commit()
    with Project.open(project) as opened, pytest.raises(InputError, match="damaged") as caught:
        opened.sections()
    assert caught.value.path is not None
    assert caught.value.remedy


@pytest.fixture(scope="module")
def full_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a section, a scan with its maps, decisions and a drawing."""
    (subject,) = (one for one in folders.SUBJECTS if one.id == "project")
    return subject.write(tmp_path_factory.mktemp("full"))[0]


@pytest.mark.parametrize(
    "change",
    [
        "detections SET area_px = 'x'",
        "detections SET x_px = 1e308",
        "detections SET score = 9e999",
        "detections SET note = x'00ff'",
        "detections SET decided_label = x'00ff' WHERE status != 'unreviewed'",
        "detections SET drawing_id = 'x'",
        "detections SET gone = x'00'",
        "scans SET threshold = 'x'",
        "scans SET cell_px = 'x'",
    ],
)
def test_a_value_of_another_kind_is_told_with_its_project(full_project: Path, tmp_path: Path, change: str):
    path = Path(shutil.copytree(full_project, tmp_path / "p.schliff"))
    with closing(sqlite3.connect(path / "project.sqlite")) as db:
        db.execute(f"UPDATE {change}")
        db.commit()
    with pytest.raises(InputError, match="a stored value is damaged") as caught:
        folders.use_project(path)
    assert caught.value.path is not None
    assert caught.value.remedy


def test_a_decision_on_a_damaged_detection_is_refused_whoever_read_it_before(full_project: Path, tmp_path: Path):
    path = Path(shutil.copytree(full_project, tmp_path / "p.schliff"))
    with Project.open(path) as opened:
        (first, *_) = opened.detections()
        with closing(sqlite3.connect(path / "project.sqlite")) as db:
            db.execute("UPDATE detections SET note = x'00ff'")
            db.commit()
        with pytest.raises(InputError, match="a stored value is damaged"):
            Review(opened).decide([first.id], "defect", "seen")


def damaged(full_project: Path, tmp_path: Path, statement: str, values: tuple[str, ...] = ()) -> Path:
    """A copy of the project in which that was written by another program."""
    path = Path(shutil.copytree(full_project, tmp_path / "p.schliff"))
    with closing(sqlite3.connect(path / "project.sqlite")) as db:
        db.execute(statement, values)
        db.commit()
    return path


def test_a_ranking_of_damaged_areas_is_refused(full_project: Path, tmp_path: Path):
    path = damaged(full_project, tmp_path, "UPDATE detections SET area_px = 'x'")
    with Project.open(path) as opened, pytest.raises(InputError, match="a stored value is damaged"):
        opened.ranking(opened.scans()[0].id)


def test_a_map_without_cells_is_refused(full_project: Path, tmp_path: Path):
    path = damaged(full_project, tmp_path, "UPDATE scans SET cell_px = 0")
    with Project.open(path) as opened, pytest.raises(InputError, match="a map without cells"):
        opened.score_map(opened.scans()[0].id)


def test_a_drawing_nested_too_deep_is_left_out(full_project: Path, tmp_path: Path):
    path = damaged(full_project, tmp_path, "UPDATE drawings SET points = ?", ("[" * 5000,))
    with Project.open(path) as opened:
        assert DrawingStore(opened).drawings(opened.sections()[0].id) == []


@pytest.mark.parametrize("shape", [[1, 0, 0], [1, 8, 4]])
def test_a_map_whose_chunks_are_no_squares_is_refused(full_project: Path, tmp_path: Path, shape: list[int]):
    path = Path(shutil.copytree(full_project, tmp_path / "p.schliff"))
    (file,) = path.glob("maps/*/scores/zarr.json")
    told = json.loads(file.read_text())
    told["chunk_grid"]["configuration"]["chunk_shape"] = shape
    file.write_text(json.dumps(told))
    with Project.open(path) as opened, pytest.raises(InputError, match="missing or damaged"):
        opened.score_map(opened.scans()[0].id)


def test_a_project_of_an_impossible_version_is_none(project: Path):
    with closing(sqlite3.connect(project / "project.sqlite")) as db:
        db.execute("PRAGMA user_version = -1")
    with pytest.raises(InputError, match="not a Schliff project"):
        Project.open(project)


def test_arrays_that_unpack_to_too_much_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.npz.MOST_BYTES", 1 << 20)
    maps = ScanMaps(tmp_path)
    np.savez_compressed(tmp_path / "learned.npz", a=np.zeros(1 << 21, np.uint8))
    with pytest.raises(InputError, match="more than"):
        maps.load_learned()


def test_arrays_that_are_pickles_are_not_run(tmp_path: Path):
    np.savez(tmp_path / "learned.npz", a=np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged"):
        ScanMaps(tmp_path).load_learned()


def test_a_mask_that_says_it_is_huge_is_none(tmp_path: Path):
    np.savez(tmp_path / "m.npz", values=np.zeros(4, np.uint8), shape=np.array([2**31, 2**31]), cell_px=np.array(8))
    assert Mask.load(tmp_path / "m.npz") is None


def test_a_chunk_of_a_map_holds_no_more_than_its_size(tmp_path: Path):
    maps = ScanMaps(tmp_path / "toy.zarr")
    maps.create((8, 8), 8, 1, 1)
    maps.write("scores", 0, 0, np.zeros((1, 8, 8), np.float32))
    (chunk,) = (path for path in (tmp_path / "toy.zarr" / "scores").rglob("0") if path.is_file())
    chunk.write_bytes(imagecodecs.zstd_encode(bytes(1 << 24)))
    with pytest.raises(InputError, match="damaged"):
        ScanMaps(tmp_path / "toy.zarr").read("scores", 0, 0, 8, 8)
