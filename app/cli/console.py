"""Decides how the terminal shows things: a progress line with time left, tables, JSON. stdout is for results only."""

from __future__ import annotations

import io
import json
import shutil
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
_TRUTH = "truth \\ predicted"


class StatusLines:
    """A few lines on stderr that are drawn over again; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self.is_shown = sys.stderr is not None and sys.stderr.isatty()
        self._drawn = 0
        self._last = 0.0

    def show(self, lines: Sequence[str], at_once: bool = False) -> None:
        """Draws them in place of those before; most of those that come too fast to be read are left out."""
        now = time.monotonic()
        if not self.is_shown or (now - self._last < _REDRAW_S and not at_once):
            return
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be drawn over
        self._last = now
        self._write(self._back() + "\n".join(line[:width] for line in lines))
        self._drawn = len(lines)

    def clear(self) -> None:
        if self.is_shown and self._drawn:
            self._write(self._back())
            self._drawn = 0

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # the terminal has gone; the work goes on
            self.is_shown = False

    def _back(self) -> str:
        """To the first line drawn, with nothing left from there on."""
        up = f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else ""
        return f"\r{up}\x1b[J"


class ProgressLine:
    """A bar on stderr that redraws itself; where stderr is not a terminal, silent or (`told`) one line with the title."""

    def __init__(self, title: str, told: bool = False) -> None:
        self._title = title
        self._lines = StatusLines()
        self._told = told and not self._lines.is_shown
        self._time_left = TimeLeft()

    def __call__(self, step: Step) -> None:
        if self._lines.is_shown:
            text = self._text(step, self._time_left.update(step))
            self._lines.show([text], at_once=step.done >= step.total)

    def _text(self, step: Step, left: float | None) -> str:
        if not step.total:
            return f"{self._title}  {step.message}"
        ending = f"  {spoken_seconds(left)} left" if left is not None and step.done < step.total else ""
        return f"{self._title}  {bar(step.done / step.total)}  {step.message}{ending}"

    def __enter__(self) -> ProgressLine:
        if self._told:
            print(self._title, file=sys.stderr, flush=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._lines.clear()


def bar(share: float) -> str:
    """A bar and its percentage."""
    filled = int(_BAR * share)
    return "█" * filled + "·" * (_BAR - filled) + f" {int(100 * share):3d} %"


@contextmanager
def stop_by_signal() -> Iterator[CancelToken]:
    """A token that Ctrl-C or a polite kill sets, so that work stops at a safe place; a second one stops at once.

    The end of the terminal stops it too, unless whoever started us wants that ignored (`nohup`).
    """
    token = CancelToken()

    def stop(number: int, frame: object) -> None:
        if token.cancelled:
            raise KeyboardInterrupt
        token.cancel()

    previous = {number: signal.signal(number, stop) for number in _stopping()}
    try:
        yield token
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stopping() -> list[signal.Signals]:
    stopping = [signal.SIGINT, signal.SIGTERM]
    hangup: signal.Signals | None = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        stopping.append(hangup)
    return stopping


def let_it_be_said() -> None:
    """Of what a terminal can't show (Windows sends a pipe one of its old code pages) a question mark stays, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    _understand_cursor_moves()


def _understand_cursor_moves() -> None:
    """The old Windows console prints escape sequences as they are, unless it is asked to obey them."""
    if sys.platform == "win32":
        import ctypes

        kernel, mode = ctypes.windll.kernel32, ctypes.c_ulong()
        stderr = kernel.GetStdHandle(-12)
        if kernel.GetConsoleMode(stderr, ctypes.byref(mode)):
            kernel.SetConsoleMode(stderr, mode.value | 4)  # ENABLE_VIRTUAL_TERMINAL_PROCESSING


def print_json(document: Any) -> None:
    """In ASCII where stdout isn't UTF-8, so that whoever reads it gets every character."""
    is_utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, indent=1, ensure_ascii=not is_utf8))


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


def print_confusion(confusion: Mapping[str, Any]) -> None:
    """`rows, columns, counts`: a row for each class that is true, a column for each that was predicted."""
    columns, counts = confusion["columns"], confusion["counts"]
    rows = [
        {_TRUTH: n, **dict(zip(columns, row, strict=True))} for n, row in zip(confusion["rows"], counts, strict=True)
    ]
    print_table(rows, {_TRUTH: _TRUTH} | {label: label for label in columns})
