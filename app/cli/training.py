"""Decides what `schliff train` does."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.checking import check_before_training, tell_what_is_normal
from app.cli.console import ProgressLine, print_confusion, print_json, print_table, stop_by_signal
from app.cli.pairs import pairs
from core.errors import CancelledError

if TYPE_CHECKING:
    from core.train.request import TrainRequest

_NAME_WIDTH = 24  # characters; the longest figure's name


def train(args: argparse.Namespace) -> None:
    from core.train.request import TrainRequest
    from core.train.running import run_training
    from core.train.trainers import learns_normal

    request = TrainRequest(args.family, Path(args.data), Path(args.out), pairs(args.settings), args.seed, args.device)
    if learns_normal(request.trainer):
        tell_what_is_normal(request.data, request.settings.get("no_defect", ""))
    else:
        check_before_training(request.data, request.settings.get("no_defect", ""))
    if args.cost:
        _tell_cost(request, args.json)
        return
    with stop_by_signal() as cancel, ProgressLine(f"training {args.family}") as progress:
        try:
            metrics = run_training(request, progress, cancel)
        except CancelledError:
            raise CancelledError(
                "the training was stopped; what it has learnt is kept",
                path=request.out,
                remedy="Give the same command again to go on.",
            ) from None
    _show(metrics, args.json)


def _tell_cost(request: TrainRequest, as_json: bool) -> None:
    """What it would take, and what would make it cheaper."""
    from core.train.cost import cheaper, estimate_cost
    from core.train.running import checked_trainer

    with stop_by_signal() as cancel, ProgressLine("measuring") as progress:
        cost = estimate_cost(request, progress, cancel)
    lighter = cheaper(cost, checked_trainer(request), request.settings)
    if as_json:
        print_json({**asdict(cost), "lighter": lighter})
        return
    print(cost.text)
    if lighter:
        print("Lighter: " + " ".join(f"--set {name}={value}" for name, value in lighter.items()))


def _show(figures: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(figures)
    else:
        _print_figures(figures)


def _print_figures(figures: Mapping[str, Any], indent: str = "") -> None:
    """One line for each figure; those of classes and the confusion as tables."""
    for name, value in figures.items():
        if name == "classes":
            rows = [{"class": label, **figures_of} for label, figures_of in value.items()]
            print_table(rows, {key: key for key in rows[0]} if rows else {})
        elif name == "confusion":
            print_confusion(value)
        elif isinstance(value, dict):
            print(f"{indent}{name}:")
            _print_figures(value, indent + "  ")
        else:
            print(f"{indent + name:<{_NAME_WIDTH}}  {_text(value)}")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)
