"""Decides what the Tools menu offers: what the mouse draws and measures with, and the way to the SEM and back."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands, gap

# By id of a tool (`app.tools.table`): text, key, icon, tip.
TOOLS = {
    "pointer": ("Select and move", "V", "pointer", "Select, change and move drawings; moves the view elsewhere"),
    "ruler": ("Ruler", "L", "ruler", "Length and angle of a line; Shift holds it to 45°"),
    "angle": ("Angle", "Q", "angle", "Angle between two legs: an end, the corner, the other end"),
    "box": ("Box", "X", "draw-box", "Size and area of a box; square with Shift"),
    "polygon": ("Polygon", "Y", "polygon", "Area of a polygon; Enter or a double click closes it"),
    "area": ("Outline", "E", "outline", "Area inside a line drawn by hand"),
    "point": ("Point", "O", "point", "Mark a place"),
    "profile": ("Profile", "Shift+L", "profile", "Grey values along a line, plotted in the Drawings panel"),
    "fiducial": (
        "Fiducial",
        "Shift+F",
        "fiducial",
        "Pick a place that is known in the SEM too, listed in SEM registration",
    ),
    "match": (
        "Match a picture",
        "Shift+M",
        "match",
        "Pull from a place in a picture over the section to where the section shows the same",
    ),
}

ACTIONS: tuple[ActionSpec, ...] = (
    *(
        ActionSpec(f"tool_{tool}", text, f"take_{tool}", (key,), icon, tip, "section", checkable=True, in_toolbar=True)
        for tool, (text, key, icon, tip) in TOOLS.items()
    ),
    gap(),
    ActionSpec(
        "snapping",
        "Snap to points and pixels",
        "snap",
        ("Shift+S",),
        "snap",
        "New points go to the points of other drawings nearby, else to whole pixels",
        "section",
        checkable=True,
    ),
    ActionSpec(
        "drawings", "Show drawings", "show_drawings", ("D",), "drawings", "Show or hide them", "section", checkable=True
    ),
    gap(),
    ActionSpec(
        "set_scale",
        "Set the scale…",
        "set_scale",
        ("Ctrl+Alt+L",),
        "ruler",
        "Enter by hand what a pixel measures, or draw a line over a known length",
        "section",
    ),
    ActionSpec(
        "registration",
        "SEM registration…",
        "register",
        ("Ctrl+Alt+F",),
        "fiducial",
        "Where places of this section lie on the SEM's stage, by fiducials known in both",
        "section",
    ),
    ActionSpec(
        "import_edx",
        "Import EDX results…",
        "import_edx",
        tip="What was measured in the SEM, a CSV or an H5OINA file, onto the defects it was measured on",
        needs="detections",
    ),
    ActionSpec(
        "edx_classes",
        "Classes from chemistry…",
        "propose_classes",
        tip="Rules such as: Zr > 10 at.% → oxide particle. They propose, you confirm",
        needs="detections",
    ),
    gap(),
    ActionSpec(
        "export_drawings",
        "Export drawings…",
        "export_drawings",
        (),
        "export",
        "A CSV list with all measures, or GeoJSON for QuPath",
        "section",
    ),
)


class ToolsCommands(Commands):
    """The handlers of `ACTIONS`."""

    def _take(self, tool: str, on: bool) -> None:
        """Taking the tool in hand once more puts it away."""
        self.session.drawings.set_tool(tool if on else "pointer")
        self.session.drawings.tool_changed.emit()  # the button of the pointer can't be let go
        self.viewer.canvas.setFocus()

    def take_pointer(self, on: bool) -> None:
        self._take("pointer", on)

    def take_ruler(self, on: bool) -> None:
        self._take("ruler", on)

    def take_angle(self, on: bool) -> None:
        self._take("angle", on)

    def take_box(self, on: bool) -> None:
        self._take("box", on)

    def take_polygon(self, on: bool) -> None:
        self._take("polygon", on)

    def take_area(self, on: bool) -> None:
        self._take("area", on)

    def take_point(self, on: bool) -> None:
        self._take("point", on)

    def take_profile(self, on: bool) -> None:
        self._take("profile", on)
        if on:
            self.docks.bring("drawings")  # where it is plotted

    def take_fiducial(self, on: bool) -> None:
        self._take("fiducial", on)
        if on:
            self.docks.bring("registration")

    def set_scale(self) -> None:
        """From the chosen line, where one is chosen."""
        from app.scale_dialog import ScaleDialog, is_line

        section, drawings = self.session.section, self.session.drawings
        if section is None:
            return
        dialog = ScaleDialog(self.window, section.info, drawings.selected if is_line(drawings.selected) else None)
        dialog.chosen.connect(self.session.calibration.set)
        dialog.line_wanted.connect(self._draw_known_length)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _draw_known_length(self) -> None:
        """The next line that is drawn is what the scale is read off; another tool calls it off."""
        from app.scale_dialog import is_line

        drawings = self.session.drawings
        before = {drawing.id for drawing in drawings.items}
        self._take("ruler", True)
        self.session.message.emit("info", "Draw a line over a known length: click or drag its two ends.")

        def drawn() -> None:
            line = drawings.selected
            if drawings.tool == "ruler" and (line is None or not is_line(line) or line.id in before):
                return
            drawings.selection_changed.disconnect(drawn)
            drawings.tool_changed.disconnect(drawn)
            if drawings.tool == "ruler":
                self._take("ruler", False)
                self.set_scale()

        drawings.selection_changed.connect(drawn)
        drawings.tool_changed.connect(drawn)

    def take_match(self, on: bool) -> None:
        self._take("match", on)
        if on:
            self.docks.bring("layers")

    def register(self) -> None:
        self.docks.bring("registration")

    def import_edx(self) -> None:
        from app.chemistry.importer import ask_and_import

        ask_and_import(self.window, self.session, self.settings)

    def propose_classes(self) -> None:
        from app.chemistry.rules_dialog import RulesDialog

        dialog = RulesDialog(self.session, self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def snap(self, on: bool) -> None:
        self.session.drawings.set_snapping(on)

    def show_drawings(self, on: bool) -> None:
        self.session.set_layers(self.session.layers.styled("drawings", visible=on))

    def export_drawings(self) -> None:
        self.docks.bring("drawings")
        self.docks.drawings.export()
