"""Decides how everything that a file says of itself becomes one tree of names and values, whatever its format.

Nothing here is needed to read pixels. The tree is bounded, so that no file can make a window wait; what can't be read
says so in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import CancelledError
from core.jobs import CancelToken

MOST_NODES = 40_000
MOST_TEXT = 4_000
MOST_DEPTH = 40
_MOST_JSON_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing the file says, and what it says below that."""

    name: str
    value: str = ""
    children: tuple[Detail, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Detail]]:
        """This one and all below it, with their depths."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


class Budget:
    """How much a tree may still grow; asks whether to stop on the way."""

    def __init__(self, cancel: CancelToken, most: int = MOST_NODES) -> None:
        self._cancel, self.left = cancel, most

    def take(self) -> bool:
        """Whether one more node fits. Raises CancelledError."""
        self.left -= 1
        if self.left % 512 == 0:
            self._cancel.check()
        return self.left > 0


def details(path: str | Path, cancel: CancelToken | None = None) -> Detail:
    """All metadata of a section file or folder. Never raises for what the file holds; raises CancelledError."""
    from core.readers.details_sources import sources_of

    path, budget = Path(path), Budget(cancel or CancelToken())
    children = [part for name, read in sources_of(path) for part in _told(name, read, budget)]
    if budget.left <= 0:
        children.append(Detail("There is more", f"only the first {MOST_NODES:,} entries are shown"))
    return Detail(path.name, "", tuple(children))


def as_text(root: Detail) -> str:
    """One line for each entry, indented by its depth."""
    lines = []
    for depth, detail in root.walk():
        value = detail.value.replace("\r", "").replace("\n", "\n" + "  " * (depth + 2))
        lines.append("  " * depth + (f"{detail.name}: {value}" if value else detail.name))
    return "\n".join(lines) + "\n"


def search(root: Detail, text: str) -> tuple[Detail, int]:
    """The tree with only those that have every word of `text` in their name or value, and what they stand under and
    over; and how many have."""
    words = text.lower().split()
    if not words:
        return root, sum(1 for _ in root.walk()) - 1
    found = [_search(child, words) for child in root.children]
    return Detail(root.name, root.value, tuple(d for d, _ in found if d is not None)), sum(n for _, n in found)


def _search(detail: Detail, words: Sequence[str]) -> tuple[Detail | None, int]:
    told = f"{detail.name}\n{detail.value}".lower()
    matches = all(word in told for word in words)
    below = [_search(child, words) for child in detail.children]
    count = int(matches) + sum(n for _, n in below)
    if matches:
        return detail, count
    return (Detail(detail.name, detail.value, tuple(d for d, _ in below if d is not None)) if count else None), count


def cut(text: object) -> str:
    """A value as text that fits on a screen."""
    whole = str(text).strip()
    return whole if len(whole) <= MOST_TEXT else f"{whole[:MOST_TEXT]}… ({len(whole):,} characters)"


def tree_of(name: str, value: Any, budget: Budget, depth: int = 0) -> Detail:
    """Mappings and lists as they come from JSON or from a parser of tags."""
    items: Sequence[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        items = [(f"[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, list | tuple):
        value = ", ".join(str(item) for item in value[:64]) + (f", … ({len(value):,})" if len(value) > 64 else "")
    if depth >= MOST_DEPTH:
        return Detail(name, cut(value))
    children = []
    for key, item in items:
        if not budget.take():
            break
        children.append(tree_of(key, item, budget, depth + 1))
    return Detail(name, "" if items or isinstance(value, Mapping) else cut(value), tuple(children))


def json_file(path: Path, budget: Budget) -> Detail:
    if path.stat().st_size > _MOST_JSON_BYTES:
        return Detail(path.name, "too large to be shown")
    return tree_of(path.name, json.loads(path.read_bytes()), budget)


Read = Callable[[Budget], Sequence[Detail]]


def _told(name: str, read: Read, budget: Budget) -> Sequence[Detail]:
    """What a source says; or that it can't be read."""
    try:
        return read(budget)
    except CancelledError:
        raise
    except Exception as error:  # whatever damaged metadata trips in a parser
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        return [Detail(name, f"can't be read ({reason})")]
