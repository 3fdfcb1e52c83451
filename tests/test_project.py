"""The project folder: opens as it was left, refuses what it isn't, keeps every decision."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest

from core.detection import Candidate
from core.disk import written_whole
from core.errors import InputError, ResourceError, UsageError
from core.geometry import Box
from core.project import Project
from core.project.database import VERSION, _uri
from core.project.maps import ScanMaps
from core.project.scan_store import ScanStore, scan_key
from core.readers.base import open_section
from core.review import Review
from tests.toy import begin_toy_scan, spotted_image, toy_spec, write_image


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


@pytest.fixture
def project(tmp_path: Path):
    with Project.create(tmp_path / "p.schliff") as made:
        yield made


def scan_with(project: Project, section_path: Path, count: int) -> ScanStore:
    """A scan that replaces the one before it."""
    with open_section(section_path) as section:
        record = project.add_section(section)
    before = ScanStore.find(project, record, toy_spec(), scan_key(record, toy_spec(), {}))
    store = begin_toy_scan(project, record, toy_spec(), before)
    candidates = [Candidate("anomaly", (3 + i) / 10, Box(10 * i, 5, 8, 8), 64, (10 * i + 4, 9)) for i in range(count)]
    store.emit(0, candidates)
    return store


def test_a_project_opens_again_as_it_was_left(project: Project, section_path: Path):
    store = scan_with(project, section_path, 5)
    Review(project).decide([2], "defect", "look at it in the SEM")
    project.set_threshold(store.record.id, 0.42)
    project.set_state("view", {"x": 1.5, "zoom": 0.25})
    before = project.detections(), project.scans(), project.sections()
    project.close()
    with Project.open(project.path) as again:
        assert (again.detections(), again.scans(), again.sections()) == before
        assert again.get_state("view") == {"x": 1.5, "zoom": 0.25}
        assert again.get_state("never set") is None


def test_detections_come_worst_first_with_ties_by_position(project: Project, section_path: Path):
    store = scan_with(project, section_path, 4)
    store.emit(
        1,
        [
            Candidate("anomaly", 0.6, Box(9, 1, 8, 8), 64, (9, 1)),
            Candidate("anomaly", 0.6, Box(3, 1, 8, 8), 64, (3, 1)),
        ],
    )
    found = project.detections(store.record.id)
    assert [round(d.score, 2) for d in found] == [0.6, 0.6, 0.6, 0.5, 0.4, 0.3]
    assert [d.box.x for d in found[:3]] == [3, 9, 30]
    assert len(project.detections(store.record.id, min_score=0.45)) == 4


def test_the_same_file_under_another_name_is_the_same_section(project: Project, section_path: Path):
    with open_section(section_path) as section:
        first = project.add_section(section)
    moved = section_path.rename(section_path.with_name("moved.png"))
    with open_section(moved) as section:
        assert project.add_section(section).id == first.id
    assert project.section(first.id).path == moved


def test_a_section_that_moved_or_changed_is_said_so(project: Project, section_path: Path, tmp_path: Path):
    with open_section(section_path) as section:
        record = project.add_section(section)
    write_image(section_path, spotted_image(seed=9))
    with pytest.raises(InputError, match="content has changed"):
        project.open_section_of(record)
    section_path.unlink()
    with pytest.raises(InputError, match="not where it was") as trouble:
        project.open_section_of(record)
    assert section_path.name in str(trouble.value)


def test_a_section_beside_the_project_is_found(tmp_path: Path, section_path: Path):
    with Project.create(tmp_path / "usb" / "p.schliff") as project:
        with open_section(section_path) as section:
            record = project.add_section(section)
        section_path.rename(tmp_path / "usb" / section_path.name)
        with project.open_section_of(record) as section:
            assert section.info.width_px == 400


def test_decisions_can_be_undone_and_redone_after_a_restart(project: Project, section_path: Path):
    scan_with(project, section_path, 4)
    review = Review(project, "Ada")
    assert review.decide([1, 2], "defect") == [1, 2]
    assert review.decide([2], "false_alarm", "scratch") == [2]
    project.close()
    with Project.open(project.path) as again:
        review = Review(again, "Ada")
        status = lambda: {d.id: (d.status, d.note) for d in again.detections()}  # noqa: E731
        assert review.undo() == [2]
        assert status()[2] == ("defect", "")
        assert review.undo() == [1, 2]
        assert status()[1] == ("unreviewed", "")
        assert not review.can_undo
        assert review.undo() == []
        assert review.redo() == [1, 2]
        assert review.redo() == [2]
        assert status()[2] == ("false_alarm", "scratch")
        assert not review.can_redo


def test_a_new_decision_ends_what_could_be_redone(project: Project, section_path: Path):
    scan_with(project, section_path, 3)
    review = Review(project)
    review.decide([1], "defect")
    review.undo()
    assert review.decide([1], "unreviewed") == [], "nothing changed, nothing to undo"
    assert review.can_redo
    review.decide([3], "artefact")
    assert not review.can_redo
    assert review.undo() == [3]


@pytest.mark.parametrize("threshold", [float("inf"), float("nan"), 1e13])
def test_a_threshold_that_could_not_be_read_again_is_refused(project: Project, section_path: Path, threshold: float):
    store = scan_with(project, section_path, 1)
    with pytest.raises(UsageError, match="no threshold"):
        project.set_threshold(store.record.id, threshold)
    assert project.scan(store.record.id).threshold == store.record.threshold


def test_decisions_survive_a_scan_that_is_started_over(project: Project, section_path: Path):
    scan_with(project, section_path, 4)
    Review(project, "Ada").decide([2, 3], "defect", "look at it in the SEM")
    for _ in range(2):
        scan_with(project, section_path, 4)
        decided = {d.box.x: (d.status, d.note) for d in project.detections()}
        assert decided == {
            0: ("unreviewed", ""),
            10: ("defect", "look at it in the SEM"),
            20: ("defect", "look at it in the SEM"),
            30: ("unreviewed", ""),
        }
    assert not Review(project).can_undo, "undo would change what nobody sees"
    with project.database.reading() as db:
        authors = {row["author"] for row in db.execute("SELECT author FROM decisions WHERE state = 'carried'")}
    assert authors == {"Ada"}


def test_a_decision_that_was_taken_back_is_not_carried_over_from_an_earlier_scan(project: Project, section_path: Path):
    scan_with(project, section_path, 2)
    Review(project).decide([1], "defect")
    scan_with(project, section_path, 2)
    (carried,) = [d.id for d in project.detections() if d.status == "defect"]
    Review(project).decide([carried], "unreviewed")
    scan_with(project, section_path, 2)
    assert {d.status for d in project.detections()} == {"unreviewed"}


def test_of_findings_that_overlap_each_keeps_its_own_decision(project: Project, section_path: Path):
    def scan_again() -> dict[float, str]:
        store = scan_with(project, section_path, 0)
        boxes = (Box(300, 300, 40, 40), Box(300, 300, 40, 30))
        store.emit(5, [Candidate("anomaly", 0.6, box, 64, (310, 310)) for box in boxes])
        return {d.box.h: d.status for d in project.detections(store.record.id)}

    scan_again()
    ids = {d.box.h: d.id for d in project.detections()}
    Review(project).decide([ids[40]], "defect")
    Review(project).decide([ids[30]], "false_alarm")
    assert scan_again() == {40: "defect", 30: "false_alarm"}


def test_what_went_wrong_is_told_though_sqlite_took_the_transaction_back_itself(project: Project):
    def fail() -> None:
        with project.database.writing() as db:
            db.execute("ROLLBACK")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_full_disk_undoes_a_transaction_and_is_told(project: Project, section_path: Path):
    store = scan_with(project, section_path, 2)
    with project.database.reading() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(ResourceError, match="disk is full"):
        store.mapped(7, np.ones((5000, 6), np.float32))
    with project.database.reading() as db:
        db.execute(f"PRAGMA max_page_count = {10 * pages}")
    store.mapped(8)
    assert store.tile_states() == {0: "emitted", 8: "mapped"}


def test_what_is_no_project_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no Schliff project"):
        Project.open(tmp_path / "nothing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="something else lies here"):
        Project.create(tmp_path / "full")
    (tmp_path / "text.schliff").mkdir()
    (tmp_path / "text.schliff" / "project.sqlite").write_text("not a database, but long enough to look like one" * 40)
    with pytest.raises(InputError, match="can't be read"):
        Project.open(tmp_path / "text.schliff")


@pytest.mark.parametrize("got_as_far_as", ["", "PRAGMA journal_mode = WAL"])
def test_a_project_killed_while_it_was_made_opens(tmp_path: Path, section_path: Path, got_as_far_as: str):
    connection = sqlite3.connect(tmp_path / "project.sqlite")
    connection.execute(got_as_far_as)
    connection.close()
    (tmp_path / "project.sqlite").touch()
    with Project.open_or_create(tmp_path) as project:
        scan_with(project, section_path, 2)
        assert len(project.detections()) == 2


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "project.sqlite")
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()
    before = (tmp_path / "project.sqlite").read_bytes()
    with pytest.raises(InputError, match="not a Schliff project"):
        Project.open(tmp_path)
    assert (tmp_path / "project.sqlite").read_bytes() == before


def test_a_project_of_a_newer_version_is_refused(project: Project):
    project.close()
    connection = sqlite3.connect(project.path / "project.sqlite")
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(InputError, match="newer Schliff"):
        Project.open(project.path)


@pytest.mark.parametrize("damaged", ["model/c/0/0/0", "model/zarr.json", "learned.npz"])
def test_a_damaged_map_is_told_with_what_to_do(tmp_path: Path, damaged: str):
    maps = ScanMaps(tmp_path / "m.zarr")
    maps.create((20, 20), 10, 1, 1)
    maps.write("model", 0, 0, np.ones((1, 10, 10), np.float32))
    maps.save_learned({"mean": np.zeros(3)})
    (maps.folder / damaged).write_bytes(b"cut")
    again = ScanMaps(maps.folder)
    with pytest.raises(InputError, match="missing or damaged"):
        again.load_learned() if damaged == "learned.npz" else again.read("model", 0, 0, 1, 1)


def test_a_place_that_cant_be_written_is_said_so(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ResourceError) as trouble:
        Project.create(tmp_path / "file" / "p.schliff")
    assert trouble.value.remedy


def test_a_folder_that_isnt_there_is_named(tmp_path: Path):
    with (
        pytest.raises(ResourceError, match="folder does not exist"),
        written_whole(tmp_path / "no" / "list.csv") as out,
    ):
        out.write_text("x")


def test_two_threads_may_write_the_same_file(tmp_path: Path):
    def write(text: str) -> None:
        with written_whole(tmp_path / "list.csv") as out:
            out.write_text(text)

    with written_whole(tmp_path / "list.csv") as out:
        out.write_text("ours")
        with ThreadPoolExecutor(1) as other:
            other.submit(write, "theirs").result()
        assert (tmp_path / "list.csv").read_text() == "theirs"
    assert (tmp_path / "list.csv").read_text() == "ours"


def test_a_share_keeps_its_host_in_sqlites_words():
    assert _uri(PureWindowsPath(r"\\nas\lab\p #1\project.sqlite")) == "file:////nas/lab/p%20%231/project.sqlite"
    assert _uri(PureWindowsPath(r"C:\lab\project.sqlite")) == "file:///C:/lab/project.sqlite"
    assert _uri(PurePosixPath("/lab/50 %/project.sqlite")) == "file:///lab/50%20%25/project.sqlite"


def test_a_map_is_flushed_before_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flushed: list[int] = []
    monkeypatch.setattr("core.project.maps.os.fsync", lambda number: flushed.append(os.fstat(number).st_ino))
    maps = ScanMaps(tmp_path / "m.zarr")
    maps.create((20, 30), 8, 2, 1)
    flushed.clear()
    maps.write("model", 8, 16, np.ones((2, 8, 8), np.float32))
    chunk = tmp_path / "m.zarr" / "model" / "c" / "0" / "1" / "2"
    written = [node for node in flushed if node in (chunk.stat().st_ino, chunk.parent.stat().st_ino)]
    assert written == [chunk.stat().st_ino, chunk.parent.stat().st_ino], "first what it holds, then its name"
