"""Decides what `schliff calibrate` does: a pixel size into the project, typed in or from a line over a known length."""

from __future__ import annotations

import argparse

from app.cli.console import print_json
from app.cli.registering import section_called
from core.calibration import PixelSize, measured, pixel_size
from core.errors import UsageError
from core.project import Project
from core.project.calibration_store import CalibrationStore
from core.readers.scale import to_um
from core.readers.sem_tags import quantity


def calibrate(args: argparse.Namespace) -> None:
    with Project.open(args.project) as project:
        section = section_called(project, args.section)
        with project.open_section_of(section) as opened:
            info = opened.info
            stated = (info.as_stated or info).pixel_size_um
        CalibrationStore(project).keep(section.id, None if args.clear else _entered(args, stated))
        section = project.section(section.id)
    size = section.pixel_size_um
    told = {
        "section": str(section.path),
        "pixel_size_um": list(size) if size else None,
        "pixel_size_source": "hand" if section.scale_by_hand else "file" if size else None,
        "stated_um": list(stated) if stated else None,
    }
    if args.json:
        print_json(told)
        return
    by = "entered by hand" if section.scale_by_hand else "as the file states"
    print(f"{section.name}: {f'{size[0]:.6g} × {size[1]:.6g} µm per px, {by}' if size else 'no pixel size'}")


def _entered(args: argparse.Namespace, stated: PixelSize | None) -> PixelSize:
    if args.line is None:
        values = _numbers(args.um_per_px, (1, 2), "--um-per-px is not X or X,Y")
        return pixel_size(*values)
    x0, y0, x1, y1 = _numbers(args.line, (4,), "--line is not X0,Y0,X1,Y1")
    found = quantity(args.length)
    length = None if found is None else to_um(*found)
    if length is None:
        raise UsageError("--line needs the length with its unit", remedy='Add --length "500 um".')
    return measured(((x0, y0), (x1, y1)), length, stated)


def _numbers(text: str, counts: tuple[int, ...], trouble: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise UsageError(f"{trouble}: {text!r}", remedy="Write numbers with commas between them.")
    return values
