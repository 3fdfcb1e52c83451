"""Decides what the Review menu offers: judging detections and walking through them."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands, gap

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
        "Mark as not reviewed",
        "mark_unreviewed",
        ("U",),
        "unreviewed",
        "Forget the decision",
        "selection",
    ),
    gap(),
    ActionSpec("next", "Next", "go_next", ("N", "J"), "next", "The next crop of the gallery", "detections"),
    ActionSpec("previous", "Previous", "go_previous", ("P", "K"), "previous", needs="detections"),
    ActionSpec("next_unreviewed", "Next not reviewed", "go_next_unreviewed", ("Shift+N",), needs="detections"),
    ActionSpec("go_to", "Show in the section", "go_to", ("G",), "search", "Fly to the selected", "selection"),
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

    def go_next(self) -> None:
        self.docks.gallery.next()

    def go_previous(self) -> None:
        self.docks.gallery.previous()

    def go_next_unreviewed(self) -> None:
        self.docks.gallery.next_unreviewed()

    def go_to(self) -> None:
        self.fly_to(self.session.selected_id)

    def fly_to(self, detection_id: int | None) -> None:
        detection = self.session.detection(detection_id)
        if detection is not None:
            self.viewer.show_detection(detection)
