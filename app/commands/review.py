"""Decides what the Review menu offers: judging detections and walking through them."""

from __future__ import annotations

from functools import partialmethod

from app.commands.base import ActionSpec, Commands, gap
from core.class_colours import class_name

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "defect",
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
        "Mark as artefact",
        "mark_artefact",
        ("T",),
        "artefact",
        "A trace of preparation, as a scratch, a smear or dirt; not a defect",
        "selection",
        in_toolbar=True,
    ),
    ActionSpec(
        "unreviewed",
        "Mark as not reviewed",
        "mark_unreviewed",
        ("U",),
        "unreviewed",
        "Forget the decision",
        "selection",
    ),
    ActionSpec(
        "unsure",
        "Mark as unsure",
        "mark_unsure",
        ("S",),
        "unsure",
        "Looked at, and not to be told yet",
        "selection",
    ),
    ActionSpec("note", "Write a note", "write_note", ("W",), tip="Enter goes back to the crops", needs="selection"),
    *(
        ActionSpec(
            f"class_{number}",
            f"Class {number}",
            f"choose_class_{number}",
            (f"Ctrl+{number}",),
            tip=f"A defect of the class with this number; {number} alone in the gallery",
            needs="selection",
            submenu="Class",
        )
        for number in range(1, 10)
    ),
    ActionSpec("other_class", "Another class…", "choose_other_class", ("Ctrl+0",), needs="selection", submenu="Class"),
    ActionSpec("classes", "Rename, merge, colour…", "show_classes", needs="project", submenu="Class"),
    gap(),
    ActionSpec(
        "join",
        "Join into one",
        "join",
        ("Ctrl+J",),
        tip="One detection of all that are selected, as for a defect that was found in parts",
        needs="selection",
    ),
    ActionSpec(
        "split", "Take apart", "split", ("Ctrl+Shift+J",), tip="What was joined, part by part", needs="selection"
    ),
    ActionSpec(
        "draw_missed",
        "Add a missed defect",
        "draw_missed",
        ("I", "Ins"),
        tip="Draw a box around it; it becomes a defect like those that were found",
        needs="section",
    ),
    ActionSpec(
        "draw_missed_outline",
        "Add a missed defect by its outline",
        "draw_missed_outline",
        ("Shift+I", "Shift+Ins"),
        tip="Draw a polygon; it becomes a defect like those that were found",
        needs="section",
    ),
    gap(),
    ActionSpec("next", "Next", "go_next", ("N", "J"), "next", "The next crop of the gallery", "detections"),
    ActionSpec("previous", "Previous", "go_previous", ("P", "K"), "previous", needs="detections"),
    ActionSpec("next_unreviewed", "Next not reviewed", "go_next_unreviewed", ("Shift+N",), needs="detections"),
    ActionSpec("go_to", "Show in the section", "go_to", ("G",), "search", "Fly to the selected", "selection"),
    ActionSpec(
        "side_by_side",
        "Side by side…",
        "show_side_by_side",
        ("Shift+B",),
        "side-by-side",
        "The selected crops at the same scale",
        "selection",
    ),
    ActionSpec(
        "worst",
        "What “worst” means…",
        "show_weights",
        icon="weigh",
        tip="How severity comes about, and how much each class counts",
        needs="detections",
    ),
    gap(),
    ActionSpec(
        "check_panel",
        "Precision and inspection",
        "show_check",
        tip="How precise the scan is, by a random sample; compare it with what people found by eye",
        needs="section",
    ),
    ActionSpec(
        "take_over",
        "Take over decisions of other scans",
        "take_over",
        tip="Where another scan of this section found the same and somebody judged that",
        needs="scan",
    ),
    ActionSpec(
        "training_set",
        "Write a training set…",
        "write_training_set",
        tip="What was decided as pictures with labels: Schliff, COCO, Pascal VOC, YOLO",
        needs="project",
    ),
)


class ReviewCommands(Commands):
    """The handlers of `ACTIONS`."""

    def mark_defect(self) -> None:
        self.docks.gallery.decide("defect")

    def mark_false_alarm(self) -> None:
        self.docks.gallery.decide("false_alarm")

    def mark_artefact(self) -> None:
        self.docks.gallery.decide("artefact")

    def mark_unreviewed(self) -> None:
        self.docks.gallery.decide("unreviewed")

    def mark_unsure(self) -> None:
        self.docks.gallery.decide("unsure")

    def write_note(self) -> None:
        self.docks.bring("why")
        self.docks.why.details.begin_note()

    def choose_class(self, number: int) -> None:
        """`number` from 1, as the keys."""
        self.docks.gallery.choose_class(number - 1)

    def choose_other_class(self) -> None:
        """Asks for a name; one that there isn't yet is a new class."""
        from PySide6.QtWidgets import QInputDialog

        choices = self.session.classes.choices
        names = [class_name(label) for label in choices]
        name, accepted = QInputDialog.getItem(self.window, "Class", "It is a defect of this class", names, 0, True)
        if accepted and name.strip():
            self.docks.gallery.decide(None, choices[names.index(name)] if name in names else name)

    def show_classes(self) -> None:
        from app.classes_dialog import ClassesDialog

        dialog = ClassesDialog(self.session, self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def join(self) -> None:
        self.session.reviewing.join(self.docks.gallery.chosen_ids())

    def split(self) -> None:
        self.session.reviewing.split(self.docks.gallery.chosen_ids())

    def draw_missed(self) -> None:
        self._draw_defect("box", "Draw a box around the defect.")

    def draw_missed_outline(self) -> None:
        self._draw_defect("polygon", "Click along the edge of the defect; a double click closes it.")

    def _draw_defect(self, tool: str, how: str) -> None:
        """Of the class of the last one that was drawn, else of the first; a number key gives it another one."""
        session = self.session
        drawn = [one for one in session.detections if one.is_drawn]
        choices = session.classes.choices
        last = max(drawn, key=lambda one: one.id).label if drawn else next(iter(choices), "defect")
        session.drawings.set_tool(tool, last)
        keys = " Ctrl and a number give it another class." if choices else ""
        session.message.emit("info", f"{how} It becomes a defect: {class_name(last).lower()}.{keys}")

    def show_check(self) -> None:
        self.docks.bring("check")

    def take_over(self) -> None:
        self.session.reviewing.take_over()

    def write_training_set(self) -> None:
        from app.data_dialog import DataDialog

        dialog = DataDialog(self.session, self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def go_next(self) -> None:
        self.docks.gallery.next()

    def go_previous(self) -> None:
        self.docks.gallery.previous()

    def go_next_unreviewed(self) -> None:
        self.docks.gallery.next_unreviewed()

    def show_side_by_side(self) -> None:
        self.docks.gallery.compare_selected()

    def show_weights(self) -> None:
        self.docks.gallery.show_weights()

    def go_to(self) -> None:
        self.fly_to(self.session.selected_id)

    def fly_to(self, detection_id: int | None) -> None:
        detection = self.session.detection(detection_id)
        if detection is not None:
            self.viewer.show_detection(detection)


for _number in range(1, 10):
    setattr(ReviewCommands, f"choose_class_{_number}", partialmethod(ReviewCommands.choose_class, _number))
