"""Decides what the user can do by menu, key or button: one table of records. What each does is in `app.window_commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# What must be there before an action makes sense.
Needs = Literal["nothing", "section", "project", "detections", "selection", "scanning", "idle_section", "undo", "redo"]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action. `handler` is a method of `app.window_commands.Commands`; `checkable` ones get the new state.

    Of several shortcuts the first is shown in the menu. An empty `text` stands for a separator, a text that begins with
    "@" for a menu that `app.window_menus` fills.
    """

    id: str
    menu: str
    text: str
    handler: str = ""
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    needs: Needs = "nothing"
    checkable: bool = False
    in_toolbar: bool = False


def _gap(menu: str) -> ActionSpec:
    return ActionSpec("", menu, "")


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "open", "File", "Open section…", "open_section", ("Ctrl+O",), "open", "Open a section file", in_toolbar=True
    ),
    ActionSpec(
        "open_folder",
        "File",
        "Open project or folder…",
        "open_folder",
        ("Ctrl+Shift+O",),
        "project",
        "Open a .schliff project or an OME-Zarr folder",
    ),
    ActionSpec("", "File", "@Recent"),
    ActionSpec(
        "sample", "File", "Try the sample", "try_sample", icon="sample", tip="Make a sample section and open it"
    ),
    ActionSpec("close", "File", "Close section", "close_section", ("Ctrl+W",), "close", needs="section"),
    _gap("File"),
    ActionSpec("", "File", "@Export"),
    ActionSpec(
        "screenshot",
        "File",
        "Save picture of the view…",
        "save_picture",
        ("Ctrl+Shift+S",),
        "camera",
        "Save what the view shows, with boxes and scale bar",
        needs="section",
    ),
    ActionSpec("copy_picture", "File", "Copy picture of the view", "copy_picture", ("Ctrl+Shift+C",), needs="section"),
    _gap("File"),
    ActionSpec("quit", "File", "Quit", "quit", ("Ctrl+Q",), "quit"),
    ActionSpec("undo", "Edit", "Undo", "undo", ("Ctrl+Z",), "undo", "Take the last decision back", "undo"),
    ActionSpec("redo", "Edit", "Redo", "redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Make it again", "redo"),
    _gap("Edit"),
    ActionSpec("find", "Edit", "Find in the gallery", "find", ("Ctrl+F",), "search", needs="detections"),
    ActionSpec(
        "fit", "View", "Fit section", "fit", ("F", "Home"), "fit", "Show the whole section", "section", in_toolbar=True
    ),
    ActionSpec(
        "one_to_one",
        "View",
        "One to one",
        "one_to_one",
        ("1",),
        "one-to-one",
        "One px of the section on each px of the screen",
        "section",
        in_toolbar=True,
    ),
    ActionSpec("zoom_in", "View", "Zoom in", "zoom_in", ("+", "="), "zoom-in", needs="section", in_toolbar=True),
    ActionSpec("zoom_out", "View", "Zoom out", "zoom_out", ("-",), "zoom-out", needs="section", in_toolbar=True),
    _gap("View"),
    ActionSpec(
        "boxes",
        "View",
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
        "View",
        "Heat map",
        "show_heat",
        ("H",),
        "heat",
        "Show or hide the heat map",
        "section",
        checkable=True,
        in_toolbar=True,
    ),
    _gap("View"),
    ActionSpec("", "View", "@Panels"),
    ActionSpec("", "View", "@Theme"),
    ActionSpec("fullscreen", "View", "Full screen", "full_screen", ("F11",), checkable=True),
    ActionSpec(
        "scan",
        "Scan",
        "Scan section",
        "scan_section",
        ("Ctrl+R",),
        "scan",
        "Look for defects with the model chosen in the Scan panel",
        "idle_section",
        in_toolbar=True,
    ),
    ActionSpec(
        "scan_region",
        "Scan",
        "Scan visible region",
        "scan_region",
        ("Ctrl+Shift+R",),
        "region",
        "Look for defects only in what the view shows",
        "idle_section",
    ),
    ActionSpec(
        "cancel_scan",
        "Scan",
        "Stop scan",
        "cancel_scan",
        ("Ctrl+.",),
        "stop",
        "What was found stays; scanning again goes on from here",
        "scanning",
    ),
    ActionSpec(
        "defect",
        "Review",
        "Mark as defect",
        "mark_defect",
        ("A",),
        "accept",
        "Confirm the selected",
        "selection",
        in_toolbar=True,
    ),
    ActionSpec(
        "false_alarm",
        "Review",
        "Mark as false alarm",
        "mark_false_alarm",
        ("R",),
        "reject",
        "Reject the selected",
        "selection",
        in_toolbar=True,
    ),
    ActionSpec(
        "artefact",
        "Review",
        "Mark as preparation artefact",
        "mark_artefact",
        ("T",),
        "artefact",
        "A trace of preparation, not a defect",
        "selection",
        in_toolbar=True,
    ),
    ActionSpec(
        "unreviewed",
        "Review",
        "Mark as not reviewed",
        "mark_unreviewed",
        ("U",),
        "unreviewed",
        "Forget the decision",
        "selection",
    ),
    _gap("Review"),
    ActionSpec("next", "Review", "Next", "go_next", ("N", "J"), "next", "The next crop of the gallery", "detections"),
    ActionSpec("previous", "Review", "Previous", "go_previous", ("P", "K"), "previous", needs="detections"),
    ActionSpec(
        "next_unreviewed", "Review", "Next not reviewed", "go_next_unreviewed", ("Shift+N",), needs="detections"
    ),
    ActionSpec("go_to", "Review", "Show in the section", "go_to", ("G",), "search", "Fly to the selected", "selection"),
    ActionSpec("shortcuts", "Help", "Keyboard shortcuts", "show_shortcuts", ("F1", "?"), "keyboard"),
    ActionSpec("log", "Help", "Log", "show_log", icon="log", tip="What happened since the start"),
    _gap("Help"),
    ActionSpec("about", "Help", "About Schliff", "show_about", icon="info"),
)

MENUS: tuple[str, ...] = tuple(dict.fromkeys(spec.menu for spec in ACTIONS))
