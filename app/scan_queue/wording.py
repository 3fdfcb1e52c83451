"""Decides the words for how a scan goes and what came of it, the same wherever they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.counting import counted
from core.jobs import Step
from core.timing import spoken_seconds

if TYPE_CHECKING:
    from app.session import Session
    from core.scan.options import ScanStep, ScanSummary
    from core.scan.queue import Entry

_SCAN_FIRST = "No scan yet: press Scan in the Scan panel (Ctrl+R)."
_SCAN_BEGINS = "The scan is beginning."

_DEVICES = {"cpu": "processor", "cuda": "graphics card", "mps": "graphics"}


def before_scan(session: Session) -> str:
    """What is said wherever there is nothing to see before a scan. It changes with `scan_started` and `scan_finished`."""
    return _SCAN_BEGINS if session.scanning_here else _SCAN_FIRST


def tiles_text(step: Step) -> str:
    """As in "412 of 1,150 tiles · 35 %"."""
    return f"{step.done:,} of {step.total:,} tiles · {100 * step.done // step.total} %"


def pace_text(step: Step, seconds_left: float | None) -> str:
    """As in "12.4 mm² · 3 min left · 8.1 MP/s · processor busy 97 %", as far as it is known."""
    from core.scan.options import ScanStep

    parts = []
    scanned = step if isinstance(step, ScanStep) else None
    if scanned is not None and scanned.mm2 is not None:
        parts.append(area_text(scanned.mm2))
    if seconds_left is not None:
        parts.append(f"{spoken_seconds(seconds_left)} left")
    if scanned is not None:
        parts += _speed(scanned)
    return " · ".join(parts)


def progress_text(step: Step, seconds_left: float | None) -> str:
    """All of it in one line; while tiles aren't counted yet, what is being done."""
    if not step.total:
        return step.message or "Getting ready"
    pace = pace_text(step, seconds_left)
    return f"{tiles_text(step)} · {pace}" if pace else tiles_text(step)


def found_text(count: int) -> str:
    return counted(count, "detection")


def summary_text(summary: ScanSummary) -> str:
    """As in "3 min on the processor · 412 MP · 8.1 MP/s · 3.2 mm² (21 %) skipped, no specimen there"."""
    parts = [f"{spoken_seconds(summary.seconds)} on the {device_word(summary.device)}", f"{summary.megapixels:,.0f} MP"]
    if summary.seconds > 0 and summary.megapixels:
        parts.append(f"{summary.megapixels / summary.seconds:.1f} MP/s")
    skipped = _skipped(summary)
    return " · ".join([*parts, skipped] if skipped else parts)


def state_text(entry: Entry, *, held: bool, stopping: bool) -> str:
    """One or two words for a scan of the queue; `held`: nothing runs on; `stopping`: the running one is about to end."""
    if entry.state == "running":
        word = "Stopping" if stopping else "Paused" if held else ""
        share = f"{_percent(entry)} %" if entry.total else ""
        return f"{word} {share}".strip() or "Getting ready"
    if entry.state == "cancelled" and entry.total:
        return f"Stopped at {_percent(entry)} %"
    words = {"waiting": "Waiting", "paused": "On hold", "done": "Done", "failed": "Failed", "cancelled": "Stopped"}
    return words[entry.state]


def device_word(device: str) -> str:
    """As in "graphics card" for "cuda:1"; "device" where it isn't known."""
    return _DEVICES.get(device.partition(":")[0], "device")


def area_text(mm2: float) -> str:
    """Three digits or more: 0.0412 mm², 12.4 mm², 1,204 mm²."""
    digits = 0 if mm2 >= 100 else 1 if mm2 >= 10 else 2 if mm2 >= 1 else 3
    return f"{mm2:,.{digits}f} mm²"


def _percent(entry: Entry) -> int:
    return 100 * entry.done // entry.total


def _speed(step: ScanStep) -> list[str]:
    parts = []
    if step.megapixels_per_s is not None:
        parts.append(f"{step.megapixels_per_s:.1f} MP/s")
    if step.busy is not None:
        parts.append(f"{device_word(step.device)} busy {100 * step.busy:.0f}\N{NO-BREAK SPACE}%")
    return parts


def _skipped(summary: ScanSummary) -> str:
    whole = summary.megapixels + summary.skipped_megapixels
    if not summary.skipped_megapixels or not whole:
        return ""
    mm2, megapixels = summary.skipped_mm2, summary.skipped_megapixels
    area = area_text(mm2) if mm2 is not None else f"{megapixels:,.{0 if megapixels >= 10 else 2}f} MP"
    return f"{area} ({100 * megapixels / whole:.0f} %) skipped, no specimen there"
