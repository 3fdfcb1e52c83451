"""Decides what `schliff …` does: words in, exit code out. The work itself is core's and the window's.

Exit codes: 0 done; 2 wrong usage; 3 input that can't be used; 4 cancelled, can be resumed; 5 a device or the disk failed.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from app.cli.parser import build_parser, known_commands
from core.errors import CancelledError, ResourceError, SchliffError

UNEXPECTED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; says on stderr, in one line, what went wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0] not in known_commands() and not words[0].startswith("-")):
        words.insert(0, "open")
    args = build_parser().parse_args(words)
    try:
        return args.run(args) or 0
    except BrokenPipeError:  # whoever read our output has gone
        sys.stderr.close()
        return 0
    except BaseException as error:
        if args.debug or isinstance(error, SystemExit | GeneratorExit):
            raise
        return _tell(_as_schliff_error(error))


def _as_schliff_error(error: BaseException) -> BaseException:
    if isinstance(error, KeyboardInterrupt):
        return CancelledError("interrupted", remedy="Run the same command again to go on.")
    if isinstance(error, MemoryError):
        return ResourceError("not enough memory", remedy="Close other programs, or scan a --region.")
    return error


def _tell(error: BaseException) -> int:
    if isinstance(error, SchliffError):
        print(f"schliff: {error}", file=sys.stderr)
        return error.exit_code
    what = " ".join(traceback.format_exception_only(error)[-1].split())
    print(f"schliff: something unexpected happened: {what}. Run it with --debug for the details.", file=sys.stderr)
    return UNEXPECTED
