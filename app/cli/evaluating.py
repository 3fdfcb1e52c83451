"""Decides what `schliff evaluate` does: judges a model, keeps the evaluation beside it, and says how good it is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import ProgressLine, print_confusion, print_json, print_table, stop_by_signal

if TYPE_CHECKING:
    from core.evaluation.values import Evaluation


_CLASS_COLUMNS = ("images", "truth", "tp", "fp", "fn", "precision", "recall", "f1", "ap")
_PRECISIONS = {
    "ap33": "AP 0.33",
    "ap33_11": "11-point",
    "ap50": "AP 0.5",
    "ap50_11": "11-point",
    "ap50_95": "AP 0.5:0.95",
}


def evaluate(args: argparse.Namespace) -> None:
    from core.evaluation.judging import evaluate as judge
    from core.evaluation.page import write_page
    from core.evaluation.request import EvaluateRequest
    from core.evaluation.store import save_evaluation
    from core.models.catalog import find_model

    spec = find_model(args.model)
    keep = None if args.background is None else args.background == "keep"
    request = EvaluateRequest.of(
        spec, Path(args.data), device=args.device, threshold=args.threshold, part=args.part, keep_background=keep
    )
    with stop_by_signal() as cancel, ProgressLine(f"judging {spec.id}") as progress:
        judged, path = save_evaluation(judge(request, progress, cancel), spec)
    if args.html:
        write_page(judged, Path(args.html))
    if args.json:
        print_json(_document(judged, path))
    else:
        _print(judged, path)


def _document(judged: Evaluation, path: Path) -> dict[str, Any]:
    """Figures at the top, as scripts read them; everything else is in the file that `evaluation` names."""
    model, data, made = judged.model, judged.data, judged.made
    head = {"model": model["id"], "version": model["version"], "threshold": judged.threshold}
    told = {"data": data["fingerprint"], "notes": data["notes"], "seconds": made["seconds"], "evaluation": str(path)}
    return {**head, **judged.figures, **told}


def _print(judged: Evaluation, path: Path) -> None:
    from core.evaluation.words import PRECISION_COLUMNS, columns_of, headline, summary

    figures = judged.figures
    for line in (*summary(judged), *(f"Note: {note}." for note in judged.data["notes"])):
        print(line)
    print()
    head = headline(judged)
    print_table([head], dict(columns_of(judged)))
    print()
    _print_classes(figures["classes"])
    if figures.get("average_precision"):
        print()
        rows = [{"class": name, **values} for name, values in figures["average_precision"].items()]
        print_table(rows, {"class": "class", **PRECISION_COLUMNS})
    print()
    print_confusion(figures["confusion"])
    print(f"\nKept in {path}")


def _print_classes(classes: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [{"class": label, **row} for label, row in classes.items()]
    there = [name for name in _CLASS_COLUMNS if any(name in row for row in rows)]
    print_table(rows, {"class": "class", **{name: name for name in there}})
