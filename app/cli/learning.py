"""Decides what `schliff learning-curve` does."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.console import ProgressLine, print_json, print_table, stop_by_signal
from app.cli.pairs import pairs
from core.errors import CancelledError

_FIGURES = {"map50": "mAP at 0.5", "macro_f1": "macro F1"}


def learning_curve(args: argparse.Namespace) -> None:
    from core.train.learning_curve import learning_curve, shares_from
    from core.train.learning_curve_file import CURVE_NAME
    from core.train.request import TrainRequest

    request = TrainRequest(args.family, Path(args.data), Path(args.out), pairs(args.settings), args.seed, args.device)
    shares = shares_from(args.shares)
    with stop_by_signal() as cancel, ProgressLine("learning curve") as progress:
        try:
            curve = learning_curve(request, shares, progress, cancel)
        except CancelledError:
            raise CancelledError(
                "it was stopped; what is trained so far is kept",
                path=request.out,
                remedy="Give the same command again to go on.",
            ) from None
    if args.json:
        print_json(curve.to_json())
        return
    columns = {"groups": "groups", "pictures": "pictures", "examples": curve.unit, "value": _FIGURES[curve.figure]}
    if curve.unit == "images":
        del columns["pictures"]
    rows = [{name: getattr(point, name) for name in columns} | {"folder": point.folder} for point in curve.points]
    print_table(rows, {**columns, "folder": "model"})
    print(f"{request.out / CURVE_NAME}")
