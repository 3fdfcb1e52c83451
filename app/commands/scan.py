"""Decides what the Scan menu offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.commands.base import ActionSpec, Commands, gap

if TYPE_CHECKING:
    from core.scan.queue import Entry

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec(
        "scan",
        "Scan section",
        "scan_section",
        ("Ctrl+R",),
        "scan",
        "Look for defects with the model chosen in the Scan panel",
        "section",
        in_toolbar=True,
    ),
    ActionSpec(
        "scan_region",
        "Scan visible region",
        "scan_region",
        ("Ctrl+Shift+R",),
        "region",
        "Look for defects only in what the view shows",
        "section",
    ),
    ActionSpec(
        "scan_several",
        "Scan several…",
        "scan_several",
        ("Ctrl+Alt+R",),
        tip="Scan many sections one after the other, each with one model or several",
    ),
    gap(),
    ActionSpec("rounds", "Compare scans", "show_rounds", tip="What changed from one scan of this section to the next"),
    ActionSpec(
        "review_proposals",
        "Review what teaches most",
        "review_proposals",
        tip="The unjudged detections the model is least sure of, unlike each other",
        needs="detections",
    ),
    gap(),
    ActionSpec("scans", "Show the queue", "show_scans", tip="All scans that run, wait, or are over"),
    ActionSpec(
        "pause_scans",
        "Pause scans",
        "pause_scans",
        tip="The running scan stands still, none starts",
        needs="scans",
        checkable=True,
    ),
    ActionSpec(
        "cancel_scan",
        "Stop scan",
        "cancel_scan",
        ("Ctrl+.",),
        "stop",
        "What was found stays; scanning again goes on from here",
        "scanning",
    ),
)


class ScanCommands(Commands):
    """The handlers of `ACTIONS`."""

    def scan_section(self) -> None:
        self.docks.bring("scan")
        self.docks.scan.region.whole.setChecked(True)
        self.docks.scan.start()

    def choose_model(self) -> None:
        """Leaves the choice to the person, and the beginning too."""
        self.docks.bring("scan")
        self.docks.scan.model.choice.setFocus()

    def scan_with(self, model_id: str) -> None:
        """Chooses a model, and leaves it to the person to begin."""
        self.docks.bring("scan")
        self.docks.scan.model.choose(model_id)

    def scan_matched(self, how: str) -> None:
        """The model of the scan that is shown, the section brought to what it learnt from; the person begins."""
        if self.session.scan is not None:
            self.scan_with(self.session.scan.model_id)
            self.docks.scan.match(how)

    def scan_region(self) -> None:
        self.docks.bring("scan")
        self.docks.scan.start_in_view()

    def resume_scan(self) -> None:
        """Goes on with the scan that is shown."""
        self.docks.bring("scan")
        if self.session.scan is not None:
            self.docks.scan.resume(self.session.scan)

    def scan_several(self) -> None:
        """Asks for sections and models, and queues their scans."""
        from app.scan_queue.several_dialog import SeveralDialog

        dialog = SeveralDialog(self.session, self.settings, parent=self.window)
        dialog.accepted.connect(lambda: self._queue(dialog.entries()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_rounds(self) -> None:
        self.docks.bring("rounds")

    def review_proposals(self) -> None:
        self.docks.bring("gallery")
        self.docks.rounds.review_proposals()

    def show_scans(self) -> None:
        self.docks.bring("scans")

    def pause_scans(self, on: bool) -> None:
        self.session.queue.hold() if on else self.session.queue.go_on()

    def cancel_scan(self) -> None:
        self.session.cancel_scan()

    def _queue(self, entries: list[Entry]) -> None:
        added = self.session.queue.add(entries, now=True)
        if len(added) < len(entries):
            self.session.message.emit("info", "Scans that are in the queue already were not added again.")
        self.docks.bring("scans")
