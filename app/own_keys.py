"""Decides how a list keeps keys for itself that the window has shortcuts on."""

from __future__ import annotations

from collections.abc import Container

from PySide6.QtCore import QEvent
from PySide6.QtGui import QKeyEvent


def keeps_key(event: QEvent, keys: Container[int]) -> bool:
    """For a widget's `event`: accepts one of its own `keys` before the window takes it as a shortcut; whether it did."""
    if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
        event.accept()
        return True
    return False
