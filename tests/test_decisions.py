"""What people decide: classes, doubts, drawn defects, joined ones; every step back and forth; who said it, and when."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.check import check_project
from core.classes import ClassTable
from core.detection import Candidate, Detection
from core.drawing import Drawing
from core.errors import UsageError
from core.export.base import export_detections
from core.geometry import Box
from core.history import Replayed
from core.people import call_user, user_name
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.review import Review
from tests.test_project import scan_with
from tests.toy import begin_toy_scan, spotted_image, toy_spec, write_image

VERSION_4 = Path(__file__).parent / "data" / "project-v4.schliff"
BOX = Drawing("box", ((10, 120), (50, 160)), label="pore")
POLYGON = Drawing("polygon", ((200, 200), (260, 200), (200, 280)), label="crack")


@pytest.fixture
def section_path(tmp_path: Path) -> Path:
    return write_image(tmp_path / "section.png", spotted_image())


@pytest.fixture
def project(tmp_path: Path, section_path: Path):
    """A scanned section with five detections, 1 to 5, of which 5 is the worst."""
    with Project.create(tmp_path / "p.schliff") as made:
        scan_with(made, section_path, 5)
        yield made


def test_whether_something_can_be_undone_is_known_without_asking_the_disk(project: Project):
    review, begun, over = Review(project), threading.Event(), threading.Event()
    assert (review.can_undo, review.can_redo) == (False, False)
    review.decide([1], "defect")
    assert (review.can_undo, review.can_redo) == (True, False)
    review.undo()

    def keep_busy() -> None:
        with project.database.writing():
            begun.set()
            over.wait(10)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    assert begun.wait(10)
    assert (review.can_undo, review.can_redo) == (False, True)
    over.set()
    busy.join()
    with Project.open(project.path) as of_another_program:
        Review(of_another_program).decide([2], "defect")
    assert not review.can_undo
    assert project.database.has_news()
    assert (review.can_undo, review.can_redo) == (True, False)


def scan_by(project: Project, model: str, labels: tuple[str, ...], found: list[tuple[str, Box]]) -> list[Detection]:
    """What another model found on the section, in the order given."""
    spec = toy_spec(id=model, labels=labels)
    record = project.sections()[0]
    store = begin_toy_scan(project, record, spec)
    return store.emit(0, [Candidate(label, 0.8, box, box.area / 2, box.center) for label, box in found])


def get(project: Project, detection_id: int) -> Detection:
    (found,) = project.detections_by_id([detection_id])
    return found


def everything(project: Project) -> tuple[list[Detection], list[Drawing], ClassTable]:
    return project.detections(), DrawingStore(project).drawings(1), project.classes()


def test_a_class_by_a_person_counts_and_the_models_word_stays(project: Project):
    review = Review(project, "Ada")
    assert review.decide([2, 3], label="pore") == [2, 3]
    one = get(project, 2)
    assert (one.label, one.model_label, one.said_label, one.status) == ("pore", "anomaly", "anomaly", "defect")
    assert (one.decided_by, one.is_decided) == ("Ada", True)
    assert one.decided_at.startswith("20")
    assert review.decide([3], label="preparation_artefact") == [3]
    assert get(project, 3).status == "artefact"
    assert review.decide([3], "unsure") == [3]
    assert (get(project, 3).label, get(project, 3).is_decided) == ("preparation_artefact", False)
    assert [d.label for d in project.found("toy-1")] == ["anomaly"] * 5
    for _ in range(3):
        review.undo()
    assert get(project, 2) == replace(
        get(project, 2), label="anomaly", status="unreviewed", decided_by="", decided_at=""
    )
    with pytest.raises(UsageError, match="no name"):
        review.decide([2], label="  ")


def test_two_people_are_told_apart(project: Project):
    Review(project, "Ada").decide([1], "defect", "bright")
    Review(project, "Ben").decide([1], label="pore")
    Review(project, "Ben").decide([1], "false_alarm")
    Review(project, "Ben").undo()
    said = [(d.author, d.status, d.label, d.note, d.carried) for d in Review(project).log(1)]
    assert said == [("Ada", "defect", "", "bright", False), ("Ben", "defect", "pore", "bright", False)]
    assert get(project, 1).decided_by == "Ben"
    Review(project).undo()
    assert get(project, 1).decided_by == "Ada"


def test_a_shared_login_is_told_apart_by_the_name_given(project: Project):
    review = Review(project)
    before = user_name()
    try:
        call_user("  Eve   Adams ")
        review.decide([1], "defect")
        DrawingStore(project).add(1, [BOX])
        call_user("")
        review.decide([2], "defect")
    finally:
        call_user("")
    assert [get(project, i).decided_by for i in (1, 2)] == ["Eve Adams", before]
    assert project.drawn(1)[0].decided_by == "Eve Adams"


def test_every_gesture_goes_back_and_forth_after_a_restart(project: Project):
    review, store = Review(project, "Ada"), DrawingStore(project, "Ada")
    states = [everything(project)]

    def done() -> None:
        states.append(everything(project))

    review.decide([1, 2], label="pore")
    done()
    (drawn, polygon) = store.add(1, [BOX, POLYGON])
    done()
    mine = next(d for d in project.detections() if d.drawing_id == drawn.id)
    review.decide([mine.id, 3], label="preparation_artefact")
    done()
    store.change([replace(polygon, points=((0, 0), (9, 0), (0, 9)))])
    done()
    whole = review.join([2, 3, mine.id])
    done()
    review.decide([whole[0]], "unsure", "one crack?")
    done()
    review.keep_classes(project.classes().renamed("pore", "void").coloured("void", "#102030"))
    done()
    review.split([whole[0]])
    done()
    store.remove([drawn.id])
    done()
    project.close()
    with Project.open(project.path) as again:
        review = Review(again)
        for state in states[-2::-1]:
            assert review.history.undo() is not None
            assert everything(again) == state
        assert not review.can_undo
        for state in states[1:]:
            assert review.history.redo() is not None
            assert everything(again) == state
        assert not review.can_redo


# -- what the model missed ----------------------------------------------------------------------------


def test_what_is_drawn_with_a_class_is_a_defect_like_any_other(project: Project):
    store = DrawingStore(project, "Ada")
    drawn, polygon, *_ = store.add(
        1, [BOX, POLYGON, replace(BOX, label=""), Drawing("ruler", ((0, 0), (9, 9)), label="x")]
    )
    box, cornered = sorted(project.drawn(1), key=lambda d: d.id)
    assert (box.label, box.box, box.area_px, box.model, box.source) == (
        "pore",
        Box(10, 120, 40, 40),
        1600,
        "person",
        "person",
    )
    assert (box.status, box.decided_by, box.is_drawn, box.drawing_id) == ("defect", "Ada", True, drawn.id)
    assert (cornered.area_px, cornered.outline, cornered.drawing_id) == (2400, POLYGON.points, polygon.id)
    assert [scan.model_id for scan in project.scans()] == ["toy"], "no scan of any model"
    store.change([replace(drawn, label="crack").moved(5, 0)])
    assert (get(project, box.id).label, get(project, box.id).box.x) == ("crack", 15)
    Review(project, "Ben").decide([box.id], "false_alarm", "dust")
    store.remove([drawn.id])
    assert [d.id for d in project.drawn(1)] == [cornered.id]
    Review(project).history.undo()
    assert (get(project, box.id).status, get(project, box.id).note) == ("false_alarm", "dust")


def test_a_class_given_to_a_drawn_defect_is_its_drawings(project: Project):
    store, review = DrawingStore(project, "Ada"), Review(project, "Ben")
    (drawn,) = store.add(1, [BOX])
    (defect,) = project.drawn(1)
    review.decide([defect.id], label="crack")
    assert [d.label for d in store.drawings(1)] == ["crack"]
    assert get(project, defect.id).label == "crack"
    assert review.history.undo() == Replayed("decision", (defect.id,), (drawn.id,))
    assert [d.label for d in store.drawings(1)] == ["pore"]
    assert get(project, defect.id) == defect


# -- joined ones and classes -------------------------------------------------------------------------


def test_joined_detections_are_one_until_they_are_taken_apart(project: Project):
    review = Review(project, "Ada")
    review.decide([1, 2], "defect", "long")
    before = project.detections()
    new_id, *parts = review.join([1, 2])
    whole = get(project, new_id)
    assert sorted(parts) == [1, 2]
    assert (whole.box, whole.source, whole.status, whole.note) == (Box(0, 5, 18, 8), "joined", "defect", "long")
    assert (whole.score, whole.area_px) == (0.4, 128)
    assert {d.id for d in project.detections()} == {3, 4, 5, new_id}
    assert len(project.found("toy-1")) == 5
    assert review.join([new_id, 3])[0] == new_id + 1, "it can grow"
    review.undo()
    review.decide([new_id], "artefact")
    review.split([new_id])
    assert project.detections() == before
    with pytest.raises(UsageError, match="alone"):
        review.join([1])
    with pytest.raises(UsageError, match="joined"):
        review.split([1])
    assert review.undo() == [1, 2, new_id]
    assert get(project, new_id).status == "artefact"


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        (("defect", None), (None, None), ("defect", "anomaly")),
        (("defect", "pore"), (None, None), ("defect", "pore")),
        ((None, None), ("artefact", "polish"), ("artefact", "polish")),
        (("defect", "pore"), ("defect", "crack"), ("defect", "crack")),
        (("unsure", None), (None, None), ("unsure", "anomaly")),
        (("defect", None), ("false_alarm", None), ("unreviewed", "anomaly")),
    ],
)
def test_what_is_joined_is_judged_as_its_parts_were(project: Project, first, second, whole):
    """The second is the worse one."""
    review = Review(project, "Ada")
    for detection_id, (status, label) in ((1, first), (2, second)):
        if status is not None:
            review.decide([detection_id], status, label=label)
    made = get(project, review.join([1, 2])[0])
    assert (made.status, made.label) == whole
    assert made.decided_by == ("" if whole[0] == "unreviewed" else "Ada")
    review.undo()
    assert [get(project, i).status for i in (1, 2)] == [first[0] or "unreviewed", second[0] or "unreviewed"]


def test_classes_are_renamed_and_merged_without_losing_a_word(project: Project):
    review = Review(project, "Ada")
    review.decide([1], label="pore")
    review.decide([2], label="large_pore")
    table = project.classes().merged(["pore", "large_pore"], "void").coloured("void", "#a0b0c0")
    assert review.keep_classes(table)
    assert not review.keep_classes(table)
    assert [get(project, i).label for i in (1, 2, 3)] == ["void", "void", "anomaly"]
    assert project.class_labels() == ("anomaly", "void")
    assert project.classes().colours == {"void": "#A0B0C0"}
    review.keep_classes(project.classes().renamed("void", "hole").with_class("Scratch mark"))
    assert project.class_labels() == ("anomaly", "Scratch_mark", "hole")
    assert project.classes().colours == {"hole": "#A0B0C0"}
    review.keep_classes(project.classes().restored("pore"))
    assert [get(project, i).label for i in (1, 2)] == ["pore", "hole"]
    while review.can_undo:
        review.undo()
    assert {d.label for d in project.detections()} == {"anomaly"}
    assert project.classes() == ClassTable()
    with pytest.raises(UsageError, match="colour"):
        ClassTable().coloured("pore", "red")


def test_a_class_table_nobody_understands_changes_nothing():
    for odd in (None, [], {"called": 3, "colours": {"a": "red"}, "added": "b"}, {"called": {"a": 1}}):
        assert ClassTable.from_json(odd) == ClassTable()


# -- decisions go along -------------------------------------------------------------------------------


def test_decisions_go_on_to_the_same_finding_of_another_model(project: Project, section_path: Path):
    pore, crack, scratch, nothing = (Box(100 * i, 100, 40, 40) for i in range(4))
    first = scan_by(project, "one", ("pore", "crack"), [("pore", b) for b in (pore, crack, scratch, nothing)])
    review = Review(project, "Ada")
    review.decide([first[0].id], "defect", "see SEM")
    review.decide([first[1].id], label="crack")
    review.decide([first[2].id], "false_alarm")
    review.decide([first[3].id], "unsure")
    shifted = replace(pore, x=4), replace(crack, x=104), replace(scratch, x=204), replace(nothing, x=304)
    again = scan_by(project, "two", ("pore", "crack"), [("crack", shifted[0]), *[("pore", b) for b in shifted[1:]]])
    told = [(d.status, d.label, d.note, d.decided_by, d.carried_from) for d in again]
    assert told == [
        ("defect", "pore", "see SEM", "Ada", first[0].id),
        ("defect", "crack", "", "Ada", first[1].id),
        ("false_alarm", "pore", "", "Ada", first[2].id),
        ("unreviewed", "pore", "", "", None),
    ]
    assert again[0].model_label == "crack"
    assert [entry.carried for entry in review.log(again[0].id)] == [True]
    review.decide([again[2].id], "defect")
    assert get(project, again[2].id).carried_from is None, "now it was said of this one"


def test_what_is_not_clearly_the_same_is_judged_again(project: Project):
    box = Box(100, 100, 40, 40)
    (first,) = scan_by(project, "one", ("pore", "crack"), [("pore", box)])
    Review(project, "Ada").decide([first.id], "false_alarm")
    other_class, beside, blind = (
        scan_by(project, name, (label, "x"), [(label, where)])[0].status
        for name, label, where in (("a", "crack", box), ("b", "pore", replace(box, x=125)), ("c", "anomaly", box))
    )
    assert (other_class, beside, blind) == ("unreviewed", "unreviewed", "false_alarm")


def test_a_drawn_defect_speaks_for_what_is_found_there_later(project: Project):
    DrawingStore(project, "Ada").add(1, [BOX])
    (drawn,) = project.drawn(1)
    (found,) = scan_by(project, "late", ("anomaly",), [("anomaly", Box(12, 122, 40, 40))])
    assert (found.status, found.label, found.carried_from, found.decided_by) == ("defect", "pore", drawn.id, "Ada")


def test_decisions_made_later_are_taken_over_when_asked(project: Project):
    box = Box(100, 100, 40, 40)
    ((first,), (second,)) = (scan_by(project, name, ("pore",), [("pore", box)]) for name in ("one", "two"))
    review = Review(project, "Ada")
    review.decide([first.id], "defect")
    assert review.take_over(second.scan_id) == [second.id]
    assert get(project, second.id).carried_from == first.id
    assert review.take_over(second.scan_id) == []
    assert review.undo() == [second.id]
    assert get(project, second.id).status == "unreviewed"


def test_a_check_judges_the_model_not_the_people(project: Project, tmp_path: Path):
    truth = tmp_path / "section.truth.csv"
    truth.write_text("class,x_px,y_px,w_px,h_px\npore,40,5,8,8\n", "utf-8")
    before = check_project(project, truth)
    review = Review(project, "Ada")
    review.join([4, 5])
    review.decide([3], label="pore")
    DrawingStore(project).add(1, [BOX])
    assert check_project(project, truth) == before


# -- version 4 ----------------------------------------------------------------------------------------


def test_a_project_of_version_4_opens_with_all_that_was_in_it(tmp_path: Path):
    folder = Path(shutil.copytree(VERSION_4, tmp_path / "old.schliff"))
    with Project.open(folder) as project:
        at = "2026-01-02T03:04:05+00:00"
        told = {d.id: (d.status, d.note, d.decided_by, d.decided_at) for d in project.detections() if not d.is_drawn}
        assert told == {
            6: ("unreviewed", "", "", ""), 7: ("defect", "look at it in the SEM", "Ada", at),
            8: ("defect", "", "Ada", at), 9: ("false_alarm", "a scratch", "Ben", at), 10: ("unreviewed", "", "", ""),
        }  # fmt: skip
        drawn = {d.label: (d.status, d.decided_by, d.area_px) for d in project.drawn(1)}
        assert drawn == {"pore": ("defect", "Ada", 400.0), "crack": ("defect", "Ada", 2400.0)}
        review = Review(project)
        assert [(one.author, one.status) for one in review.log(9)] == [("Ada", "defect"), ("Ben", "false_alarm")]
        kinds = []
        while (step := review.history.undo()) is not None:
            kinds.append(step.kind)
        assert kinds == ["composition", "drawing", "decision", "decision"]
        assert project.drawn(1) == []
        assert get(project, 9).decided_by == ""
        assert get(project, 7).status == "defect", "what was carried over stays"
        assert review.history.redo() == Replayed("decision", (8, 9))
        assert review.history.redo() == Replayed("decision", (9,))
        assert (get(project, 9).decided_by, get(project, 9).decided_at) == ("Ben", at)


def test_what_people_made_is_exported_like_any_other(project: Project, tmp_path: Path):
    DrawingStore(project, "Ada").add(1, [POLYGON])
    review = Review(project, "Ben")
    whole, *_ = review.join([4, 5])
    review.decide([3], label="pore")
    out = tmp_path / "list.csv"
    for format_id in ("coco", "geojson", "csv"):
        export_detections(project, format_id, out)
    with out.open(encoding="utf-8", newline="") as file:
        listed = {int(row["id"]): row for row in csv.DictReader(file)}
    (drawn,) = project.drawn(1)
    told = {i: tuple(listed[i][name] for name in ("class", "model_class", "source", "decided_by")) for i in listed}
    assert told == {
        drawn.id: ("crack", "", "person", "Ada"), whole: ("anomaly", "anomaly", "joined", ""),
        3: ("pore", "anomaly", "model", "Ben"),
    }  # fmt: skip
    sources = json.loads((tmp_path / "list.csv.sources.json").read_text("utf-8"))
    assert [one["model"] for one in sources["scans"]] == ["person", "toy"]
