"""Decides how the colour and name of a class reach Qt's widgets; which they are is decided by `core.class_colours`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QColor

from core.class_colours import class_hex, class_name

__all__ = ["class_colour", "class_colours", "class_name"]


_chosen: dict[str, str] = {}  # of the project that is open


def choose_colours(colours: Mapping[str, str]) -> None:
    """The colours "#rrggbb" that somebody chose in the open project; all other classes have their usual ones."""
    _chosen.clear()
    _chosen.update(colours)


def class_colours(labels: Sequence[str]) -> dict[str, QColor]:
    """A colour for each of a scan's labels."""
    return {label: QColor(_chosen.get(label, name)) for label, name in class_hex(labels).items()}


def class_colour(label: str, labels: Sequence[str] = ()) -> QColor:
    """The colour of one class among a scan's `labels`; without them, the one it gets when alone."""
    return class_colours(labels if label in labels else (*labels, label))[label]
