"""Decides how an error is told on the terminal: one line, and the exit code that goes with it."""

from __future__ import annotations

import traceback

from core.errors import CancelledError, ResourceError, SchliffError

UNEXPECTED = 1


def told(error: BaseException) -> tuple[str, int]:
    """The line (what, which file, what to do) and the exit code."""
    known = _as_schliff_error(error)
    if isinstance(known, SchliffError):
        return str(known), known.exit_code
    what = " ".join(traceback.format_exception_only(known)[-1].split())
    return f"something unexpected happened: {what}. Run it with --debug for the details.", UNEXPECTED


def _as_schliff_error(error: BaseException) -> BaseException:
    if isinstance(error, KeyboardInterrupt):
        return CancelledError("interrupted", remedy="Run the same command again to go on.")
    if isinstance(error, MemoryError):
        return ResourceError("not enough memory", remedy="Close other programs, or scan a --region.")
    return error
