"""Decides what an action is: one record in a menu's table, and a method of that menu's commands that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.notifications import LogKeeper
    from app.session import Session
    from app.settings import Settings
    from app.theme import Theme
    from app.viewer.viewer import Viewer
    from app.window_docks import Docks

# What must be there before an action makes sense.
Needs = Literal[
    "nothing", "section", "project", "scan", "detections", "selection", "scanning", "scans", "training", "undo", "redo"
]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. `handler` is a method of its menu's commands; `checkable` ones get the new state.

    Of several shortcuts the first is shown in the menu. An empty `text` stands for a separator, a text that begins with
    "@" for a menu that `app.window_menus` fills. `submenu`: it stands in a menu of this name inside its own.
    """

    id: str
    text: str
    handler: str = ""
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    needs: Needs = "nothing"
    checkable: bool = False
    in_toolbar: bool = False
    submenu: str = ""


def gap() -> ActionSpec:
    return ActionSpec("", "")


@dataclass(frozen=True)
class Place:
    """Where commands work."""

    window: MainWindow
    session: Session
    docks: Docks
    settings: Settings
    theme: Theme
    log: LogKeeper


class Commands:
    """What the commands of every menu have: they ask for a file where one is needed, and hand the rest on."""

    def __init__(self, place: Place) -> None:
        self.window, self.session, self.docks = place.window, place.session, place.docks
        self.settings, self.theme, self.log = place.settings, place.theme, place.log

    @property
    def viewer(self) -> Viewer:
        return self.window.viewer
