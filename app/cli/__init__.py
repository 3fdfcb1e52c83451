"""Decides what `schliff …` does: words in, exit code out. The work itself is core's and the window's.

Exit codes: 0 done; 2 wrong usage; 3 input that can't be used; 4 cancelled, can be resumed; 5 a device or the disk failed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from app.cli.console import let_it_be_said
from app.cli.parser import build_parser, known_commands
from app.cli.trouble import told


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; says on stderr, in one line, what went wrong."""
    let_it_be_said()
    words = list(sys.argv[1:] if argv is None else argv)
    parser = build_parser()
    if not words or (words[0] not in known_commands() and not words[0].startswith("-")):
        if words and (meant := _nearest_command(words[0])):
            parser.error(f"there is no command and no file {words[0]!r}; did you mean {meant!r}")
        words.insert(0, "open")
    args = parser.parse_args(words)
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


def _nearest_command(word: str) -> str | None:
    """The command that somebody meant who misspelt it: no window opens to say that there is no such file."""
    nearest = get_close_matches(word, known_commands(), n=1)
    return nearest[0] if nearest and not Path(word).exists() else None
