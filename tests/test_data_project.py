"""What a project teaches: decisions, drawings, and what is known around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.labelled import LabelledPicture
from core.data.reading import read_marks
from core.drawing import Drawing
from core.errors import InputError
from core.project import Project
from core.project.drawing_store import DrawingStore
from core.readers.base import open_section
from core.review import Review
from core.scan.runner import run_scan
from tests.toy import ToyModel, spotted_image, toy_spec, write_image


@pytest.fixture
def path(tmp_path: Path, quick_disk: None) -> Path:
    """A project of one section, scanned by two models that find the same spots."""
    section_path = write_image(tmp_path / "s.png", spotted_image())
    with Project.create(tmp_path / "p.schliff") as project, open_section(section_path) as section:
        run_scan(project, section, ToyModel())
        run_scan(project, section, ToyModel(toy_spec(id="second")))
    return tmp_path / "p.schliff"


def _read(path: Path) -> LabelledPicture:
    (picture,) = read_marks(path).pictures
    return picture


def test_decisions_are_marks_and_places_without_a_defect(path: Path) -> None:
    with Project.open(path) as project:
        first, second, third, *others = project.detections(project.scans()[0].id)
        review = Review(project, "somebody")
        for one, status in ((first, "defect"), (second, "artefact"), (third, "false_alarm")):
            review.decide([one.id], status)  # type: ignore[arg-type]
    data = read_marks(path)
    (picture,) = data.pictures
    assert data.format == "project"
    assert picture.path == path.with_name("s.png")
    assert picture.group == "s.png"
    assert {(mark.label, mark.box) for mark in picture.marks} == {
        (first.label, first.box), ("preparation_artefact", second.box),
    }  # fmt: skip
    assert picture.empty == (third.box,)
    assert picture.known is not None
    for told in (first, second, third):
        assert any(box.contains(*told.box.center) for box in picture.known)
    assert len(others) > 3
    for waiting in others:  # nobody has judged them: nothing is known there
        assert not any(box.intersection(waiting.box) for box in picture.known)


def test_a_place_found_by_two_scans_is_one_mark_and_the_latest_decision_counts(path: Path) -> None:
    with Project.open(path) as project:
        earlier, later = (project.detections(scan.id)[0] for scan in project.scans())
        other = project.detections(project.scans()[0].id)[1]
        assert earlier.box == later.box
        review = Review(project, "somebody")
        review.decide([earlier.id, later.id, other.id], "defect")
        assert len(_read(path).marks) == 2
        review.decide([later.id], "false_alarm")
    data = read_marks(path)
    assert [mark.box for mark in data.pictures[0].marks] == [other.box]
    assert data.pictures[0].empty == (later.box,)
    assert any("judged differently" in note for note in data.notes)


def test_closed_drawings_with_a_class_are_outlines(path: Path) -> None:
    corners = ((10.0, 10.0), (60.0, 20.0), (30.0, 50.0))
    with Project.open(path) as project:
        store = DrawingStore(project, "somebody")
        store.add(
            project.sections()[0].id,
            [Drawing("polygon", corners, label="crack"), Drawing("polygon", corners), Drawing("point", corners[:1])],
        )
    (mark,) = _read(path).marks
    assert (mark.label, mark.outline) == ("crack", corners)


def test_a_drawing_of_what_was_found_counts_instead_of_it(path: Path) -> None:
    with Project.open(path) as project:
        found, other, *_ = project.detections(project.scans()[0].id)
        Review(project, "somebody").decide([found.id, other.id], "defect")
        box = found.box
        corners = ((box.x, box.y), (box.x1, box.y), (box.x1, box.y1), (box.x, box.y1 - 2))
        DrawingStore(project, "somebody").add(found.section_id, [Drawing("polygon", corners, label="crack")])
    picture = _read(path)
    assert [(mark.label, mark.outline) for mark in picture.marks] == [(other.label, ()), ("crack", corners)]
    with Project.open(path) as project:
        Review(project, "somebody").decide([found.id], "false_alarm")
    assert _read(path).empty == ()


def test_what_was_marked_is_known_whatever_crosses_it(path: Path) -> None:
    with Project.open(path) as project:
        waiting = project.detections()[0]
        x, y = waiting.box.center
        x0, y0, x1, y1 = max(x - 120, 0), max(y - 120, 0), min(x + 120, 400), min(y + 120, 400)
        drawing = Drawing("polygon", ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), label="crack")
        DrawingStore(project, "somebody").add(waiting.section_id, [drawing])
    picture = _read(path)
    assert picture.known is not None
    assert all(any(part.contains(*mark.box.center) for part in picture.known) for mark in picture.marks)
    assert any(part.contains(x, y) for part in picture.known)


def test_without_decisions_there_is_nothing_to_learn(path: Path) -> None:
    with pytest.raises(InputError, match="nothing has been judged"):
        read_marks(path)


def test_a_section_that_moved_is_one_clear_error(path: Path, tmp_path: Path) -> None:
    with Project.open(path) as project:
        Review(project, "somebody").decide([project.detections()[0].id], "defect")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "s.png").rename(tmp_path / "elsewhere" / "s.png")
    with pytest.raises(InputError, match=r"not where it was.*beside p\.schliff"):
        read_marks(path)
