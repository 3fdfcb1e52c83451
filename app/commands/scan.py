"""Decides what the Scan menu offers."""

from __future__ import annotations

from app.commands.base import ActionSpec, Commands

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

    def scan_region(self) -> None:
        self.docks.bring("scan")
        self.docks.scan.start_in_view()

    def cancel_scan(self) -> None:
        self.session.cancel_scan()
