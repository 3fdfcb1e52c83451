"""Projects of every version that ever was open today; of versions to come they are refused."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from core.errors import InputError
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.project.schema import VERSION
from core.review import Review

OLD = sorted((Path(__file__).parent / "data").glob("project-v*.schliff"))
# What people decided in each: status by the detection's number.
DECIDED = {
    1: {9: "artefact", 8: "defect", 7: "defect", 6: "defect"},
    2: {4: "defect", 2: "defect", 3: "defect"},
    3: {1: "defect"},
    4: {12: "defect", 11: "defect", 9: "false_alarm", 8: "defect", 7: "defect"},
    5: {8: "defect", 2: "defect", 1: "false_alarm"},
}


def of_version(number: int, folder: Path) -> Path:
    return Path(shutil.copytree(OLD[number - 1], folder / "old.schliff"))


def test_there_is_one_of_every_version():
    assert [int(one.stem[len("project-v") :]) for one in OLD][: VERSION - 1] == list(range(1, VERSION))
    for number, path in enumerate(OLD, 1):
        with sqlite3.connect(f"file:{path / 'project.sqlite'}?mode=ro&immutable=1", uri=True) as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == number
        db.close()


@pytest.mark.parametrize("number", DECIDED)
def test_what_was_decided_in_it_is_there_and_can_be_gone_on_with(number: int, tmp_path: Path):
    path = of_version(number, tmp_path)
    for _ in range(2):  # the second time it is of this version already
        with Project.open(path) as project, project.database.reading() as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
            assert [row[0] for row in db.execute("PRAGMA integrity_check")] == ["ok"]
            assert not db.execute("PRAGMA foreign_key_check").fetchall()
            found = project.detections()
            assert {one.id: one.status for one in found if one.status != "unreviewed"} == DECIDED[number]
    with Project.open(path) as project:
        review = Review(project, "Ada")
        waiting = next(one.id for one in found if one.status == "unreviewed")
        review.decide([waiting], "unsure")
        review.undo()
        while review.can_undo:
            review.undo()
        while review.can_redo:
            review.redo()
        DrawingStore(project).drawings(1)


def test_what_version_5_knew_besides(tmp_path: Path):
    with Project.open(of_version(5, tmp_path)) as project:
        found = {one.id: one for one in project.detections()}
        assert {one.source for one in found.values()} == {"model", "person", "joined"}
        assert found[2].label == "pore"
        assert "fissure" in project.class_labels()
        assert [one.name for one in DrawingStore(project).drawings(1)] == ["by hand"]
        assert Review(project).can_redo


@pytest.mark.parametrize("number", [1, 5])
def test_one_of_a_version_to_come_is_refused_and_left_as_it_is(number: int, tmp_path: Path):
    path = of_version(number, tmp_path)
    with sqlite3.connect(path / "project.sqlite") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = (path / "project.sqlite").read_bytes()
    with pytest.raises(InputError, match="newer Schliff") as refused:
        Project.open(path)
    assert "newest version" in refused.value.remedy
    assert (path / "project.sqlite").read_bytes() == before
