"""Decides what `schliff …` does: words in, exit code out. The work itself is core's and the window's.

Exit codes: 0 done; 2 wrong usage; 3 input that can't be used; 4 cancelled, can be resumed; 5 a device or the disk failed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app.cli.parser import build_parser, known_commands
from app.cli.trouble import told


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
        line, exit_code = told(error)
        print(f"schliff: {line}", file=sys.stderr)
        return exit_code
