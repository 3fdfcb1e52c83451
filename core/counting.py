"""Decides how a number of things is said."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """As "1 scan", "1,200 scans"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
