"""What the pages name is there: every menu, every key, and on the pages that lead by the hand every button and choice."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractButton, QComboBox, QDockWidget, QLabel, QTabBar

from app.commands.table import MENUS
from app.evaluation.window import EvaluationWindow
from app.export_dialog import Choice, ExportDialog
from app.help.pages import DEVELOPERS, HOW_TO, REFERENCE, SECTIONS, TUTORIAL, folder
from app.help.shortcuts import groups_of
from app.help.tour import STEPS
from app.training.data_group import PROJECT_CHOICE
from app.window_docks import DOCKS
from core.detection import STATUS_NAMES
from core.export.base import exporters
from core.train.trainers import trainers
from tests.tutorial import DOCS, entry_of, uncounted
from tests.window_support import open_window

GUIDES = [page.name for page in (TUTORIAL, *HOW_TO)]
ALL = sorted(path.stem for path in DOCS.glob("*.md"))
HELD = {"Shift", "Ctrl", "Alt"}  # with a drag or a click
_MENU = re.compile(r"(?<!\*)\*([A-Z][^*]*? ▸ [^*]+?)\*(?!\*)")
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
_KEY = re.compile(r"<kbd>(.*?)</kbd>")


def text_of(name: str) -> str:
    return " ".join((DOCS / f"{name}.md").read_text("utf-8").split())


@pytest.fixture(scope="module")
def shown(qapp, tmp_path_factory):
    """Menus, keys and texts of a window that shows a scanned section, with every panel."""
    from tests.gallery_support import fill, some_detections

    with pytest.MonkeyPatch.context() as patch, open_window_in(patch, qapp, tmp_path_factory) as window:
        fill(window.session, some_detections())
        panels = [window.docks.panel(spec.id) for spec in DOCKS]
        choices = [Choice(name.lower(), 1, (status,)) for status, name in STATUS_NAMES.items()]
        dialogs = [ExportDialog(window, spec, ("pixel", "stage", "sem"), choices) for spec in exporters()]
        dialogs.append(EvaluationWindow(window.session, window))
        texts = {text for widget in (window, *panels, *dialogs) for text in texts_in(widget)}
        texts |= {trainer.name for trainer in trainers().values()}
        texts |= {spec.title for spec in DOCKS} | {PROJECT_CHOICE}
        keys = {
            part
            for group in groups_of(MENUS, window.menus.actions).values()
            for one in group
            for part in re.split(r" or |, | to ", one.keys)
        }
        keys |= {as_shown(key) for specs in MENUS.values() for spec in specs for key in spec.shortcuts}
        yield window, texts, keys
        for dialog in dialogs:
            dialog.close()


def open_window_in(patch, qapp, tmp_path_factory):
    patch.setenv("SCHLIFF_HOME", str(tmp_path_factory.mktemp("home")))
    return open_window(qapp)


def texts_in(widget):
    for one in (widget, *widget.findChildren(object)):
        if isinstance(one, QAbstractButton | QLabel):
            yield one.text()
        elif isinstance(one, QComboBox):
            yield from (uncounted(one.itemText(row)) for row in range(one.count()))
        elif isinstance(one, QTabBar):
            yield from (one.tabText(at) for at in range(one.count()))
        elif isinstance(one, QDockWidget):
            yield one.windowTitle()


@pytest.mark.parametrize("name", ALL)
def test_every_menu_that_is_named_is_there(shown, name):
    window, _, _ = shown
    for path in _MENU.findall(text_of(name)):
        entry_of(window.menuBar().actions(), tuple(path.split(" ▸ ")))


@pytest.mark.parametrize("name", ALL)
def test_every_key_that_is_named_does_something(shown, name):
    _, _, keys = shown
    named = [as_shown(key) for key in _KEY.findall(text_of(name))]
    assert [key for key in named if key not in keys | HELD] == []


@pytest.mark.parametrize("name", GUIDES)
def test_every_button_and_choice_that_is_named_is_there(shown, name):
    _, texts, _ = shown
    assert [one for one in _BOLD.findall(text_of(name)) if one not in texts] == []


def test_the_tour_names_what_is_there(shown):
    window, texts, keys = shown
    for step in STEPS:
        for path in re.findall(r"<i>(.*?)</i>", step.text):
            entry_of(window.menuBar().actions(), tuple(path.split(" ▸ ")))
        assert [one for one in re.findall(r"<b>(.*?)</b>", step.text) if one not in texts | keys] == []


def test_the_readme_names_menus_and_keys_that_are_there(shown):
    window, _, keys = shown
    text = " ".join((DOCS.parent / "README.md").read_text("utf-8").split())
    for path in _MENU.findall(text):
        entry_of(window.menuBar().actions(), tuple(path.split(" ▸ ")))
    assert [key for key in map(as_shown, _KEY.findall(text)) if key not in keys] == []


def test_the_help_lists_every_page_and_the_index_links_to_each():
    listed = {page.name for _, pages in SECTIONS for page in pages}
    assert listed == set(ALL) - {"README"}
    assert listed == {page.name for page in (TUTORIAL, *HOW_TO, *REFERENCE, *DEVELOPERS)}
    index = (DOCS / "README.md").read_text("utf-8")
    assert [name for name in listed if f"({name}.md)" not in index] == []
    assert folder() == DOCS


def test_links_of_the_pages_stay_among_them():
    """In the program there is nothing but the pages and their pictures."""
    links = [link for name in ALL for link in re.findall(r"\]\(([^)#:]+)\)", (DOCS / f"{name}.md").read_text("utf-8"))]
    assert [link for link in links if ".." in link] == []


def as_shown(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) if "+" in key else key
