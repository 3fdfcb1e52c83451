"""Decides which pages Schliff brings along and where they lie: `docs/` in a checkout, `resources/docs` where it is installed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import resources
from core.errors import ResourceError

PICTURES = "pictures"
_KEY = re.compile(r"<kbd>(.*?)</kbd>")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its file's name without the ending, and what a list of pages calls it."""

    name: str
    title: str


TUTORIAL = Page("tutorial", "Tutorial: ten minutes")
HOW_TO: tuple[Page, ...] = (
    Page("first-scan", "Scan your own section"),
    Page("without-labels", "Find what nobody labelled"),
    Page("train", "Train on your own defects"),
    Page("sem", "To the SEM and back"),
)
REFERENCE: tuple[Page, ...] = (
    Page("numbers", "What the numbers mean"),
    Page("bundled-models", "The models that come along"),
    Page("labelled-data", "Labelled data"),
    Page("command-line", "The command line"),
    Page("when-things-go-wrong", "When something goes wrong"),
)
DEVELOPERS: tuple[Page, ...] = (
    Page("add-a-reader", "Add a reader"),
    Page("add-a-model", "Add a model"),
    Page("add-an-exporter", "Add an exporter"),
)
SECTIONS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    ("Begin", (TUTORIAL,)),
    ("How to", HOW_TO),
    ("To look up", REFERENCE),
    ("For developers", DEVELOPERS),
)


def folder() -> Path:
    """Where the pages lie. Raises ResourceError when this installation has none."""
    packaged = Path(resources.__file__).parent
    for place in (packaged / "docs", packaged.parent / "docs"):
        if (place / f"{TUTORIAL.name}.md").is_file():
            return place
    raise ResourceError("the pages of the help are missing", path=packaged / "docs", remedy="Install Schliff again.")


def text_of(name: str) -> str:
    """A page's Markdown as Qt reads it: keys, which stand there as HTML, become code."""
    return _KEY.sub(r"`\1`", (folder() / f"{name}.md").read_text("utf-8"))


def known(name: str) -> bool:
    return any(page.name == name for _, pages in SECTIONS for page in pages)
