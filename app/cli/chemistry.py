"""Decides what `schliff import-edx` does: results of an EDX into the project, onto the defects they were measured on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.console import print_json, print_table
from app.cli.registering import section_called
from core.chemistry.importing import Outcome, import_measurements, read_measurements
from core.chemistry.matching import Match
from core.project import Project


def import_edx(args: argparse.Namespace) -> None:
    """What is clear is kept; what several defects may have been is listed and left for a person."""
    path = Path(args.file)
    measurements = read_measurements(path, args.unit)
    with Project.open(args.project) as project:
        section = section_called(project, args.section)
        outcome = import_measurements(project, section, measurements, args.scans, path)
    told = {"section": str(section.path), "file": str(path), **_told(outcome)}
    if args.json:
        print_json(told)
        return
    print(f"{section.name}: {len(outcome.attached)} of {len(measurements)} spectra attached")
    for state, what in (("ambiguous", "not clear, so not attached"), ("unmatched", "no defect there")):
        if told[state]:
            print(f"{what}:")
            print_table(told[state], {"spectrum": "spectrum", "candidates": "defects", "text": "composition"})


def _told(outcome: Outcome) -> dict[str, Any]:
    return {
        "attached": [{"id": one.candidates[0].detection.id, **_row(one)} for one in outcome.attached],
        "ambiguous": [_row(one) for one in outcome.ambiguous],
        "unmatched": [_row(one) for one in outcome.unmatched],
    }


def _row(match: Match) -> dict[str, Any]:
    composition = match.measurement.composition
    return {
        "spectrum": composition.spectrum,
        "text": composition.text(),
        "candidates": [candidate.detection.id for candidate in match.candidates],
        "distances_um": [
            None if candidate.distance_um is None else round(candidate.distance_um, 2)
            for candidate in match.candidates
        ],
        "composition": composition.to_json(),
    }  # fmt: skip
