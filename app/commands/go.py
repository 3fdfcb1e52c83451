"""Decides what the Go menu offers: places by number, by name, and those where one has been."""

from __future__ import annotations

from functools import partialmethod
from typing import TYPE_CHECKING

from app.commands.base import ActionSpec, Commands, gap

if TYPE_CHECKING:
    from app.navigation import Navigator
    from app.session_state import ViewState

ZOOM_LEVELS = "Zoom levels"
LEVELS = {str(key): 2 ** (key - 1) for key in range(2, 10)} | {"0": 512}

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("back", "Back", "back", ("Alt+Left", "Back"), "back", "The view before", "section"),
    ActionSpec("forward", "Forward", "forward", ("Alt+Right", "Forward"), "forward", "The view after", "section"),
    gap(),
    ActionSpec(
        "goto", "Go to position…", "go_to_position", ("Ctrl+G",), "target", "Pixels, or µm on the stage", "section"
    ),
    gap(),
    ActionSpec(
        "bookmark", "Bookmark this view", "add_bookmark", ("Ctrl+B",), "bookmark", "Keep it under a name", "section"
    ),
    ActionSpec("", "@Bookmarks"),
    ActionSpec("places", "Places panel", "show_places", tip="Name, order and remove bookmarks", needs="section"),
    gap(),
    *(
        ActionSpec(
            f"level_{key}",
            f"Zoom to 1:{downsample}",
            f"zoom_to_level_{key}",
            (key,),
            tip=f"{downsample} px of the section on each px of the screen",
            needs="section",
            submenu=ZOOM_LEVELS,
        )
        for key, downsample in LEVELS.items()
    ),
)


class GoCommands(Commands):
    """The handlers of `ACTIONS`."""

    _one_to_one = True

    @property
    def navigator(self) -> Navigator:
        return self.window.navigator

    def back(self) -> None:
        self.navigator.back()

    def forward(self) -> None:
        self.navigator.forward()

    def go_to_position(self) -> None:
        from app.goto_dialog import GotoDialog

        section = self.session.section
        if section is not None:
            dialog = GotoDialog(self.window, section.info, one_to_one=self._one_to_one)
            dialog.chosen.connect(self._go_to)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def add_bookmark(self) -> None:
        view = self.navigator.view
        if view is not None:
            bookmark = self.session.places.add(view)
            self.session.message.emit(
                "info", f"Bookmarked as “{bookmark.name}”. Go ▸ Places panel names and orders them."
            )

    def go_to_bookmark(self, view: ViewState) -> None:
        self.navigator.go(view)

    def show_places(self) -> None:
        self.docks.bring("places")

    def _zoom_to(self, downsample: int) -> None:
        self.navigator.zoom_to(downsample)

    zoom_to_level_2 = partialmethod(_zoom_to, 2)
    zoom_to_level_3 = partialmethod(_zoom_to, 4)
    zoom_to_level_4 = partialmethod(_zoom_to, 8)
    zoom_to_level_5 = partialmethod(_zoom_to, 16)
    zoom_to_level_6 = partialmethod(_zoom_to, 32)
    zoom_to_level_7 = partialmethod(_zoom_to, 64)
    zoom_to_level_8 = partialmethod(_zoom_to, 128)
    zoom_to_level_9 = partialmethod(_zoom_to, 256)
    zoom_to_level_0 = partialmethod(_zoom_to, 512)

    def _go_to(self, x_px: float, y_px: float, one_to_one: bool) -> None:
        self._one_to_one = one_to_one
        self.navigator.go_to_point(x_px, y_px, one_to_one=one_to_one)
