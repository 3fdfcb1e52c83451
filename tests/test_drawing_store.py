"""Drawings in a project: kept bit by bit, undone in one order with decisions, migrated from version 1, never half."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.drawing import Drawing
from core.errors import ResourceError
from core.history import History, Replayed
from core.project import Project
from core.project.database import VERSION
from core.project.drawing_store import DrawingStore
from core.project.schema import MIGRATIONS
from core.readers.base import open_section
from core.review import Review
from tests.test_project import scan_with
from tests.toy import spotted_image, write_image

VERSION_1 = Path(__file__).parent / "data" / "project-v1.schliff"
RULER = Drawing("ruler", ((0.1, 1 / 3), (1e5 + 0.7, 2.5)), name="gap")
BOX = Drawing("box", ((10, 20), (30, 40)), label="pore", note="µm")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(VERSION_1, tmp_path / "old.schliff"))


@pytest.fixture
def project(tmp_path: Path):
    """A scanned section with five detections, 1 to 5."""
    path = write_image(tmp_path / "section.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as made:
        scan_with(made, path, 5)
        yield made


def statuses(project: Project) -> dict[int, str]:
    return {d.id: d.status for d in project.detections()}


def test_drawings_come_back_bit_by_bit(project: Project):
    store = DrawingStore(project, "Ada")
    stored = store.add(1, [RULER, BOX])
    assert [d.id for d in stored] == [1, 2]
    project.close()
    with Project.open(project.path) as again:
        assert DrawingStore(again).drawings(1) == stored
        assert stored[0].points == RULER.points
        assert (stored[1].author, stored[1].note, stored[1].label) == ("Ada", "µm", "pore")
        assert DrawingStore(again).drawings(2) == []
        assert DrawingStore(again).drawings(1, [2]) == stored[1:]


def test_everything_is_undone_in_the_order_it_was_done_after_a_restart_too(project: Project):
    store, review = DrawingStore(project), Review(project)
    ruler = store.add(1, [RULER])[0]
    review.decide([3], "defect")
    store.change([replace(ruler, name="wide gap").moved(5, 0)])
    review.decide([4], "artefact")
    store.remove([ruler.id])
    last = store.add(1, [BOX])[0]
    project.close()
    with Project.open(project.path) as again:
        store, history = DrawingStore(again), History(again)
        seen = lambda: ([(d.id, d.name) for d in store.drawings(1)], statuses(again)[3], statuses(again)[4])  # noqa: E731
        states = [seen()]
        kinds = []
        while (step := history.undo()) is not None:
            kinds.append((step.kind, step.ids))
            states.append(seen())
        assert kinds == [
            ("drawing", (last.id,)), ("drawing", (ruler.id,)), ("decision", (4,)), ("drawing", (ruler.id,)),
            ("decision", (3,)), ("drawing", (ruler.id,)),
        ]  # fmt: skip
        assert states == [
            ([(2, "")], "defect", "artefact"),
            ([], "defect", "artefact"),
            ([(1, "wide gap")], "defect", "artefact"),
            ([(1, "wide gap")], "defect", "unreviewed"),
            ([(1, "gap")], "defect", "unreviewed"),
            ([(1, "gap")], "unreviewed", "unreviewed"),
            ([], "unreviewed", "unreviewed"),
        ]
        assert not history.can_undo
        for state in states[-2::-1]:
            assert history.redo() is not None
            assert seen() == state
        assert not history.can_redo


def test_a_new_gesture_of_either_kind_ends_what_could_be_redone(project: Project):
    store, review, history = DrawingStore(project), Review(project), History(project)
    review.decide([1], "defect")
    history.undo()
    ruler = store.add(1, [RULER])[0]
    assert not history.can_redo
    history.undo()
    assert history.can_redo
    assert store.change([ruler]) == [], "it is not there"
    assert store.remove([ruler.id]) == []
    assert review.decide([1], "unreviewed") == []
    assert history.can_redo, "nothing happened"
    review.decide([2], "defect")
    assert not history.can_redo
    assert store.add(1, [RULER])[0].id > ruler.id, "a number is never given twice"


def test_a_change_that_changes_nothing_is_no_gesture(project: Project):
    store, history = DrawingStore(project), History(project)
    ruler = store.add(1, [RULER])[0]
    assert store.change([ruler]) == []
    history.undo()
    assert not history.can_undo


def test_two_windows_share_one_history(project: Project):
    with Project.open(project.path) as other:
        mine, theirs = DrawingStore(project), DrawingStore(other)
        found: list[int] = []
        work = lambda store: found.extend(store.add(1, [RULER])[0].id for _ in range(10))  # noqa: E731
        threads = [threading.Thread(target=work, args=(store,)) for store in (mine, theirs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == list(range(1, 21))
        steps = [History(p).undo() for p in (project, other) * 10]
        assert [step.ids[0] for step in steps if step] == list(range(20, 0, -1))
        assert mine.drawings(1) == []


def test_a_drawing_nobody_understands_keeps_nobody_out(project: Project):
    store = DrawingStore(project)
    store.add(1, [RULER, BOX])
    with project.database.writing() as db:
        db.execute("UPDATE drawings SET kind = 'spiral' WHERE id = 1")
    assert [d.id for d in store.drawings(1)] == [2]


def test_a_failing_disk_stores_nothing_of_a_drawing(project: Project):
    store = DrawingStore(project)
    with project.database.writing() as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON drawing_changes BEGIN SELECT raise(ABORT, 'disk full'); END")
    with pytest.raises(ResourceError, match="full"):
        store.add(1, [RULER])
    assert store.drawings(1) == []
    assert not History(project).can_undo


# -- version 1 ------------------------------------------------------------------------------------


def test_an_old_project_opens_with_all_that_was_in_it(old: Path):
    with Project.open(old) as project:
        assert statuses(project) == {
            6: "defect", 7: "defect", 8: "defect", 9: "artefact", 10: "unreviewed",
        }  # fmt: skip
        assert project.scans()[0].threshold == 0.42
        assert project.detections()[3].note == "look at it in the SEM"
        with project.database.reading() as db:
            log = [tuple(row) for row in db.execute("SELECT detection_id, author, state, gesture FROM decisions")]
            assert db.execute("PRAGMA user_version").fetchone()[0] == VERSION
        assert log == [
            (2, "Ada", "archived", 1), (7, "Ada", "carried", None), (6, "Ada", "live", 2), (8, "Ada", "live", 2),
            (8, "Ada", "live", 3), (9, "Grace", "live", 4), (10, "Grace", "live", 5),
        ]  # fmt: skip


def test_an_old_projects_history_goes_on(old: Path):
    with Project.open(old) as project:
        review, store = Review(project), DrawingStore(project)
        assert review.redo() == [10]
        ruler = store.add(1, [RULER])[0]
        assert review.history.undo() == Replayed("drawing", (ruler.id,))
        assert review.undo() == [10]
        assert review.undo() == [9]
        assert review.undo() == [6, 8], "what was discarded stays so"
        assert not review.can_undo
    with Project.open(old) as project:
        assert statuses(project)[7] == "defect", "what was carried over stays"


def test_an_old_and_a_new_project_have_the_same_tables(old: Path, project: Project):
    def tables(opened: Project) -> dict[str, list]:
        with opened.database.reading() as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'")]
            return {name: [tuple(row)[1:] for row in db.execute(f"PRAGMA table_info({name})")] for name in names}

    with Project.open(old) as migrated:
        assert tables(migrated) == tables(project)


@pytest.mark.parametrize("cut", range(len(MIGRATIONS[1])))
def test_a_migration_that_is_cut_short_has_not_begun(old: Path, cut: int, monkeypatch: pytest.MonkeyPatch):
    before = sqlite3.connect(old / "project.sqlite")
    rows = before.execute("SELECT * FROM decisions").fetchall()
    before.close()
    with monkeypatch.context() as broken:
        broken.setitem(MIGRATIONS, 1, (*MIGRATIONS[1][:cut], "SELECT raise_an_error()", *MIGRATIONS[1][cut:]))
        with pytest.raises(Exception, match="raise_an_error"):
            Project.open(old)
    after = sqlite3.connect(old / "project.sqlite")
    assert after.execute("SELECT * FROM decisions").fetchall() == rows
    assert after.execute("PRAGMA user_version").fetchone()[0] == 1
    after.close()
    Project.open(old).close()


def test_two_windows_migrate_once(old: Path):
    opened, errors = [], []

    def open_it():
        try:
            opened.append(Project.open(old))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for project in opened:
        assert len(statuses(project)) == 5
        project.close()


# -- kill -9 --------------------------------------------------------------------------------------

DRAW_FOR_EVER = """
import sys
from core.drawing import Drawing
from core.project import Project
from core.project.drawing_store import DrawingStore

