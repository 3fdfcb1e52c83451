"""Decides how the colour and name of a class reach Qt's widgets; which they are is decided by `core.class_colours`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtGui import QColor

from core.class_colours import class_hex, class_name

__all__ = ["class_colour", "class_colours", "class_name"]


_chosen: dict[str, str] = {}  # of the project that is open
_called: dict[str, str] = {}


def choose_colours(colours: Mapping[str, str], called: Mapping[str, str]) -> None:
    """The colours "#rrggbb" that somebody chose in the open project, and what its classes are `called` now; all other
    classes have their usual ones."""
    for kept, now in ((_chosen, colours), (_called, called)):
        kept.clear()
        kept.update(now)


def class_colours(labels: Sequence[str]) -> dict[str, QColor]:
    """A colour for each of a scan's labels."""
    return {label: QColor(name) for label, name in class_hex(labels, _chosen).items()}


def class_colour(label: str, labels: Sequence[str] = ()) -> QColor:
    """The colour of one class among a scan's `labels`; without them, the one it gets when alone."""
    return class_colours(labels if label in labels else (*labels, label))[label]


def drawn_colour(label: str) -> QColor:
    """The colour of what was drawn as `label`, whatever that class is called now."""
    return class_colour(_called.get(label, label))
