"""Decides which menus there are, in their order, and holds the commands of all of them."""

from __future__ import annotations

from app.commands import edit, file, go, help, review, scan, tools, train, view
from app.commands.base import ActionSpec, Place

MENUS: dict[str, tuple[ActionSpec, ...]] = {
    "File": file.ACTIONS,
    "Edit": edit.ACTIONS,
    "View": view.ACTIONS,
    "Go": go.ACTIONS,
    "Tools": tools.ACTIONS,
    "Scan": scan.ACTIONS,
    "Train": train.ACTIONS,
    "Review": review.ACTIONS,
    "Help": help.ACTIONS,
}


class CommandSet:
    """The commands of all menus, each under the menu's name in lower case."""

    def __init__(self, place: Place) -> None:
        self.file = file.FileCommands(place)
        self.edit = edit.EditCommands(place)
        self.view = view.ViewCommands(place)
        self.go = go.GoCommands(place)
        self.tools = tools.ToolsCommands(place)
        self.scan = scan.ScanCommands(place)
        self.train = train.TrainCommands(place)
        self.review = review.ReviewCommands(place)
        self.help = help.HelpCommands(place)
