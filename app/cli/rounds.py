"""Decides what `schliff rounds` and `schliff propose` say."""

from __future__ import annotations

import argparse
from typing import Any

from app.cli.console import print_json, print_table
from core.counting import counted
from core.errors import UsageError
from core.project import Project, SectionRecord
from core.proposals import propose
from core.rounds import finished_scans, rounds_of

_COUNTED = {
    "class": "class", "kept": "kept", "new": "new", "vanished": "vanished", "missed": "missed",
    "other_class": "other class", "found_again": "false alarm again",
}  # fmt: skip
_PROPOSED = {
    "section": "section",
    "id": "id",
    "class": "class",
    "score": "score",
    "x_px": "x px",
    "y_px": "y px",
    "why": "why",
}


def rounds(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        told: list[dict[str, Any]] = [
            {"section": str(section.path), "rounds": [one.to_json() for one in rounds_of(project, section.id)]}
            for section in _sections(project, args.section)
        ]
    if args.json:
        print_json(told)
        return
    for section in told:
        print(section["section"])
        if not section["rounds"]:
            print("  fewer than two finished scans")
        for one in section["rounds"]:
            print(f"{one['before']} → {one['after']}")
            print_table([{"class": label, **counts} for label, counts in one["classes"].items()], _COUNTED)


def proposals(args: argparse.Namespace) -> None:
    told: list[dict[str, Any]] = []
    with Project.open(args.project) as project:
        for section in _sections(project, args.section):
            for scan in finished_scans(project, section.id)[-1:]:
                found = propose(project, scan, args.count)
                told += [{"section": section.path.name, **one.to_json()} for one in found]
    if args.json:
        print_json(told)
        return
    print_table(told, _PROPOSED)
    print(f"{counted(len(told), 'detection')} to judge")


def _sections(project: Project, name: str | None) -> list[SectionRecord]:
    """Those of a project, or the one with this file name. Raises UsageError naming them."""
    sections = project.sections()
    chosen = [one for one in sections if name is None or name in (one.path.name, str(one.path))]
    if name is not None and not chosen:
        raise UsageError(
            f"it holds no section {name!r}", path=project.path,
            remedy="It holds: " + (", ".join(one.path.name for one in sections) or "none") + ".",
        )  # fmt: skip
    return chosen
