"""Decides what becomes of a stored value that isn't what Schliff stores: an error of the database, told with its file where
the database is read (`core.disk`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

# What values of other types and shapes trip, where they are taken for what they should be.
_TRIPPED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@contextmanager
def as_stored() -> Iterator[None]:
    """For a block, or as a decorator of a function, that turns stored values into others within `Database.reading`."""
    try:
        yield
    except _TRIPPED as error:
        raise sqlite3.DataError(f"a stored value is damaged: {error}") from error
