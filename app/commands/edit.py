"""Decides what the Edit menu offers: taking back, doing again, finding."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands, gap

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("undo", "Undo", "undo", ("Ctrl+Z",), "undo", "Take back what was done last", "undo"),
    ActionSpec("redo", "Redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Do it again", "redo"),
    gap(),
    ActionSpec("find", "Find in the gallery", "find", ("Ctrl+F",), "search", needs="detections"),
    gap(),
    ActionSpec("settings", "Settings…", "show_settings", ("Ctrl+,",), tip="Memory and disk that Schliff may use"),
)


class EditCommands(Commands):
    """The handlers of `ACTIONS`."""

    def undo(self) -> None:
        self.session.undo()

    def redo(self) -> None:
        self.session.redo()

    def find(self) -> None:
        self.docks.bring("gallery")
        self.docks.gallery.focus_search()

    def show_settings(self) -> None:
        from app.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.settings, self.session, self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
