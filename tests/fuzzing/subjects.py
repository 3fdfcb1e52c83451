"""Decides what is fuzzed: for each format sound files to begin with, and what Schliff does with such a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import SchliffError
from tests.fuzzing.mutations import mutate


@dataclass(frozen=True)
class Subject:
    """A format.

    Args:
        write: sound files or folders, made in an empty folder.
        use: what Schliff does with one of them; raises what it raises.
        mutate: damages one of them in place.
    """

    id: str
    write: Callable[[Path], list[Path]]
    use: Callable[[Path], None]
    mutate: Callable[[Path, random.Random], None] = mutate


def raise_first(steps: Sequence[Callable[[], object]]) -> None:
    """Does all steps, so that one refusal hides nothing, and raises the first one's SchliffError."""
    trouble: list[SchliffError] = []
    for step in steps:
        try:
            step()
        except SchliffError as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]


def subjects() -> dict[str, Subject]:
    """All of them, by id."""
    from tests.fuzzing import codecs, folders, sections, tables

    return {one.id: one for one in (*sections.SUBJECTS, *tables.SUBJECTS, *folders.SUBJECTS, *codecs.SUBJECTS)}
