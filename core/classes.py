"""Decides what a project calls the classes of its detections, and in which colours: its table of classes.

A class is renamed or merged into another one by the table alone: what models said and people decided stays as it was, and
is read under the new name, also what comes later. Taking a row out of the table brings the old class back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.errors import UsageError
from core.truth import ARTEFACT_CLASSES

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
LONGEST_NAME = 60


@dataclass(frozen=True)
class ClassTable:
    """`called`: what a class is called now, by what was said; `colours`: "#rrggbb" of classes as they are called now;
    `added`: classes that no model of the project knows, in the order they came."""

    called: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    def shown(self, label: str) -> str:
        """What a class is called now."""
        return self.called.get(label, label)

    def ordered(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Classes as they are called now, each once, with the `added` ones after them."""
        return tuple(dict.fromkeys((*map(self.shown, labels), *map(self.shown, self.added))))

    def artefacts(self, labels: Iterable[str] = (), artefact_labels: Iterable[str] = ()) -> frozenset[str]:
        """What traces of preparation are called now: a model's own (`artefact_labels` of its `labels`) and those that every
        project knows. A name that a class of defects has too, as the two were merged, is none."""
        said = ARTEFACT_CLASSES.union(artefact_labels)
        defects = {self.shown(label) for label in labels if label not in said}
        return ARTEFACT_CLASSES.union(map(self.shown, said)) - defects

    # -- changing it: each returns another table ------------------------------------------------------------------

    def renamed(self, label: str, name: str) -> ClassTable:
        """With one class (as it is called now) called otherwise; where there is one of that name, the two are one now.

        Raises UsageError for what is no name.
        """
        name = checked_name(name)
        if name == label:
            return self
        called = {old: name if new == label else new for old, new in self.called.items()} | {label: name}
        called.pop(name, None)  # a class that was called otherwise has its own name again
        colours = dict(self.colours)
        own = colours.pop(label, None)
        if own is not None:
            colours.setdefault(name, own)
        return replace(self, called={old: new for old, new in called.items() if old != new}, colours=colours)

    def merged(self, labels: Iterable[str], into: str) -> ClassTable:
        """With several classes called as one of them, or by a new name."""
        table = self
        for label in labels:
            table = table.renamed(label, into)
        return table

    def restored(self, said: str) -> ClassTable:
        """With one class called as it was said again."""
        return replace(self, called={old: new for old, new in self.called.items() if old != said})

    def coloured(self, label: str, colour: str | None) -> ClassTable:
        """With a colour of its own for a class, "#rrggbb"; None: the usual one. Raises UsageError for what is no colour."""
        if colour is not None and not _COLOUR.fullmatch(colour):
            raise UsageError(f"{colour!r} is no colour", remedy="Write it as #rrggbb.")
        colours = {name: own for name, own in self.colours.items() if name != label}
        return replace(self, colours=colours if colour is None else colours | {label: colour.upper()})

    def with_class(self, name: str) -> ClassTable:
        """With one more class to choose. Raises UsageError for what is no name."""
        name = checked_name(name)
        return self if name in self.added else replace(self, added=(*self.added, name))

    # -- keeping it -----------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        return {"called": dict(self.called), "colours": dict(self.colours), "added": list(self.added)}

    @classmethod
    def from_json(cls, stored: Any) -> ClassTable:
        """What doesn't look like a part of it is left out: a class is then called as it was said."""
        stored = stored if isinstance(stored, dict) else {}
        called, colours, added = stored.get("called"), stored.get("colours"), stored.get("added")
        return cls(
            {k: v for k, v in called.items() if isinstance(v, str) and v} if isinstance(called, dict) else {},
            {k: v for k, v in colours.items() if isinstance(v, str) and _COLOUR.fullmatch(v)}
            if isinstance(colours, dict)
            else {},
            tuple(one for one in added if isinstance(one, str) and one) if isinstance(added, list) else (),
        )


def checked_name(name: str) -> str:
    """A class's name as it is stored. Raises UsageError for none, or one that is too long."""
    name = re.sub(r"\s+", "_", name.strip())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"{name[:20]!r} is no name of a class", remedy=f"Write 1 to {LONGEST_NAME} letters.")
    return name
