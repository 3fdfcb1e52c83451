"""Decides what the menu under the right mouse button of the gallery offers for the selected crops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QMenu, QWidget

from app.class_colours import class_colours
from app.gallery.badges import chip_icon, status_icon
from core.class_colours import class_name
from core.detection import STATUS_NAMES, STATUSES, Detection, Status


@dataclass(frozen=True)
class CropMenuActions:
    """What the menu can do with what is selected. `decide`: a status, a class, or both."""

    decide: Callable[[Status | None, str | None], None]
    fly: Callable[[], None]
    compare: Callable[[], None]
    join: Callable[[], None]
    split: Callable[[], None]
    delete: Callable[[], None]
    set_scale_bars: Callable[[bool], None]


def crop_menu(
    parent: QWidget, chosen: Sequence[Detection], classes: Sequence[str], actions: CropMenuActions, scale_bars: bool
) -> QMenu:
    """The menu for the selected crops; `classes`: to choose from, by number key. Whoever shows it deletes it."""
    menu = QMenu(parent)
    if chosen:
        what = "" if len(chosen) == 1 else f" ({len(chosen)})"
        for status in STATUSES:
            action = menu.addAction(status_icon(status), STATUS_NAMES[status] + what)
            action.triggered.connect(lambda _=False, chosen=status: actions.decide(chosen, None))
        _add_classes(menu.addMenu(f"Class{what}"), classes, actions)
        menu.addSeparator()
        menu.addAction("Show in the section").triggered.connect(lambda _=False: actions.fly())
        if len(chosen) > 1:
            menu.addAction("Side by side…").triggered.connect(lambda _=False: actions.compare())
            menu.addAction(f"Join into one{what}").triggered.connect(lambda _=False: actions.join())
        if any(one.source == "joined" for one in chosen):
            menu.addAction("Take apart").triggered.connect(lambda _=False: actions.split())
        if any(one.is_drawn for one in chosen):
            menu.addAction("Delete what was drawn").triggered.connect(lambda _=False: actions.delete())
        menu.addSeparator()
    bars = menu.addAction("Scale bars")
    bars.setCheckable(True)
    bars.setChecked(scale_bars)
    bars.toggled.connect(actions.set_scale_bars)
    return menu


def _add_classes(menu: QMenu, classes: Sequence[str], actions: CropMenuActions) -> None:
    colours = class_colours(tuple(classes))
    for number, label in enumerate(classes, 1):
        key = f"\t{number}" if number <= 9 else ""
        action = menu.addAction(chip_icon(colours[label]), f"{class_name(label)}{key}")
        action.triggered.connect(lambda _=False, chosen=label: actions.decide(None, chosen))
    menu.setEnabled(bool(classes))