store = DrawingStore(Project.open(sys.argv[1]), "Ada")
outline = tuple((i % 97 + 0.25, i / 3) for i in range(3000))
while True:
    drawn = store.add(1, [Drawing("area", outline), Drawing("point", ((1.0, 2.0),))])
    print(drawn[-1].id, flush=True)
"""


def test_whatever_was_drawn_survives_being_killed(project: Project):
    project.close()
    told = 0
    for wanted in (3, 5, 8):
        run = subprocess.Popen(
            [sys.executable, "-c", DRAW_FOR_EVER, str(project.path)],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout is not None
        told = max([told, *(int(run.stdout.readline()) for _ in range(wanted))])
        run.kill()
        rest = run.stdout.read().splitlines()
        run.stdout.close()
        run.wait()
        told = max([told, *(int(line) for line in rest if line.strip())])
        with Project.open(project.path) as again:
            drawn = DrawingStore(again).drawings(1)
            assert {d.id for d in drawn} >= set(range(1, told + 1))
            assert len(drawn) % 2 == 0, "both of a gesture, or none"
            with again.database.reading() as db:
                assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                logged = db.execute("SELECT after FROM drawing_changes").fetchall()
            assert len(logged) == len(drawn)
            assert all(json.loads(row[0])["author"] == "Ada" for row in logged)
            told = len(drawn)
    with open_section(project.path.parent / "section.png") as section, Project.open(project.path) as again:
        assert again.add_section(section).id == 1
