"""Decides how much memory all caches of the program may use together, and who gets which share of it."""

from __future__ import annotations

import os
from typing import Literal

DEFAULT_SHARE_OF_RAM = 0.25
MOST_BY_DEFAULT = 4 << 30
LEAST = 256 << 20
BUDGET_VARIABLE = "SCHLIFF_MEMORY_BUDGET_MB"  # tells a process that works for this one what was chosen here

# What the shares are for: ready-to-draw tiles, decoded parts of files, tiles as read (for another look at 16-bit
# pixels), heat map tiles, thumbnails of the gallery.
Use = Literal["pictures", "decoded", "raw", "heat", "thumbnails"]

_SHARES: dict[Use, float] = {"pictures": 0.40, "decoded": 0.30, "raw": 0.12, "heat": 0.08, "thumbnails": 0.10}

_budget: int | None = None


def default_budget() -> int:
    """A quarter of the machine's memory, at most 4 GiB."""
    return max(LEAST, min(int(_memory_bytes() * DEFAULT_SHARE_OF_RAM), MOST_BY_DEFAULT))


def _memory_bytes() -> int:
    """Of the whole machine. Where the system tells by itself, loading psutil would keep the first picture waiting."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    import psutil

    return int(psutil.virtual_memory().total)


def budget() -> int:
    """Bytes that all caches may use together."""
    global _budget
    if _budget is None:
        told = os.environ.get(BUDGET_VARIABLE, "")
        _budget = max(LEAST, int(told) << 20) if told.isdecimal() else default_budget()
    return _budget


def set_budget(size: int) -> None:
    """Another budget, at least 256 MiB. Caches that are made from now on follow it."""
    global _budget
    _budget = max(LEAST, size)


def share(use: Use) -> int:
    """Bytes for one use; the shares of all uses add up to the budget."""
    return int(budget() * _SHARES[use])
