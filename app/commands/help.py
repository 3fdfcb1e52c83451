"""Decides what the Help menu offers."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands, gap
from app.window_dialogs import about_dialog, log_dialog, shortcuts_dialog

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("shortcuts", "Keyboard shortcuts", "show_shortcuts", ("F1", "?"), "keyboard"),
    ActionSpec("log", "Log", "show_log", icon="log", tip="What happened since the start, and the files that say it"),
    gap(),
    ActionSpec("about", "About Schliff", "show_about", icon="info"),
)


class HelpCommands(Commands):
    """The handlers of `ACTIONS`."""

    def show_shortcuts(self) -> None:
        from app.commands.table import MENUS  # which has this module in it

        shortcuts_dialog(self.window, MENUS).show()

    def show_log(self) -> None:
        file = self.log.file
        log_dialog(self.window, list(self.log.lines), file.path if file else None).show()

    def show_about(self) -> None:
        about_dialog(self.window).show()
