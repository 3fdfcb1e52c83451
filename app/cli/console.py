"""Decides how the terminal shows things: a progress line with time left, tables, JSON. stdout is for results only."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from core.jobs import CancelToken, Step
from core.timing import TimeLeft, spoken_seconds

_BAR = 24
_REDRAW_S = 0.1


class ProgressLine:
    """A bar on stderr that redraws itself; where stderr is not a terminal, silent or (`told`) one line with the title."""

    def __init__(self, title: str, told: bool = False) -> None:
        self._title = title
        self._shown = sys.stderr.isatty()
        self._told = told and not self._shown
        self._time_left = TimeLeft()
        self._drawn = 0.0

    def __call__(self, step: Step) -> None:
        if not self._shown:
            return
        left = self._time_left.update(step)
        now = time.monotonic()
        if now - self._drawn < _REDRAW_S and step.done < step.total:
            return
        self._drawn = now
        sys.stderr.write("\r\x1b[K" + self._text(step, left))
        sys.stderr.flush()

    def _text(self, step: Step, left: float | None) -> str:
        if not step.total:
            return f"{self._title}  {step.message}"
        filled = _BAR * step.done // step.total
        bar = "█" * filled + "·" * (_BAR - filled)
        ending = f"  {spoken_seconds(left)} left" if left is not None and step.done < step.total else ""
        return f"{self._title}  {bar} {100 * step.done // step.total:3d} %  {step.message}{ending}"

    def __enter__(self) -> ProgressLine:
        if self._told:
            print(self._title, file=sys.stderr, flush=True)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def stop_by_signal() -> Iterator[CancelToken]:
    """A token that Ctrl-C or a polite kill sets, so that work stops at a safe place; a second Ctrl-C stops at once."""
    token = CancelToken()

    def stop(number: int, frame: object) -> None:
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield token
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=1, ensure_ascii=False))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Rows as aligned text; `columns` maps a row's key to its heading. Numbers align right."""
    cells = [[_text(row[key]) for key in columns] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns.values()), *cells]) for i in range(len(columns))]
    right = [all(isinstance(row[key], int | float | None) for row in rows) for key in columns]
    for line in [list(columns.values()), *cells]:
        aligned = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        print("  ".join(aligned).rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
