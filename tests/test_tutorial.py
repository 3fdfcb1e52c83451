"""The tutorial does what it says: its steps in a real window, by the code that draws its pictures."""

from __future__ import annotations

import re
from functools import partial

import pytest

from app import sample
from app.panels.explainer import Explainer
from core.explain_request import ExplainRequest, explain_request
from tests.tutorial import DOCS, PICTURES, STEPS, Hands, sections_of
from tests.window_support import open_window

pytestmark = pytest.mark.usefixtures("one_thread")
PAGE = "tutorial.md"
SMALL_PX = 1800
LARGEST, LARGEST_IN_ALL = 150_000, 1_500_000
_PICTURE = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")


@pytest.fixture
def here(monkeypatch):
    """A smaller sample, and no process beside this one."""
    from core.scan.executing import run_request

    def answer(self, question, progress, cancel):
        request = ExplainRequest.of(
            question.section.info.path, question.project.path, question.scan, question.detection, question.label
        )
        return explain_request(request, progress, cancel)

    monkeypatch.setattr("core.worker.supervisor.run_in_worker", run_request)
    monkeypatch.setattr(Explainer, "_ask_worker", answer)
    monkeypatch.setattr(sample, "sample_section", partial(sample.sample_section, size_px=SMALL_PX))


@pytest.mark.timeout(600)  # a network is loaded and computes
def test_what_the_tutorial_says_can_be_done(qapp, here):
    said = sections_of(PAGE)
    with open_window(qapp) as window:
        hands = Hands(window)
        for heading, step in STEPS.items():
            step(hands)
            told, hands.done = hands.done, []
            missing = [one for one in told if one not in said[heading]]
            assert not missing, f"“{heading}” doesn't say {missing}"
            assert said[heading].count("](pictures/") == len(hands.taken)
            assert [one for one in hands.taken if one not in said[heading]] == []
            hands.taken = []
        files = {path.name for path in window.session.project.path.parent.glob("defects.*")}
        assert files >= {"defects.html", "defects.csv"}


def test_each_step_stands_on_the_page_in_its_order():
    assert [heading for heading in sections_of(PAGE) if heading in STEPS] == list(STEPS)


def test_pictures_are_small_shown_and_none_is_left_over():
    shown = {link for page in DOCS.glob("*.md") for link in _PICTURE.findall(page.read_text("utf-8"))}
    files = {path.relative_to(DOCS).as_posix(): path.stat().st_size for path in PICTURES.iterdir()}
    assert shown == set(files)
    assert max(files.values()) <= LARGEST
    assert sum(files.values()) <= LARGEST_IN_ALL
