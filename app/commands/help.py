"""Decides what the Help menu offers."""

from __future__ import annotations

from functools import partialmethod

from app.commands.base import ActionSpec, Commands, gap
from app.help.pages import HOW_TO, REFERENCE, TUTORIAL
from app.window_dialogs import about_dialog

_PAGES = (*HOW_TO, *REFERENCE)

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("tutorial", TUTORIAL.title, "show_tutorial", tip="From a sample to a list of its worst defects"),
    *(ActionSpec(f"page_{page.name}", page.title, f"show_page_{page.name}", submenu="How to") for page in HOW_TO),
    *(ActionSpec(f"page_{page.name}", page.title, f"show_page_{page.name}", submenu="Look up") for page in REFERENCE),
    ActionSpec(
        "tour", "Show me around", "show_tour", tip="Five steps through the window, from opening to handing over"
    ),
    ActionSpec("shortcuts", "Keyboard shortcuts", "show_shortcuts", ("F1", "?"), "keyboard"),
    gap(),
    ActionSpec(
        "log",
        "Log",
        "show_log",
        icon="log",
        tip="What happened since the start; to copy, or to save as one file and send",
    ),
    ActionSpec("about", "About Schliff", "show_about", icon="info"),
)


class HelpCommands(Commands):
    """The handlers of `ACTIONS`."""

    def show_tutorial(self) -> None:
        self.show_page(TUTORIAL.name)

    def show_page(self, name: str) -> None:
        """In the window of the pages that is open already, else in a new one."""
        from app.help.window import HelpWindow
        from core.errors import SchliffError

        shown = self.window.findChild(HelpWindow) or HelpWindow(self.window)
        try:
            shown.open_page(name)
        except SchliffError as error:
            shown.close()
            self.session.report(error)
            return
        shown.show()
        shown.raise_()
        shown.activateWindow()

    def show_tour(self) -> None:
        from app.help.tour import begin_tour

        begin_tour(self.window)

    def show_shortcuts(self) -> None:
        from app.commands.table import MENUS  # which has this module in it
        from app.help.shortcuts import ShortcutsDialog

        ShortcutsDialog(self.window, MENUS, self.window.menus.actions).show()

    def show_log(self) -> None:
        from app.log_dialog import LogDialog

        file = self.log.file
        LogDialog(self.window, list(self.log.lines), file.path if file else None).show()

    def show_about(self) -> None:
        about_dialog(self.window).show()


for _page in _PAGES:
    setattr(HelpCommands, f"show_page_{_page.name}", partialmethod(HelpCommands.show_page, _page.name))
