"""Decides what becomes of a stored value that isn't what Schliff stores: an error of the database, told with its file where
the database is read (`core.disk`)."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

# What values of other types and shapes trip, where they are taken for what they should be.
_TRIPPED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)

# Of any number: far beyond what Schliff counts or measures, and small enough to be reckoned with.
LARGEST = 1e12


@contextmanager
def as_stored() -> Iterator[None]:
    """For a block, or as a decorator of a function, that turns stored values into others within `Database.reading`."""
    try:
        yield
    except _TRIPPED as error:
        raise sqlite3.DataError(f"a stored value is damaged: {error}") from error


def number(value: Any) -> float:
    """A stored number as it is: a column of SQLite may hold a value of any type. Raises ValueError for what is none, or
    beyond all measure."""
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > LARGEST:
        raise ValueError(f"{str(value)[:40]!r} is no number")
    return value


def check_texts(values: Iterable[Any]) -> None:
    """Raises ValueError where one is no text."""
    if not set(map(type, values)) <= {str}:
        raise ValueError("bytes or numbers in place of a text")


def check_ids(values: Iterable[Any]) -> None:
    """Raises ValueError where one is neither a whole number nor missing."""
    if not set(map(type, values)) <= {int, type(None)}:
        raise ValueError("a text or bytes in place of a number")
