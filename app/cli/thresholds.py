"""Decides what `schliff thresholds` says: which thresholds a model or a scan offers, what each promises, how scores are spread."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.cli.console import print_json, print_table
from core.errors import UsageError
from core.project import Project, ScanRecord

if TYPE_CHECKING:
    from core.anomaly.thresholds import Preset
    from core.score_spread import ScoreSpread

_ROWS = 12
_PRESETS = {"preset": "preset", "threshold": "threshold", "shown": "shown", "name": "name"}
_SPREAD = {"from": "score from", "normal": "normal", "section": "this section"}


def thresholds(args: argparse.Namespace) -> None:
    path = Path(args.target)
    if Project.is_project(path):
        with Project.open(path) as project:
            _of_scan(project, _scan(project, args.scan), args)
    elif args.scan or args.choose:
        raise UsageError(
            "only a project has scans", path=path, remedy="Name a project, or leave --scan and --choose out."
        )
    else:
        _of_model(args)


def _of_model(args: argparse.Namespace) -> None:
    from core.anomaly.calibration import calibration_in
    from core.models.catalog import configure, find_model
    from core.score_spread import offered, spread_of

    spec = configure(find_model(args.target), {})
    calibration = calibration_in(spec.card, spec.path)
    presets = offered(spec, calibration, ())
    spread = None if calibration is None else spread_of(None, spec.window_px, (), spec.score_unit, calibration)
    head = {"model": spec.id, "scan_id": None, "section": None, "unit": spec.score_unit, "threshold": spec.threshold}
    _show(head, presets, {}, spread, args.json)


def _of_scan(project: Project, scan: ScanRecord, args: argparse.Namespace) -> None:
    from core.anomaly.calibration import calibration_in
    from core.score_spread import configured_model, offered, spread_of

    found, spec = project.detections(scan.id), configured_model(scan)
    calibration = calibration_in(spec.card, spec.path) if spec is not None else None
    presets = offered(spec, calibration, found)
    threshold = scan.threshold
    if args.choose:
        threshold = _chosen(args.choose, presets)
        project.set_threshold(scan.id, threshold)
    spread = spread_of(project.score_map(scan.id), scan.context_px, found, scan.score_unit, calibration)
    while not spread.complete:  # a large map is folded for a moment at a time
        spread = spread_of(project.score_map(scan.id), scan.context_px, found, scan.score_unit, calibration)
    shown = {one.id: sum(d.score >= one.threshold for d in found) for one in presets}
    section = str(project.section(scan.section_id).path)
    head = {
        "model": scan.model_id,
        "scan_id": scan.id,
        "section": section,
        "unit": scan.score_unit,
        "threshold": threshold,
    }
    _show(head, presets, shown, spread, args.json)


def _scan(project: Project, wanted: str | None) -> ScanRecord:
    scans = project.scans()
    if wanted:
        scans = [one for one in scans if one.id == wanted]
    if not scans:
        what = f"there is no scan {wanted!r} in it" if wanted else "nothing was scanned in it yet"
        raise UsageError(what, path=project.path, remedy="`schliff scans PROJECT` lists what there is.")
    return scans[-1]


def _chosen(wanted: str, presets: Sequence[Preset]) -> float:
    """A preset's threshold, or a number. Raises UsageError."""
    known = {one.id: one.threshold for one in presets}
    with suppress(ValueError):
        value = known[wanted] if wanted in known else float(wanted)
        if math.isfinite(value):
            return value
    raise UsageError(f"there is no preset {wanted!r}", remedy="Choose a number, or one of: " + ", ".join(known) + ".")


def _show(
    head: dict[str, Any], presets: Sequence[Preset], shown: dict[str, int], spread: ScoreSpread | None, as_json: bool
) -> None:
    if as_json:
        rows = [{**one.to_json(), "shown": shown.get(one.id)} for one in presets]
        print_json({**head, "presets": rows, "distribution": None if spread is None else _told(spread)})
        return
    print(f"{head['model']}: {head['threshold']:.3g} {head['unit']}")
    rows = [{**one.to_json(), "preset": one.id, "shown": shown.get(one.id)} for one in presets]
    print_table(rows, _PRESETS if shown else {name: title for name, title in _PRESETS.items() if name != "shown"})
    for one in presets:
        if one.expects:
            print(f"{one.id}: {one.expects}")
    if spread is not None:
        _print_spread(spread)


def _print_spread(spread: ScoreSpread) -> None:
    """A few wide bins, in per cent of windows and counts of decisions."""
    edges = spread.edges[:: max(1, (len(spread.edges) - 1) // _ROWS)]
    shares = {"normal": spread.normal, "section": spread.section}
    rows = []
    for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
        inside = (spread.edges[:-1] >= low) & (spread.edges[:-1] < high)
        told = {name: f"{100 * one[inside].sum():.2f} %" for name, one in shares.items() if one is not None}
        counts: dict[str, int] = {
            status: sum(bool(low <= s < high) for s in scores) for status, scores in spread.judged.items()
        }
        rows.append({"from": round(float(low), 3), **told, **counts})
    there = {name: title for name, title in _SPREAD.items() if name == "from" or shares.get(name) is not None}
    print()
    print_table(rows[:-1], {**there, **{status: status.replace("_", " ") for status in spread.judged}})


def _told(spread: ScoreSpread) -> dict[str, Any]:
    def plain(values: np.ndarray | None) -> list[float] | None:
        return None if values is None else [round(float(value), 6) for value in values]

    return {
        "edges": plain(spread.edges),
        "normal": plain(spread.normal),
        "section": plain(spread.section),
        "reviewed": {status: list(scores) for status, scores in spread.judged.items()},
    }
