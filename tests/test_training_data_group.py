"""The choice of data to learn from or to judge on: the project's decisions counted, another folder chosen instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from app.evaluation.window import EvaluationWindow
from app.training.data_group import DataGroup
from app.training.wording import decisions_text, learnt_text
from core.data.labelled import LabelledData, LabelledPicture, Mark
from core.geometry import Box
from core.jobs import CancelToken
from tests.gallery_support import fill_from_project
from tests.toy import toy_spec
from tests.training_support import write_images

pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def group(qtbot, session, tmp_path: Path):
    """With a project open, its decisions chosen."""
    fill_from_project(session, tmp_path, [])
    group = DataGroup(session)
    qtbot.addWidget(group)
    group.show()
    assert group.is_project
    return group


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    return write_images(tmp_path / "plates", chip=4, pore=4)


def test_a_folder_is_chosen_though_the_project_was(qtbot, group, plates):
    group.add(plates)
    assert group.path == plates
    qtbot.waitUntil(lambda: group.summary is not None, timeout=20_000)
    assert "8 images" in group.text.text()


def test_the_project_stays_chosen_when_another_one_is_open(session, group, plates, tmp_path):
    group.add(plates)
    group.choice.setCurrentIndex(0)
    other = tmp_path / "other"
    other.mkdir()
    fill_from_project(session, other, [])
    session.project_changed.emit()
    assert group.path == session.project.path
    assert group.path.parent == other


def test_a_folder_stays_chosen_when_another_project_is_open(session, group, plates, tmp_path):
    group.add(plates)
    other = tmp_path / "other"
    other.mkdir()
    fill_from_project(session, other, [])
    assert group.path == plates


def test_a_project_without_decisions_says_what_to_do(qtbot, group):
    qtbot.waitUntil(lambda: bool(group.error), timeout=20_000)
    assert "nothing has been judged in it yet" in group.error
    assert "say of what it finds whether it is a defect" in group.error
    assert group.text.text().startswith("Nothing has been judged in this project yet. Scan a section")
    assert group.odd.isHidden()  # no error: it is only not begun


def test_decisions_are_counted_as_what_they_are():
    box = Box(0, 0, 9, 9)
    marks = tuple(Mark(label, box) for label in ("pore", "pore", "crack", "scratch"))
    picture = LabelledPicture(Path("s.tif"), marks, "s.tif", (), (box,) * 2)
    text = decisions_text(LabelledData(Path("p.schliff"), "project", (picture,)), {"scratch"})
    assert text == "3 defects, 1 artefact, 2 false alarms in 1 section: Pore 2, Crack 1, Scratch 1."


def test_a_window_that_is_gone_hears_no_decisions(session, tmp_path, plates):
    fill_from_project(session, tmp_path, [])
    window = EvaluationWindow(session, list_them=lambda: [toy_spec()])
    window.show()
    window.data.add(plates)
    assert window.data.reading
    window.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.decisions_changed.emit([1])  # an error in a slot fails the test
    session.project_changed.emit()
    session.lanes.data.close()
    QApplication.processEvents()


def test_what_is_said_for_learning_is_not_said_for_judging(plates):
    from app.training.data_summary import summarise, summarise_to_judge

    def said(look) -> str:
        return "\n".join(look(plates, lambda step: None, CancelToken()).odd)

    assert "Fewer than 5 examples" in said(summarise)
    assert "Fewer than 5 examples" not in said(summarise_to_judge)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"groups": 4}, "Of 5 defects that it was not trained on it finds 60\u00a0%."),
        ({"groups": 1}, "Of 5 defects that it was trained on itself it finds 60\u00a0%."),
        (
            {"groups": 1, "validation_sections": ["b.tif"]},
            "Of 5 defects that it was not trained on it finds 60\u00a0%.",
        ),
        (None, "Of 5 defects that it was not trained on it finds 60\u00a0%."),
    ],
)
def test_it_is_said_what_a_model_was_judged_on(record, said):
    set_aside = {"groups": 3, "validation_sections": ["a.png"], "threshold_chosen_on": "validation"}
    told = learnt_text({"validation": {"defects": {"truth": 5, "recall": 0.6}}}, set_aside)
    assert told == [
        "Of 5 defects that it was not trained on it finds 60\u00a0%.",
        "Its best state and its threshold were chosen on these: on others it will do a little worse.",
    ]
    sentences = learnt_text({"validation": {"defects": {"truth": 5, "recall": 0.6}}}, record)
    assert sentences[0] == said
    assert ("elsewhere it will do worse" in sentences[-1]) == ("itself" in said)
