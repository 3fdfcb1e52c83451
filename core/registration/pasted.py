"""Decides what pasted text means as stage positions: a line for each, two numbers in it, however they are written."""

from __future__ import annotations

import math
import re

from core.errors import InputError

_APART = re.compile(r"[;\t ]+")


def number_in(text: str) -> float:
    """With a decimal point or a decimal comma. Raises ValueError saying what it isn't."""
    try:
        value = float(text.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()!r} is not a number")
    return value


def positions_in(text: str) -> list[tuple[float, float]]:
    """Blank lines are left out. Numbers stand apart by a tab, a semicolon or a space; by a comma where nothing else does.

    Raises InputError naming the line that isn't two numbers.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell.removesuffix(",") for cell in _APART.split(line.strip())]
        if len(cells) == 1:
            cells = cells[0].split(",")
        try:
            x, y = map(number_in, cells)
        except ValueError:
            raise InputError(
                f"line {number} of what was copied is not two numbers: {line.strip()[:40]!r}",
                remedy="Copy lines of two stage values each, or a CSV of fiducials.",
            ) from None
        found.append((x, y))
    return found
