"""Decides what the View menu offers: how the section is looked at and what lies over it."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands, gap
from app.theme import ThemeMode

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("fit", "Fit section", "fit", ("F", "Home"), "fit", "Show the whole section", "section", in_toolbar=True),
    ActionSpec(
        "one_to_one",
        "One to one",
        "one_to_one",
        ("1",),
        "one-to-one",
        "One px of the section on each px of the screen",
        "section",
        in_toolbar=True,
    ),
    ActionSpec("zoom_in", "Zoom in", "zoom_in", ("+", "="), "zoom-in", needs="section", in_toolbar=True),
    ActionSpec("zoom_out", "Zoom out", "zoom_out", ("-",), "zoom-out", needs="section", in_toolbar=True),
    gap(),
    ActionSpec(
        "boxes",
        "Detections",
        "show_boxes",
        ("B",),
        "boxes",
        "Show or hide the boxes",
        "section",
        checkable=True,
        in_toolbar=True,
    ),
    ActionSpec(
        "heat",
        "Heat map",
        "show_heat",
        ("H",),
        "heat",
        "Show or hide the heat map",
        "section",
        checkable=True,
        in_toolbar=True,
    ),
    ActionSpec(
        "drive",
        "Drive path",
        "show_drive",
        ("Shift+D",),
        tip="The shortest way through the confirmed defects, or through all that are shown",
        needs="section",
        checkable=True,
    ),
    ActionSpec("minimap", "Minimap", "show_minimap", ("M",), "minimap", "Show or hide it", "section", checkable=True),
    gap(),
    ActionSpec(
        "compare",
        "Compare",
        "compare",
        ("C",),
        "compare",
        "The section beside itself under another display, or beside another section",
        "section",
        checkable=True,
    ),
    ActionSpec("compare_with", "Compare with another section…", "compare_with", ("Shift+C",), needs="section"),
    ActionSpec(
        "enhancements",
        "Enhancements on and off",
        "toggle_enhancements",
        ("Shift+E",),
        "eye",
        "What is for the eye only: sharpening, local contrast, evened-out camera tiles",
        "section",
    ),
    ActionSpec(
        "info", "Section info", "show_info", ("Ctrl+I",), "info", "All that is known of it; searchable", "section"
    ),
    ActionSpec(
        "read_again",
        "Read again",
        "read_again",
        ("F5",),
        tip="Try again to read what is hatched because it couldn't be read",
        needs="section",
    ),
    gap(),
    ActionSpec("", "@Panels"),
    ActionSpec("", "@Theme"),
    ActionSpec("fullscreen", "Full screen", "full_screen", ("F11",), checkable=True),
)


class ViewCommands(Commands):
    """The handlers of `ACTIONS`."""

    def fit(self) -> None:
        self.viewer.canvas.fit()

    def one_to_one(self) -> None:
        self.viewer.canvas.one_to_one()

    def read_again(self) -> None:
        self.viewer.provider.retry()

    def zoom_in(self) -> None:
        self.viewer.canvas.zoom_by(2**0.5)

    def zoom_out(self) -> None:
        self.viewer.canvas.zoom_by(0.5**0.5)

    def show_boxes(self, on: bool) -> None:
        self.session.set_layers(self.session.layers.styled("detections", visible=on))

    def show_heat(self, on: bool) -> None:
        self.session.set_layers(self.session.layers.styled("heat", visible=on))

    def show_drive(self, on: bool) -> None:
        self.session.set_layers(self.session.layers.styled("drive", visible=on))

    def show_minimap(self, on: bool) -> None:
        self.settings.set("minimap", on)
        self.viewer.show_minimap(on)

    def compare(self, on: bool) -> None:
        comparison = self.window.comparison
        (comparison.enter if on else comparison.leave)()

    def compare_with(self) -> None:
        self.window.comparison.ask_and_compare()

    def toggle_enhancements(self) -> None:
        """Where there is nothing to switch, the panel shows what there could be."""
        if self.session.looks.can_toggle:
            self.session.looks.toggle_enhancements()
        else:
            self.docks.bring("display")

    def show_info(self) -> None:
        from app.section_info import SectionInfoDialog

        section = self.session.section
        if section is not None:
            dialog = SectionInfoDialog(self.window, self.session, section.info)
            dialog.finished.connect(dialog.deleteLater)
            dialog.show()

    def full_screen(self, on: bool) -> None:
        if on:
            self.window.showFullScreen()
        else:
            self.window.showNormal()

    def set_theme(self, mode: ThemeMode) -> None:
        self.settings.set("theme", mode)
        self.theme.set_mode(mode)
