"""Decides how trouble is named: one hierarchy, each error with what happened, to which file, and what to do.

Errors are raised where they are understood and caught once, at the edge (`app.cli`, the window's notifications).
`exit_code` is the command line's contract.
"""

from __future__ import annotations

from pathlib import Path


class SchliffError(Exception):
    """Something a user can be told.

    Args:
        what: one clause that says what happened, no trailing full stop; what it quotes of a file is made readable here.
        path: the file or folder it happened to.
        remedy: one sentence that says what the user can do.
    """

    exit_code = 1

    def __init__(self, what: str, *, path: str | Path | None = None, remedy: str = "") -> None:
        self.what = _readable(what)
        super().__init__(self.what)
        self.path = Path(path) if path is not None else None
        self.remedy = remedy

    def __str__(self) -> str:
        """One line: file, what, remedy."""
        where = f"{_printable(str(self.path))}: " if self.path is not None else ""
        text = f"{where}{self.what}."
        if self.remedy:
            text += f" {self.remedy}"
        return " ".join(text.split())


_LONGEST = 400


def _readable(text: str) -> str:
    """One line without control characters, its middle left out where it's longer than anybody reads."""
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST - 120]} … {line[-100:]}"
    return _printable(line)


def _printable(line: str) -> str:
    """Without what can't be seen, or makes a line look like another one (marks that turn the direction of writing)."""
    return line if line.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


class UsageError(SchliffError):
    """The request itself is wrong (an unknown model, an option out of range)."""

    exit_code = 2


class InputError(SchliffError):
    """A file or folder that can't be used: missing, unreadable, corrupt, of the wrong kind."""

    exit_code = 3


class CancelledError(SchliffError):
    """The user stopped it; it can be resumed."""

    exit_code = 4

    def __init__(self, what: str = "cancelled", *, path: str | Path | None = None, remedy: str = "") -> None:
        super().__init__(what, path=path, remedy=remedy)


class ResourceError(SchliffError):
    """A device or a disk failed: no space, no permission to write, out of memory."""

    exit_code = 5
