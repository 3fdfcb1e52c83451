"""Decides how `--set NAME=VALUE` is read."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import UsageError


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """The last value of each name. Raises UsageError for what is not NAME=VALUE."""
    return dict(_pair(text) for text in texts)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--set {text!r} is not NAME=VALUE", remedy="For example: --set epochs=20.")
    return name.strip(), value.strip()
