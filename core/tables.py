"""Decides how tables are exchanged with others: CSV read with commas, semicolons or tabs, within bounds, errors with their
line; and cells written so that no spreadsheet runs them."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.errors import InputError

MAX_BYTES = 64 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line by column name, cells stripped. `text` and `number` raise ValueError, to be told with the line."""

    values: Mapping[str, str]
    decimal_commas: bool

    def text(self, column: str) -> str:
        """Never empty."""
        value = self.values.get(column, "")
        if not value:
            raise ValueError(f"the {column} is empty")
        return value

    def number(self, column: str) -> float:
        """Always finite."""
        text = self.values.get(column, "")
        try:
            value = float(text.replace(",", ".") if self.decimal_commas else text)
        except ValueError:
            raise ValueError(f"{column} is {text!r}, not a number") from None
        if not math.isfinite(value):
            raise ValueError(f"{column} is {text!r}, not a number")
        return value


def harmless(cell: str | float) -> str | float:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it.

    What begins like one: OWASP, "CSV Injection".
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def table_text(path: Path, what: str) -> str:
    """A table file's text. `what`: as "a truth", for errors. Raises InputError for a file that can't be one."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{what} of more than {MAX_BYTES >> 20} MB", path=path, remedy="Is this the right file?")
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file", path=path, remedy="Check the name.") from None
    except OSError as error:
        raise InputError(f"can't be read ({error.strerror or error})", path=path, remedy="Check the file.") from None
    except UnicodeDecodeError:
        raise InputError("it is not a CSV text file", path=path, remedy="Save it as CSV in UTF-8.") from None


def header_of(text: str) -> list[str]:
    """The names of the columns, stripped; none where the first line is no such one."""
    first = text.splitlines()[:1]
    try:
        return [name.strip() for name in next(csv.reader(first, delimiter=separator_of(text)), [])]
    except csv.Error:
        return []


def parse_rows(text: str, columns: Sequence[str], parse: Callable[[Row], T], path: Path | None, remedy: str) -> list[T]:
    """`parse` of every line that isn't blank. With semicolons or tabs between cells, numbers may have decimal commas.

    Raises InputError naming the line: where one of `columns` is missing, `parse` raises ValueError, or the text was cut off.
    """
    mark = separator_of(text)
    lines = text.splitlines()
    last = len(lines) if text and not text.endswith(("\n", "\r")) else 0  # of a text that may have been cut off
    reader = csv.reader(lines, delimiter=mark)
    found: list[T] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in names]
        if missing:
            raise InputError(f"line 1: no column {missing[0]!r}", path=path, remedy=remedy)
        for cells in reader:
            values = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
            if reader.line_num == last and len(cells) < len(names):
                raise ValueError("it ends in the middle of this line")
            if any(values.values()):
                found.append(parse(Row(values, mark != ",")))
    except csv.Error:
        raise InputError("it is not a CSV text file", path=path, remedy=remedy) from None
    except ValueError as error:
        raise InputError(f"line {reader.line_num}: {error}", path=path, remedy=remedy) from None
    return found


def separator_of(text: str) -> str:
    """What stands between cells."""
    head = text.split("\n", 1)[0]
    return max((",", ";", "\t"), key=head.count)
