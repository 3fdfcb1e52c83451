"""Decides what the terminal shows while sections are scanned: how far this one is, and how far all of them are."""

from __future__ import annotations

from app.cli.console import StatusLines, bar
from core.jobs import Step
from core.scan.options import ScanStep
from core.timing import TimeLeft, spoken_seconds

_ALL = 10_000  # how finely the share of all scans is told to whoever guesses the time left


class ScanProgress:
    """Two lines on a terminal (one where there is one scan only): the scan that runs, and all of them.

    Every scan counts the same among all: how large a section is shows when it is opened.
    """

    def __init__(self, scans: int) -> None:
        self._lines = StatusLines()
        self._scans, self._begun, self._found = scans, 0, 0
        self._title = ""
        self._left, self._left_of_all = TimeLeft(), TimeLeft()

    def begin(self, title: str) -> None:
        """The next scan."""
        self._title, self._begun = title, self._begun + 1
        self._left = TimeLeft()

    def found(self, detections: int) -> None:
        """Tells of more detections, for the line of all."""
        self._found += detections

    def clear(self) -> None:
        self._lines.clear()

    def __call__(self, step: Step) -> None:
        if not self._lines.is_shown:
            return
        lines = [self._this(step)]
        if self._scans > 1:
            lines.append(self._all(step.done / step.total if step.total else 0.0))
        self._lines.show(lines, at_once=step.done >= step.total)

    def _this(self, step: Step) -> str:
        if not step.total:
            return f"{self._title}  {step.message}"
        left = self._left.update(step)
        return "  ".join([self._title, bar(step.done / step.total), _figures(step, left)])

    def _all(self, share: float) -> str:
        done = (self._begun - 1 + share) / self._scans
        left = self._left_of_all.update(Step(int(_ALL * done), _ALL))
        parts = [f"{self._begun} of {self._scans} scans", bar(done), f"{self._found} found", *_spoken(left)]
        return "  ".join(parts)


def _figures(step: Step, left: float | None) -> str:
    """As "120 of 300 tiles, 3.2 mm², 12.3 MP/s, busy 97 %, 2 min left", as far as it is known."""
    parts = [f"{step.done} of {step.total} tiles"]
    if isinstance(step, ScanStep):
        parts += [f"{step.mm2:.3g} mm²"] if step.mm2 is not None else []
        parts += [f"{step.megapixels_per_s:.3g} MP/s"] if step.megapixels_per_s is not None else []
        parts += [f"busy {100 * step.busy:.0f} %"] if step.busy is not None else []
    return ", ".join(parts + _spoken(left if step.done < step.total else None))


def _spoken(left: float | None) -> list[str]:
    return [] if left is None else [f"{spoken_seconds(left)} left"]
