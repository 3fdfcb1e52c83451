"""What becomes of thousands of damaged and hostile files of every format: opened, refused in one clear line, or wrong.

    python -m benchmarks.fuzz [--count 2000] [--seed 1] [--only czi tiff …] [--keep FOLDER]

Each file is a sound one with bytes, sizes, offsets, texts or files changed (`tests/fuzzing`); a number and a seed name it for
ever. It is opened and read as the window does, in a process that is watched. Wrong is: the process ends, it takes more than
10 s of a processor or 2 GB, or what is raised isn't Schliff's own error with a path and a remedy. What was wrong is kept.
"Reasons" are the different ones for which files were refused; below the table are those that were told most often, to see
whether the damage got past the first look at a file. "Codec" and "OpenCV" are the native decoders by themselves, into arrays
of right and wrong sizes, between guards.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from pathlib import Path

from tests.fuzzing.subjects import subjects
from tests.fuzzing.watched import Tried, fuzz

_DETAIL = re.compile(r"['\"“‘].*?['\"”’]|[^\s(]*[/\\][^\s:]*|[\d,.]*\d")  # what is quoted, places, numbers
_TOLD_REASONS = 6
_WHOLE = (
    "czi",
    "tiff",
    "zarr",
    "png",
    "project",
    "model",
)  # names whose first word is the format, the rest how it's written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="files of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of names")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    args = parser.parse_args()
    formats: dict[str, list[str]] = defaultdict(list)
    for name in subjects():
        if not args.only or name.startswith(tuple(args.only)):
            formats[_format_of(name)].append(name)
    print("| what | ways to write it | files | opened | refused | reasons | wrong | slowest, s | most memory, MB |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    everything: dict[str, list[Tried]] = {}
    for what, names in formats.items():
        each = -(-args.count // len(names))
        found = list(fuzz([(name, 0, each) for name in names], args.seed, args.keep))
        everything[what] = found
        print(_line(what, len(names), found), flush=True)
    for what, found in everything.items():
        print(f"\n{what}: refused because")
        for reason, count in _reasons(found).most_common(_TOLD_REASONS):
            print(f"{count:6} × {reason}")
    for tried in (one for found in everything.values() for one in found):
        if tried.outcome == "wrong":
            print(f"\n{tried.subject} {tried.number}: {tried.why[-2000:]}")


def _reasons(found: list[Tried]) -> Counter[str]:
    """What was refused, without names and numbers; each with how often it was told."""
    return Counter(_DETAIL.sub("…", tried.why)[:160] for tried in found if tried.outcome == "refused")


def _format_of(name: str) -> str:
    words = name.split()
    return words[0] if words[0] in _WHOLE else " ".join(words[:2])


def _line(what: str, ways: int, found: list[Tried]) -> str:
    outcomes = Counter(tried.outcome for tried in found)
    counts = (outcomes["opened"], outcomes["refused"], len(_reasons(found)), outcomes["wrong"])
    slowest, most = max(tried.seconds for tried in found), max(tried.peak for tried in found)
    return f"| {what} | {' | '.join(map(str, (ways, len(found), *counts)))} | {slowest:.2f} | {most >> 20} |"


if __name__ == "__main__":
    main()
