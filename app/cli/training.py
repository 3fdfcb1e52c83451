"""Decides what `schliff train` does."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.console import ProgressLine, print_json, stop_by_signal
from app.cli.pairs import pairs
from core.errors import UsageError


def train(args: argparse.Namespace) -> None:
    from core.train import trainers

    trainer = trainers().get(args.family)
    if trainer is None:
        known = ", ".join(sorted(trainers()))
        raise UsageError(f"there is no way to train {args.family!r}", remedy=f"Choose one of: {known}.")
    settings = pairs(args.settings)
    with stop_by_signal() as cancel, ProgressLine(f"training {args.family}") as progress:
        metrics = trainer(Path(args.data), Path(args.out), settings, args.seed, args.device, progress, cancel)
    if args.json:
        print_json(metrics)
        return
    for name, value in metrics.items():
        print(f"{name:<20}{value}")
