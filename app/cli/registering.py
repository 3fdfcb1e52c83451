"""Decides what `schliff register` does: a section's fiducials from a CSV into the project, and what the fit says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.console import print_json, print_table
from core.errors import UsageError
from core.project import Project, SectionRecord
from core.project.registration_store import RegistrationStore
from core.registration.fiducials import Fiducial, read_fiducials
from core.registration.markers import markers_of, read_markers, seen_at
from core.registration.registration import Registration, describe
from core.registration.registration import register as fitted


def register(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        section = section_called(project, args.section)
        store = RegistrationStore(project)
        if args.clear:
            store.keep(section.id, [])
            print(f"{section.name} is not registered any more.")
            return
        fiducials = read_fiducials(Path(args.fiducials)) if args.fiducials else _marked(project, section, args.markers)
        registration = fitted(fiducials, section.pixel_size_um, args.kind)
        store.keep(section.id, fiducials, args.kind)
    told = {"section": str(section.path), **describe(registration)}
    if args.json:
        print_json(told)
    else:
        _print(section, registration, told)


def _marked(project: Project, section: SectionRecord, sem_file: str) -> list[Fiducial]:
    """The markers of Shuttle & Find, from the section's own file and from one that the SEM saved."""
    seen = read_markers(Path(sem_file))
    with project.open_section_of(section) as opened:
        return seen_at(markers_of(opened.info), seen)


def section_called(project: Project, wanted: str | None) -> SectionRecord:
    sections = project.sections()
    fitting = [one for one in sections if wanted in (None, one.name, str(one.path))]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(one.name for one in sections) or "none"
    what = f"it has no section {wanted!r}" if wanted and not fitting else "which section is not clear"
    raise UsageError(what, path=project.path, remedy=f"Name one with --section: {names}.")


def _print(section: SectionRecord, registration: Registration, told: dict[str, Any]) -> None:
    mirrored = "mirrored" if told["mirrored"] else "not mirrored"
    print(f"{section.name}: {told['kind']}, turned {told['rotation_deg']:.3f}°, scale {told['scale']:.6g}, {mirrored}")
    if registration.rms_um is not None:
        print(f"residuals {registration.rms_um:.2f} µm rms, {told['max_um']:.2f} µm at {told['max_at']}")
    columns = {
        "name": "fiducial",
        "dx_um": "dx µm",
        "dy_um": "dy µm",
        "residual_um": "µm",
        "left_out_um": "left out µm",
    }
    print_table(told["fiducials"], columns)
    if told["checks"]:
        print_table(told["checks"], {"name": "check", "error_um": "error µm", "predicted_error_um": "predicted µm"})
    for warning in told["warnings"]:
        print(f"warning: {warning}")
