"""Decides what the menu under the right mouse button of the gallery offers for the selected crops."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QMenu, QWidget

from app.gallery.badges import status_icon
from core.detection import STATUS_NAMES, STATUSES, Status


def crop_menu(
    parent: QWidget,
    count: int,
    decide: Callable[[Status], None],
    fly: Callable[[], None],
    compare: Callable[[], None],
    scale_bars: bool,
    set_scale_bars: Callable[[bool], None],
) -> QMenu:
    """The menu for `count` selected crops; whoever shows it deletes it."""
    menu = QMenu(parent)
    if count:
        what = "" if count == 1 else f" ({count})"
        for status in STATUSES:
            action = menu.addAction(status_icon(status), STATUS_NAMES[status] + what)
            action.triggered.connect(lambda _=False, chosen=status: decide(chosen))
        menu.addSeparator()
        menu.addAction("Show in the section").triggered.connect(lambda _=False: fly())
        if count > 1:
            menu.addAction("Side by side…").triggered.connect(lambda _=False: compare())
        menu.addSeparator()
    bars = menu.addAction("Scale bars")
    bars.setCheckable(True)
    bars.setChecked(scale_bars)
    bars.toggled.connect(set_scale_bars)
    return menu
