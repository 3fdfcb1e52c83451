"""Typed positions, views to go back to, and bookmarks, without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.navigation import History
from app.session_opening import Opened
from app.session_state import ViewState
from core.frames import StageTransform
from core.goto import Goal, Hint, understand
from core.project import Project
from tests.memory_section import MemorySection
from tests.toy import spotted_image, write_image

STAGE = StageTransform("pixel_to_stage", ((0.5, 0.0, 1000.0), (0.0, -0.5, 8000.0)))
INFO = MemorySection(np.zeros((4000, 6000, 1), np.uint8), stage=STAGE).info
PLAIN = replace(INFO, stage=StageTransform())


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("1200, 3400", (1200, 3400)),
        ("1200 3400", (1200, 3400)),
        ("1200,3400 px", (1200, 3400)),
        ("x 1200  y 3400 px", (1200, 3400)),
        ("12,5; 8,25", (12.5, 8.25)),
        ("12,5 8,25 px", (12.5, 8.25)),
        ("12.5; 8", (12.5, 8)),
        ("stage 1500.0, 7500.0 µm", (1000, 1000)),
        ("1500 7500 um", (1000, 1000)),
        ("1.5, 7.5 mm", (1000, 1000)),
        ("1,5 mm; 7,5 mm", (1000, 1000)),
        ("0, 0", (0, 0)),
        ("\0\n٣, ٤", (3, 4)),
    ],
)
def test_positions_are_understood_as_people_write_them(text, point):
    goal = understand(text, INFO)
    assert isinstance(goal, Goal)
    assert (goal.x_px, goal.y_px) == pytest.approx(point)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "two numbers"),
        ("12", "two numbers"),
        ("1, 2, 3", "two numbers"),
        ("a, b", "no unit"),
        ("10, 20 inches", "“inches” is no unit"),
        ("1 mm, 2000 µm", "same unit"),
        ("6000, 10", "outside the section, which has 6,000 × 4,000 px"),
        ("-1, 10", "outside"),
        ("0, 0 µm", "outside"),
        ("1e400, 2", "no unit"),
        (",", "two numbers"),
        ("--5, ++3", "two numbers"),
        ("9" * 400 + ", 1", "two numbers"),
    ],
)
def test_what_is_no_position_gets_a_hint(text, says):
    hint = understand(text, INFO)
    assert isinstance(hint, Hint)
    assert says in hint.text


def test_without_a_stage_lengths_count_from_the_corner_and_are_called_so():
    goal = understand("500, 250 µm", PLAIN)
    assert isinstance(goal, Goal)
    assert (goal.x_px, goal.y_px) == (1000, 500)
    assert "from the corner" in goal.text
    assert "Stage" not in goal.text
    nothing = understand("500, 250 µm", replace(PLAIN, pixel_size_um=None))
    assert isinstance(nothing, Hint)
    assert "in px" in nothing.text


def view(x: float, zoom: float = 1.0) -> ViewState:
    return ViewState(x, 0.0, zoom)


def test_back_and_forward_go_through_the_views():
    history = History()
    for x in (0, 1000, 2000):
        history.visit(view(x), 500)
    assert history.forward() is None
    assert history.back() == view(1000)
    assert history.back() == view(0)
    assert history.back() is None
    assert history.forward() == view(1000)


def test_a_new_way_forgets_what_lay_ahead():
    history = History()
    for x in (0, 1000, 2000):
        history.visit(view(x), 500)
    history.back()
    history.visit(view(5000), 500)
    assert history.forward() is None
    assert history.back() == view(1000)


def test_small_movements_are_no_other_place_and_the_list_stays_short():
    history = History()
    history.visit(view(0), 500)
    history.visit(view(1000), 500)
    history.visit(view(1030), 500)
    assert len(history) == 2
    assert history.back() == view(0)
    history.visit(view(10), 500)
    assert history.forward() == view(1030), "staying where one is keeps the way ahead"
    history.visit(view(1030, zoom=2.0), 500)
    assert len(history) == 3
    for x in range(1000):
        history.visit(view(x * 1000), 500)
    assert len(history) == 200


# -- bookmarks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def section(tmp_path):
    from core.readers.base import open_section

    return open_section(write_image(tmp_path / "spots.png", spotted_image(spots=3)))


def test_bookmarks_wait_for_a_project_and_are_kept_in_it(session, section, tmp_path):
    session.adopt(Opened(section))
    session.places.add(view(10))
    session.places.add(view(20), "the crack")
    assert [b.name for b in session.places.bookmarks] == ["Place 1", "the crack"]
    session.adopt(Opened(None))
    assert session.places.bookmarks == []
    session.adopt(Opened(section))
    assert [b.view.x_px for b in session.places.bookmarks] == [10, 20], "kept while the program runs"

    path = tmp_path / "spots.schliff"
    with Project.create(path) as project:
        record = project.add_section(section)
        session.adopt(Opened(section, project, record))
        session.places.move(1, 0)
        session.adopt(Opened(None))
    with Project.open(path) as project:
        session.adopt(Opened(section, project, record))
        assert [b.name for b in session.places.bookmarks] == ["the crack", "Place 1"]
        session.adopt(Opened(None))


def test_bookmarks_are_renamed_removed_put_back_and_numbered(session, section):
    session.adopt(Opened(section))
    places = session.places
    for x in (1, 2, 3):
        places.add(view(x))
    places.rename(0, "  ")
    places.rename(1, " seam ")
    places.remove(0)
    assert [b.name for b in places.bookmarks] == ["seam", "Place 3"]
    places.add(view(4))
    assert places.bookmarks[-1].name == "Place 4", "each name once"
    places.put_back()
    assert [b.name for b in places.bookmarks] == ["Place 1", "seam", "Place 3", "Place 4"]
    assert not places.can_put_back


def test_damaged_bookmarks_are_left_out(session, section, tmp_path):
    with Project.create(tmp_path / "p.schliff") as project:
        record = project.add_section(section)
        good = {"name": "good", "x_px": 1, "y_px": 2, "zoom": 0.5}
        project.set_state(f"places:{record.id}", [good, {"name": "bad"}, 7, {**good, "zoom": -1}])
        session.adopt(Opened(section, project, record))
        assert [b.name for b in session.places.bookmarks] == ["good"]
        project.set_state(f"places:{record.id}", "nonsense")
        session.adopt(Opened(section, project, record))
        assert session.places.bookmarks == []
        session.adopt(Opened(None))
