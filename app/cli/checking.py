"""Decides what `schliff check-data` says, and what `schliff train` says of its data before it begins."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from core.counting import counted
from core.errors import InputError

if TYPE_CHECKING:
    from core.data.findings import Finding

_KINDS = {"images": "Whole images by class", "boxes": "Pictures with boxes", "outlines": "Pictures with outlines"}
_COLUMNS = {name: name for name in ("class", "examples", "pictures", "groups", "validation")}


def check_data(args: argparse.Namespace) -> int:
    """The exit code: that of data that can't be used where nothing can be learnt from it."""
    from core.data import checking
    from core.data.reading import read_data

    path = Path(args.path)
    data = read_data(path)
    with stop_by_signal() as cancel, ProgressLine("checking") as progress:
        found = checking.check_data(path, data, progress, cancel)
    summary = checking.summary(data)
    if args.json:
        print_json({"path": str(path), **summary, "findings": [one.to_json() for one in found]})
    else:
        _print_summary(summary)
        print()
        print("\n".join(_lines(found)) or "Nothing odd found.")
    return InputError.exit_code if any(one.stops for one in found) else 0


def check_before_training(path: Path, no_defect: str) -> None:
    """Tells on stderr what is odd. Raises InputError for data nothing can be learnt from, CancelledError."""
    from core.data import checking
    from core.data.reading import read_data

    data = read_data(path, no_defect)
    with stop_by_signal() as cancel, ProgressLine("checking") as progress:
        found = checking.check_data(path, data, progress, cancel)
    stopping = next((one for one in found if one.stops), None)
    for line in _lines([one for one in found if one is not stopping]):
        print(line, file=sys.stderr)
    if stopping is not None:
        raise InputError(stopping.what, path=path, remedy=stopping.remedy)


def tell_what_is_normal(path: Path, no_defect: str) -> None:
    """Tells on stderr what a model of normal will learn from. Raises InputError where nothing says."""
    from core.data.normal import find_normal

    found = find_normal(path, no_defect)
    print(f"{'normal:':<9}{found.summary}", file=sys.stderr)
    for note in found.notes:
        print(f"{'note:':<9}{note}", file=sys.stderr)


def _lines(found: Sequence[Finding]) -> list[str]:
    return [f"{one.level + ':':<9}{one.line()}" for one in found]


def _print_summary(summary: dict[str, Any]) -> None:
    aside = f", {summary['validation']} of them for validation" if summary["validation"] else ""
    unmarked = f", {summary['unmarked']} with nothing marked" if summary["unmarked"] else ""
    held = f"{counted(summary['pictures'], 'picture')} in {counted(summary['groups'], 'group')}"
    print(f"{_KINDS[summary['kind']]} ({summary['format']}): {held}{aside}{unmarked}")
    print()
    columns = _COLUMNS if summary["validation"] else {k: v for k, v in _COLUMNS.items() if k != "validation"}
    print_table([{"class": label, **figures} for label, figures in summary["classes"].items()], columns)
