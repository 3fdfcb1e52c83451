"""Decides what `schliff sample` does: writes a synthetic section and its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.console import ProgressLine, stop_by_signal
from core.errors import UsageError


def sample(args: argparse.Namespace) -> None:
    from core.counting import counted
    from core.synthetic import default_defects, make_sample, write_sample
    from core.truth import ARTEFACT_CLASSES

    if args.size < 1:
        raise UsageError(f"--size must be at least 1, not {args.size}", remedy="12000 makes a section of 6 mm.")
    out = Path(args.out)
    defects = default_defects(args.kind, args.size) if args.defects is None else args.defects
    with stop_by_signal() as cancel, ProgressLine(out.name) as progress:
        section = make_sample(args.kind, args.size, defects, args.seed)
        write_sample(section, out, progress, cancel)
    artefacts = sum(truth.label in ARTEFACT_CLASSES for truth in section.truth)
    told = f"{counted(len(section.truth) - artefacts, 'defect')} and {counted(artefacts, 'artefact')}"
    print(f"{out}: {section.size} × {section.size} px, {told}")
